import { answer, client } from './client';
import type { ConfigProfileDetail, ConfigProfileSummary, FlagAnswer, ParameterHistory, ParameterSummary, RequestRun, Run, RunbookDetail, RunbookSummary, RunDetail, RunnerSummary, RunOutput, RunStatus, ScenarioDetail, ScenarioSummary, SecretDetail, SecretSummary, SecretValue } from './types';

export const listRunbooks = (): Promise<RunbookSummary[]> => answer(client.GET('/api/runbooks'));

export const getRunbook = (name: string): Promise<RunbookDetail> =>
  answer(client.GET('/api/runbooks/{name}', { params: { path: { name } } }));

export const listScenarios = (): Promise<ScenarioSummary[]> => answer(client.GET('/api/scenarios'));

export const getScenario = (name: string): Promise<ScenarioDetail> =>
  answer(client.GET('/api/scenarios/{name}', { params: { path: { name } } }));

export const listConfigProfiles = (): Promise<ConfigProfileSummary[]> => answer(client.GET('/api/config-profiles'));

export const getConfigProfile = (name: string): Promise<ConfigProfileDetail> =>
  answer(client.GET('/api/config-profiles/{name}', { params: { path: { name } } }));

/** What each flag of an environment is for somebody. */
export const tryFlags = (name: string, environment: string, context: Record<string, unknown>): Promise<FlagAnswer[]> =>
  answer(client.POST('/api/config-profiles/{name}/environments/{environment}/evaluate', { params: { path: { name, environment } }, body: { context } }));

export const listRunners = (): Promise<RunnerSummary[]> => answer(client.GET('/api/runners'));

export const listRuns = (filter: { status?: RunStatus; document?: string; incident?: string; routine?: boolean } = {}): Promise<Run[]> =>
  answer(client.GET('/api/runs', { params: { query: filter } }));

export const requestRun = (body: RequestRun): Promise<Run> => answer(client.POST('/api/runs', { body }));

export const getRun = (id: string): Promise<RunDetail> =>
  answer(client.GET('/api/runs/{id}', { params: { path: { id } } }));

export const getRunOutput = (id: string, after: number): Promise<RunOutput> =>
  answer(client.GET('/api/runs/{id}/output', { params: { path: { id }, query: { after } } }));

/** Agrees to one step. The digest binds the agreement to what was shown. */
export const approveStep = (id: string, step: number, digest: string) =>
  answer(client.POST('/api/runs/{id}/approve', { params: { path: { id } }, body: { step, digest } }));

/** Refuses the step that waits; the run is cancelled. */
export const rejectRun = (id: string) => answer(client.POST('/api/runs/{id}/reject', { params: { path: { id } } }));

export const cancelRun = (id: string) => answer(client.POST('/api/runs/{id}/cancel', { params: { path: { id } } }));

export const resumeRun = (id: string, from: 'repeat' | 'skip') =>
  answer(client.POST('/api/runs/{id}/resume', { params: { path: { id } }, body: { from } }));

export const listParameters = (): Promise<ParameterSummary[]> => answer(client.GET('/api/parameters'));

export const getParameter = (path: string): Promise<ParameterHistory> => answer(client.GET('/api/parameters/history', { params: { query: { path } } }));

export const moveLabel = (path: string, label: string, version: number) => answer(client.POST('/api/parameters/labels', { body: { path, label, version } }));

export const listSecrets = (): Promise<SecretSummary[]> => answer(client.GET('/api/secrets'));

export const getSecret = (path: string): Promise<SecretDetail> => answer(client.GET('/api/secrets/detail', { params: { query: { path } } }));

/** Hands the value out; that is recorded with the reason. */
export const readSecret = (path: string, version: number, why: string): Promise<SecretValue> => answer(client.POST('/api/secrets/read', { body: { path, version, why } }));
