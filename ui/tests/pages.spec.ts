import type { AlarmRecord, CanarySummary, ConfigProfileSummary, DeploymentSummary, EntitySummary, ExperimentSummary, GameDaySummary, Incident, Postmortem, Run, RunbookSummary, ScenarioSummary, TraceSummary } from '../src/lib/api/types';
import { entityHref, incidentHref, alarmHref, canaryHref, configProfileHref, deploymentHref, experimentHref, gameDayHref, postmortemHref, runbookHref, runHref, scenarioHref, traceHref } from '../src/lib/format/entity';
import { expect, picture, read, settled, test } from './support';

/** What each page must show besides its heading. */
const PAGES: { name: string; path: string; shows: string }[] = [
  { name: 'overview', path: '/', shows: '[aria-label="Health"]' },
  { name: 'catalogue', path: '/organize', shows: 'table tbody tr' },
  { name: 'map', path: '/organize/map', shows: 'svg[aria-label="Service map"] a.node' },
  { name: 'runbooks', path: '/prepare/runbooks', shows: 'table tbody tr' },
  { name: 'scenarios', path: '/prepare/scenarios', shows: 'table tbody tr, main .empty' },
  { name: 'configuration', path: '/prepare/configuration', shows: 'table tbody tr, main .empty' },
  { name: 'deployments', path: '/prepare/deployments', shows: 'main ol.stages > li, main .empty' },
  { name: 'runs', path: '/prepare/runs', shows: 'table tbody tr' },
  { name: 'parameters', path: '/prepare/parameters', shows: 'table tbody tr, main .empty' },
  { name: 'incidents', path: '/operate/incidents', shows: 'table tbody tr' },
  { name: 'alarms', path: '/operate/alarms', shows: 'table tbody tr' },
  { name: 'canaries', path: '/operate/canaries', shows: 'table tbody tr, main .empty' },
  { name: 'rules', path: '/operate/rules', shows: 'main section h2' },
  { name: 'notifications', path: '/operate/notifications', shows: 'main [aria-pressed="true"]' },
  { name: 'events', path: '/operate/events', shows: 'main details' },
  { name: 'postmortems', path: '/evolve/postmortems', shows: 'table tbody tr' },
  { name: 'actions', path: '/evolve/actions', shows: 'main' },
  { name: 'experiments', path: '/evolve/experiments', shows: 'table tbody tr, main .empty' },
  { name: 'game-days', path: '/evolve/game-days', shows: 'table tbody tr, main .empty' },
  { name: 'metrics', path: '/explore/metrics?q=count%20by%20(__name__)%20(%7B__name__%3D~%22.%2B%22%7D)', shows: '[aria-label="Chart"] canvas' },
  { name: 'logs', path: '/explore/logs', shows: '[aria-label="Log records"] li' },
  { name: 'traces', path: '/explore/traces', shows: 'table tbody tr' },
  { name: 'sql', path: '/explore/sql?sql=select%20service%2C%20count(*)%20as%20n%20from%20logs%20group%20by%20service', shows: '[aria-label="Result"] tbody tr' },
  { name: 'status', path: '/status', shows: 'table tbody tr' }
];

const LOOKS = [
  { look: 'dark', colorScheme: 'dark', viewport: { width: 1400, height: 900 } },
  { look: 'light', colorScheme: 'light', viewport: { width: 1400, height: 900 } },
  { look: 'narrow', colorScheme: 'dark', viewport: { width: 360, height: 780 } }
] as const;

for (const { look, colorScheme, viewport } of LOOKS) {
  test.describe(look, () => {
    test.use({ colorScheme, viewport });

    for (const { name, path, shows } of PAGES) {
      test(name, async ({ page }) => {
        await page.goto(path);
        await expect(page.locator(shows).first()).toBeVisible();
        await settled(page);
        await picture(page, `${name}-${look}`);
      });
    }

    test('one of each thing', async ({ page, request }) => {
      test.setTimeout(90_000);
      for (const [name, path] of await oneOfEach(request)) {
        await page.goto(path);
        await settled(page);
        await expect(page.locator('main .card').first()).toBeVisible();
        await picture(page, `${name}-${look}`);
      }
    });
  });
}

async function oneOfEach(request: Parameters<typeof read>[0]): Promise<[string, string][]> {
  const entities = await read<EntitySummary[]>(request, 'entities?kind=Component');
  const runbooks = await read<RunbookSummary[]>(request, 'runbooks');
  const runs = await read<Run[]>(request, 'runs');
  const alarms = await read<AlarmRecord[]>(request, 'alarms');
  const incidents = await read<Incident[]>(request, 'incidents');
  const postmortems = await read<Postmortem[]>(request, 'postmortems');
  const traces = await read<TraceSummary[]>(request, 'traces');
  const scenarios = await read<ScenarioSummary[]>(request, 'scenarios');
  const configProfiles = await read<ConfigProfileSummary[]>(request, 'config-profiles');
  const canaries = await read<CanarySummary[]>(request, 'canaries');
  const experiments = await read<ExperimentSummary[]>(request, 'experiments');
  const gameDays = await read<GameDaySummary[]>(request, 'game-days');
  const deployments = await read<DeploymentSummary[]>(request, 'deployments');
  const last = (kind: Run['kind'], mode?: string) => runs.filter((run) => run.kind === kind && (!mode || run.parameters.mode === mode)).slice(0, 1);
  return [
    // A workload need not have these.
    ...scenarios.slice(0, 1).map(({ name }): [string, string] => ['scenario', scenarioHref(name)]),
    ...configProfiles.slice(0, 1).map(({ name }): [string, string] => ['config-profile', configProfileHref(name)]),
    ...canaries.slice(0, 1).map(({ name }): [string, string] => ['canary', canaryHref(name)]),
    ...experiments.slice(0, 1).map(({ name }): [string, string] => ['experiment', experimentHref(name)]),
    ...gameDays.slice(0, 1).map(({ name }): [string, string] => ['game-day', gameDayHref(name)]),
    ...deployments.slice(0, 1).map(({ name }): [string, string] => ['deployment', deploymentHref(name)]),
    ...last('deployment').map(({ id }): [string, string] => ['deployment-run', runHref(id)]),
    ...last('gameday').map(({ id }): [string, string] => ['game-day-run', runHref(id)]),
    ...last('scenario', 'test').map(({ id }): [string, string] => ['test-run', runHref(id)]),
    ...last('scenario', 'load').map(({ id }): [string, string] => ['load-run', runHref(id)]),
    ...last('experiment').map(({ id }): [string, string] => ['experiment-run', runHref(id)]),
    ['component', entityHref(entities.find(({ name }) => name === 'orders')?.reference ?? entities[0]!.reference)!],
    ['runbook', runbookHref(runbooks[0]!.name)],
    ['playbook', runbookHref(runbooks.find(({ kind }) => kind === 'playbook')!.name)],
    ['run', runHref(runs[0]!.id)],
    ['playbook-run', runHref(runs.find(({ kind }) => kind === 'playbook')!.id)],
    ['alarm', alarmHref(alarms[0]!.id)],
    ['incident', incidentHref(incidents[0]!.id)],
    ['postmortem', postmortemHref(postmortems[0]!.incident)],
    ['trace', traceHref([...traces].sort((a, b) => b.spans - a.spans)[0]!.trace_id)]
  ];
}
