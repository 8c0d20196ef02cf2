import { answer, client } from './client';
import type {
  AlarmRecord,
  CanarySummary,
  ChangeIncident,
  DeclareIncident,
  Delivery,
  Event,
  EventRuleView,
  Incident,
  IncidentDetail,
  IncidentStatus
} from './types';

export const listAlarms = (): Promise<AlarmRecord[]> => answer(client.GET('/api/alarms'));

export const getAlarm = (id: string): Promise<AlarmRecord> =>
  answer(client.GET('/api/alarms/one', { params: { query: { id } } }));

export const listCanaries = (): Promise<CanarySummary[]> => answer(client.GET('/api/canaries'));

export const getCanary = (name: string): Promise<CanarySummary> =>
  answer(client.GET('/api/canaries/{name}', { params: { path: { name } } }));

export const listEventRules = (): Promise<EventRuleView[]> => answer(client.GET('/api/event-rules'));

export const listDeliveries = (status?: Delivery['status']): Promise<Delivery[]> =>
  answer(client.GET('/api/deliveries', { params: { query: { status } } }));

export const retryDelivery = (id: string) =>
  answer(client.POST('/api/deliveries/{id}/retry', { params: { path: { id } } }));

export const listIncidents = (status?: IncidentStatus): Promise<Incident[]> =>
  answer(client.GET('/api/incidents', { params: { query: { status } } }));

export const declareIncident = (body: DeclareIncident): Promise<Incident> =>
  answer(client.POST('/api/incidents', { body }));

export const getIncident = (id: string): Promise<IncidentDetail> =>
  answer(client.GET('/api/incidents/{id}', { params: { path: { id } } }));

export const changeIncident = (id: string, body: ChangeIncident) =>
  answer(client.PATCH('/api/incidents/{id}', { params: { path: { id } }, body }));

export const addNote = (id: string, text: string) =>
  answer(client.POST('/api/incidents/{id}/notes', { params: { path: { id } }, body: { text } }));

export interface EventQuery {
  after?: number;
  before?: number;
  /** Exact, or a prefix that ends in a dot. */
  type?: string;
  incident?: string;
  run?: string;
  limit?: number;
  newest_first?: boolean;
}

export const listEvents = (query: EventQuery): Promise<Event[]> =>
  answer(client.GET('/api/events', { params: { query } }));
