import type { ConfigProfileDetail, FlagAnswer } from '../../src/lib/api/types.ts';

const environment = (name: string, rest: Partial<ConfigProfileDetail['environments'][number]> = {}): ConfigProfileDetail['environments'][number] => ({
  name, version: '9f2c41d07be85a3361c0de6f7a1b2c3d', commit: '667cee4a1d0f', content_type: 'application/json', file: 'flags/checkout.json', bytes: 812, strategy: 'Linear20PercentEvery6Minutes', bake_s: 600, alarms: ['OrdersFailing'], flags: 3, arrived: '9f2c41d07be85a3361c0de6f7a1b2c3d', coming: null, taken_back: null, ...rest
});

const flags: ConfigProfileDetail['contents'][number]['flags'] = [
  {
    key: 'one-page', title: 'One page', description: 'The checkout on one page.', deprecated: false, static: false, metadata: {},
    variants: [
      { name: 'staff', value: { _variant: 'staff', colour: 'green', enabled: true }, rule: '(ends_with $email "@shop.example")' },
      { name: 'some', value: { _variant: 'some', colour: 'blue', enabled: true }, rule: '(and (split pct::20 by::$targetingKey seed::"one-page-2026") (in $country ["NZ", "AU", "DE", "FR"]))' },
      { name: 'others', value: { _variant: 'others', enabled: false }, rule: null }
    ]
  },
  { key: 'vouchers', title: 'Vouchers', description: null, deprecated: false, static: true, metadata: {}, variants: [{ name: 'on', value: { enabled: true }, rule: null }] },
  { key: 'old-search', title: 'The old search', description: 'Gone by spring.', deprecated: true, static: true, metadata: {}, variants: [{ name: 'off', value: { enabled: false }, rule: null }] }
];

export const configProfiles: ConfigProfileDetail[] = [
  {
    name: 'checkout', title: 'Flags of the checkout', description: null, component: 'component:default/orders', type: 'flags', applications: ['orders', 'shop'], path: 'ops/config/checkout.yaml', broken: false,
    environments: [environment('beta', { strategy: null, alarms: [] }), environment('production', { arrived: '1b7e0c55d2a94f6e8b3a7d91c0f4e21a', coming: { version: '9f2c41d07be85a3361c0de6f7a1b2c3d', weight_percent: 40, run: '01JD9Z6T4QW8XK2M5N7P0R3S6V', since: '2026-11-21T09:12:00Z' } })],
    contents: ['beta', 'production'].map((name) => ({ environment: name, version: name === 'beta' ? '9f2c41d07be85a3361c0de6f7a1b2c3d' : '1b7e0c55d2a94f6e8b3a7d91c0f4e21a', text: '{"version": "1"}', format: 'appconfig', bucketing: 'murmur3-split-v1', flags, doubts: name === 'beta' ? [] : ['14:21: nobody gets this variant: `some` before it takes the same share of everybody'] }))
  },
  {
    name: 'limits', title: null, description: 'What one customer may order in a day.', component: 'component:default/orders', type: 'freeform', applications: ['orders', 'shop'], path: 'ops/config/limits.yaml', broken: true,
    environments: [environment('production', { file: null, flags: null, alarms: [], strategy: null })],
    contents: [{ environment: 'production', version: '9f2c41d07be85a3361c0de6f7a1b2c3d', text: '{"perDay":20}', format: null, bucketing: null, flags: [], doubts: [] }]
  }
];

export const flagAnswers: FlagAnswer[] = [
  { key: 'one-page', value: true, variant: 'some', reason: 'SPLIT', error: null },
  { key: 'one-page.colour', value: 'blue', variant: 'some', reason: 'SPLIT', error: null },
  { key: 'vouchers', value: true, variant: 'on', reason: 'STATIC', error: null },
  { key: 'old-search', value: false, variant: 'off', reason: 'STATIC', error: null }
];
