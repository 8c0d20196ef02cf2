import type { Page } from '@playwright/test';
import { expect, picture, settled, test } from './support';

/** Answers as a server does that has just been started on an empty folder. */
async function nothingYet(page: Page) {
  await page.route(/\/api\/(entities|alarms|canaries|deployments|experiments|game-days|trainings|incidents|runbooks|runs|scenarios|config-profiles|postmortems|actions|events|event-rules|deliveries|traces|documents\/problems)(\?.*)?$/, (route) =>
    route.fulfill({ json: [] })
  );
  await page.route('**/api/game-days/coverage', (route) => route.fulfill({ json: { modes: [], components: [], cells: [] } }));
  await page.route('**/api/service-map*', (route) => route.fulfill({ json: { nodes: [], edges: [] } }));
  await page.route('**/api/logs?*', (route) => route.fulfill({ json: { lines: [], truncated: false } }));
  await page.route('**/api/logs/histogram*', (route) => route.fulfill({ json: { step_s: 60, time_s: [], series: [] } }));
  await page.route('**/api/overview', (route) =>
    route.fulfill({
      json: {
        workload: 'new', at: new Date().toISOString(), health: 'good', incidents: [], alarms: [], runs: [], components: [], open_actions: [], dead_deliveries: [],
        recent_events: [], documents: { documents: 0, errors: 0, warnings: 0 }, has_signals: false
      }
    })
  );
}

const SAYS: [string, string, RegExp][] = [
  ['overview', '/', /OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/.*mainstay init/s],
  ['catalogue', '/organize', /mainstay init/],
  ['map', '/organize/map', /OTEL_EXPORTER_OTLP_ENDPOINT/],
  ['runbooks', '/prepare/runbooks', /mainstay init/],
  ['scenarios', '/prepare/scenarios', /mainstay run front-page.*arrivalRate/s],
  ['configuration', '/prepare/configuration', /kind: ConfigProfile/],
  ['deployments', '/prepare/deployments', /mainstay deploy orders.*kind: Deployment/s],
  ['runs', '/prepare/runs', /runbook or playbook/],
  ['alarms', '/operate/alarms', /alerting rule/],
  ['canaries', '/operate/canaries', /kind: Canary/],
  ['incidents', '/operate/incidents', /event rule opens one/],
  ['rules', '/operate/rules', /mainstay init/],
  ['notifications', '/operate/notifications', /notify/],
  ['events', '/operate/events', /Nothing has happened yet/],
  ['postmortems', '/evolve/postmortems', /mainstay postmortem/],
  ['actions', '/evolve/actions', /no actions yet/],
  ['experiments', '/evolve/experiments', /steady-state-hypothesis/],
  ['game-days', '/evolve/game-days', /kind: GameDay/],
  ['metrics', '/explore/metrics', /Write an expression/],
  ['logs', '/explore/logs', /OTEL_EXPORTER_OTLP_ENDPOINT/],
  ['traces', '/explore/traces', /OTEL_EXPORTER_OTLP_ENDPOINT/]
];

for (const [name, path, words] of SAYS) {
  test(`${name} says what to do when there is nothing`, async ({ page }) => {
    await nothingYet(page);
    await page.goto(path);
    await expect(page.locator('main')).toContainText(words);
    await settled(page);
    await picture(page, `empty-${name}`);
  });
}
