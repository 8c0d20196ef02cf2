import { answer, client } from './client';
import type { Action, ExperimentDetail, ExperimentSummary, Postmortem, PostmortemDetail, ScalePoint } from './types';

export const listPostmortems = (): Promise<Postmortem[]> => answer(client.GET('/api/postmortems'));

export const getPostmortem = (incident: string): Promise<PostmortemDetail> =>
  answer(client.GET('/api/postmortems/{incident}', { params: { path: { incident } } }));

export const draftPostmortem = (incident: string): Promise<Postmortem> =>
  answer(client.POST('/api/incidents/{id}/postmortem', { params: { path: { id: incident } } }));

export const listActions = (): Promise<Action[]> => answer(client.GET('/api/actions'));

export const addAction = (incident: string, title: string, owner: string | null): Promise<Action> =>
  answer(client.POST('/api/incidents/{id}/actions', { params: { path: { id: incident } }, body: { title, owner } }));

export const changeAction = (id: string, status: Action['status']) =>
  answer(client.PATCH('/api/actions/{id}', { params: { path: { id } }, body: { status } }));

export const listScalePoints = (): Promise<ScalePoint[]> => answer(client.GET('/api/scale-points'));

export const listExperiments = (): Promise<ExperimentSummary[]> => answer(client.GET('/api/experiments'));

export const getExperiment = (name: string): Promise<ExperimentDetail> =>
  answer(client.GET('/api/experiments/{name}', { params: { path: { name } } }));
