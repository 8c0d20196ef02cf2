import { answer, client } from './client';
import type { EntityDetail, EntitySummary, GoldenSignals, ServiceMap, ServiceNames } from './types';

export interface Window {
  /** RFC 3339. */
  start: string;
  /** RFC 3339. */
  end: string;
}

export const listEntities = (kind?: string): Promise<EntitySummary[]> =>
  answer(client.GET('/api/entities', { params: { query: { kind } } }));

export const getEntity = (kind: string, namespace: string, name: string): Promise<EntityDetail> =>
  answer(client.GET('/api/entities/{kind}/{namespace}/{name}', { params: { path: { kind, namespace, name } } }));

export const getSignals = (service: string, window: Window): Promise<GoldenSignals> =>
  answer(client.GET('/api/services/{service}/signals', { params: { path: { service }, query: window } }));

export const getServiceMap = (window: Window): Promise<ServiceMap> =>
  answer(client.GET('/api/service-map', { params: { query: window } }));

export const getServiceNames = (): Promise<ServiceNames> => answer(client.GET('/api/service-names'));
