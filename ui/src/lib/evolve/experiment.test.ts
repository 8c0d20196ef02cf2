import { expect, it } from 'vitest';
import { actions, readExperiment, toleranceText } from './experiment';

const document = {
  title: 'The shop stands a slow database',
  'steady-state-hypothesis': {
    title: 'Orders are taken',
    probes: [{ type: 'probe', name: 'orders answer', tolerance: 200, provider: { type: 'http', url: 'http://orders/health' } }]
  },
  method: [
    { type: 'action', name: 'slow database', background: true, provider: { type: 'mainstay', fault: { fault: 'proxy', proxy: 'db', duration: '30s' } }, pauses: { after: 5 } },
    { ref: 'orders answer' },
    { type: 'action', name: 'stop a pod', provider: { type: 'process', path: 'kubectl', arguments: ['delete', 'pod', 'x'] } }
  ],
  rollbacks: [{ type: 'action', name: 'start', provider: { type: 'python', module: 'shop', func: 'start', arguments: { n: 1 } } }],
  extensions: [{ name: 'mainstay', targets: { proxies: ['db'] }, environment: 'staging', stopWhen: [{ alert: 'ShopDown' }, 'up == 0'], deadline: '5m' }]
};

it('reads an experiment as people would tell it', () => {
  const read = readExperiment(document);
  expect(read.hypothesis).toMatchObject({ title: 'Orders are taken', probes: [{ what: 'GET http://orders/health', tolerance: 'is 200' }] });
  expect(read.method.map(({ what }) => what)).toEqual(['fault proxy, proxy db, for 30s', 'the activity of this name, once more', 'kubectl delete pod x']);
  expect(read.method[0]).toMatchObject({ background: true, pauses: 'waits 5 s after' });
  expect(read.rollbacks[0]!.what).toBe('shop.start(n=1)');
  expect(read).toMatchObject({ targets: ['proxies: db'], environment: 'staging', stopWhen: ['the alarm ShopDown fires', 'up == 0'], deadline: '5m' });
});

it('says what a run will do to the system', () => {
  expect(actions(readExperiment(document)).map(({ name }) => name)).toEqual(['slow database', 'stop a pod']);
});

it('stands whatever was written', () => {
  expect(readExperiment(null)).toMatchObject({ hypothesis: null, method: [], rollbacks: [], targets: [] });
  expect(readExperiment({ method: ['odd', {}] }).method).toHaveLength(2);
});

it.each([
  [true, 'is true'],
  [[200, 299], 'between 200 and 299'],
  [['a', 'b', 'c'], 'one of a, b, c'],
  [{ type: 'range', range: [1, 2], target: 'stdout' }, 'stdout between 1 and 2'],
  [{ type: 'regex', pattern: '^ok' }, 'matches ^ok'],
  [{ type: 'jsonpath', path: '$.a', expect: 3 }, '$.a is 3'],
  [{ type: 'jsonpath', path: '$.a', count: 1 }, '$.a finds 1'],
  [{ type: 'probe', name: 'check' }, 'as the probe check says']
])('words the tolerance %j', (tolerance, words) => expect(toleranceText(tolerance)).toBe(words));
