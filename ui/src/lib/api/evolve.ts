import { answer, client } from './client';
import type { Action, Coverage, ExperimentDetail, ExperimentSummary, GameDayDetail, GameDaySummary, HypothesisVerdict, Postmortem, PostmortemDetail, ScalePoint, Training } from './types';

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

export const listGameDays = (): Promise<GameDaySummary[]> => answer(client.GET('/api/game-days'));

export const getGameDay = (name: string): Promise<GameDayDetail> =>
  answer(client.GET('/api/game-days/{name}', { params: { path: { name } } }));

/** For each component and each failure mode, when it was tried last. */
export const getCoverage = (): Promise<Coverage> => answer(client.GET('/api/game-days/coverage'));

/** Says that whoever acts takes part. */
export const joinGameDay = (run: string) => answer(client.POST('/api/game-days/runs/{run}/join', { params: { path: { run } } }));

/** A person's word on a hypothesis, counted from 0. */
export const judgeHypothesis = (run: string, hypothesis: number, verdict: HypothesisVerdict, because: string) =>
  answer(client.POST('/api/game-days/runs/{run}/verdicts', { params: { path: { run } }, body: { hypothesis, verdict, because } }));

export const listTrainings = (user?: string): Promise<Training[]> => answer(client.GET('/api/trainings', { params: { query: { user } } }));
