import { answer, client } from './client';
import type { DocumentProblem, Overview, ServerStatus } from './types';

export const getOverview = (): Promise<Overview> => answer(client.GET('/api/overview'));

export const getStatus = (): Promise<ServerStatus> => answer(client.GET('/api/status'));

export const getDocumentProblems = (): Promise<DocumentProblem[]> => answer(client.GET('/api/documents/problems'));
