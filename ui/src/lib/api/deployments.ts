import { answer, client } from './client';
import { listEvents } from './operate';
import type { DeploymentSummary, DeploymentSwitch, Event, Run, ShiftAction } from './types';

/** Types of events about one deployment begin with this. */
export const DEPLOYMENT_EVENTS = 'dev.mainstay.deployment.';
const EVENTS_A_PAGE = 1000;
/** As many as the server gives at once; a run has far fewer. */
const EVENTS_OF_A_RUN = 10_000;

export const listDeployments = (): Promise<DeploymentSummary[]> => answer(client.GET('/api/deployments'));

export const getSwitch = (): Promise<DeploymentSwitch> => answer(client.GET('/api/deployments/switch'));

export const setSwitch = (stopped: boolean, reason: string): Promise<DeploymentSwitch> =>
  answer(client.POST('/api/deployments/switch', { body: { stopped, reason: reason || null } }));

/** Pauses, resumes or promotes the shift that a run has under way. */
export const actOnShift = (run: string, action: ShiftAction) =>
  answer(client.POST('/api/deployments/runs/{run}/action', { params: { path: { run } }, body: action }));

/** The newest events of all deployments, oldest first. */
export async function recentDeploymentEvents(): Promise<Event[]> {
  return (await listEvents({ type: DEPLOYMENT_EVENTS, limit: EVENTS_A_PAGE, newest_first: true })).reverse();
}

/** What is on record of one run, oldest first. */
export const deploymentEventsOf = (run: Run): Promise<Event[]> => listEvents({ type: DEPLOYMENT_EVENTS, run: run.id, limit: EVENTS_OF_A_RUN });
