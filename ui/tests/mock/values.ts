import type { ParameterHistory, ParameterSummary, SecretDetail, SecretSummary } from '../../src/lib/api/types.ts';
import { ago } from './documents.ts';

const parameter = (path: string, kind: ParameterSummary['kind'], value: unknown, latest: number, labels: Record<string, number>, secondsAgo: number): ParameterSummary => ({
  path, description: path.endsWith('timeout') ? 'How long an order waits for the payment' : null, kind, value: value as ParameterSummary['value'], latest, labels, revision: latest,
  changed_at: ago(secondsAgo), changed_by: 'user:default/ada', written_at: ago(secondsAgo), written_by: 'user:default/ada'
});

export const parameters: ParameterSummary[] = [
  parameter('/shop/currency', 'string', 'EUR', 1, {}, 86400 * 40),
  parameter('/shop/orders/limits', 'json', { items: 50, total: 5000, countries: ['de', 'no', 'se'] }, 2, {}, 86400 * 3),
  parameter('/shop/orders/timeout', 'string', '3s', 4, { prod: 3, canary: 4 }, 5400),
  parameter('/shop/zones', 'list', ['eu-central-1a', 'eu-central-1b'], 1, {}, 86400 * 12)
];

export const history = (path: string | null): ParameterHistory | null => {
  const found = parameters.find((one) => one.path === path);
  if (!found) return null;
  const version = (number: number) => ({ path: found.path, version: number, kind: found.kind, value: (number === found.latest ? found.value : `${number + 2}s`) as never, written_at: ago(86400 * (found.latest - number) + 5400), written_by: 'user:default/ada' });
  return { parameter: found, versions: Array.from({ length: found.latest }, (_, index) => version(found.latest - index)) };
};

const secret = (path: string, stages: Record<string, number>, secondsAgo: number, rest: Partial<SecretSummary> = {}): SecretSummary => ({
  path, description: null, latest: Math.max(...Object.values(stages)), stages, created_at: ago(86400 * 200), changed_at: ago(secondsAgo), changed_by: 'user:default/ben', rotation: null, revision: 3, last_read: null, ...rest
});

export const secrets: SecretSummary[] = [
  secret('/shop/orders/db-password', { current: 3, previous: 2 }, 86400 * 9, { last_read: { path: '/shop/orders/db-password', version: 3, at: ago(310), by: 'rule:open-incident', why: 'PGPASSWORD of diagnose-errors' } }),
  secret('/shop/payments/api-key', { current: 1, pending: 2 }, 86400 * 91, { rotation: { run: '01jd3v5z0k8m4x2q7c9r1t6y0a', runbook: 'rotate-payments', version: 2, begun_by: 'user:default/ada', begun_at: ago(40) } })
];

export const secretDetail = (path: string | null): SecretDetail | null => {
  const found = secrets.find((one) => one.path === path);
  if (!found) return null;
  const stagesOf = (version: number) => Object.entries(found.stages).filter(([, at]) => at === version).map(([stage]) => stage as 'current');
  return { ...found, versions: Array.from({ length: found.latest }, (_, index) => found.latest - index).map((version) => ({ version, stages: stagesOf(version), written_at: ago(86400 * (10 - version)), written_by: 'user:default/ben', key: 'aes:9f3c21d07be4a815' })) };
};
