import { getSwitch, listDeployments, recentDeploymentEvents } from '$lib/api/deployments';
import { getRun } from '$lib/api/prepare';
import type { DeploymentSummary, DeploymentSwitch, Event, RunDetail } from '$lib/api/types';
import { resource, type Resource } from '$lib/live/resource.svelte';

/** What the pipelines show. */
export interface Pipelines {
  deployments: DeploymentSummary[];
  /** The newest run of each, by its id. */
  runs: Record<string, RunDetail>;
  events: Event[];
  all: DeploymentSwitch;
}

/** The pipelines of all deployments, or of those that `wanted` names, read again whenever something moves. */
export function pipelines(wanted: (one: DeploymentSummary) => boolean = () => true, key?: () => unknown): Resource<Pipelines> {
  const read = async (): Promise<Pipelines> => {
    const [deployments, all] = await Promise.all([listDeployments().then((found) => found.filter(wanted)), getSwitch()]);
    const last = deployments.flatMap(({ last_run }) => (last_run ? [last_run.id] : []));
    const [details, events] = await Promise.all([Promise.all(last.map(getRun)), last.length ? recentDeploymentEvents() : []]);
    return { deployments, all, events, runs: Object.fromEntries(details.map((detail) => [detail.run.id, detail])) };
  };
  return resource(read, { topics: ['deployment.', 'deployments.', 'run.', 'step.', 'documents.'] }, key);
}
