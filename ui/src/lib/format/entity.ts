import type { Run } from '$lib/api/types';

/** Entity references: `kind:namespace/name`. */

export interface EntityParts {
  kind: string;
  namespace: string;
  name: string;
}

export function parseRef(reference: string): EntityParts | null {
  const match = /^([^:/]+):([^:/]+)\/([^:/]+)$/.exec(reference);
  return match ? { kind: match[1]!, namespace: match[2]!, name: match[3]! } : null;
}

/** The name alone where the namespace is the default one. */
export function shortRef(reference: string): string {
  const parts = parseRef(reference);
  if (!parts) return reference;
  return parts.namespace === 'default' ? parts.name : `${parts.namespace}/${parts.name}`;
}

export function entityHref(reference: string): string | null {
  const parts = parseRef(reference);
  return parts && `/organize/${[parts.kind, parts.namespace, parts.name].map(encodeURIComponent).join('/')}`;
}

/** Who acted, for people: a person's name, `rule open-incident`, `canary checkout`, or Mainstay. */
export function actorName(actor: string): string {
  if (actor === 'system') return 'Mainstay';
  if (actor.startsWith('rule:')) return `rule ${actor.slice(5)}`;
  if (actor.startsWith('canary:')) return `canary ${actor.slice(7)}`;
  if (actor.startsWith('game-day:')) return `game day ${actor.slice(9)}`;
  return shortRef(actor);
}

export const alarmHref = (id: string): string => `/operate/alarms/${id.split('/').map(encodeURIComponent).join('/')}`;
export const incidentHref = (id: string): string => `/operate/incidents/${encodeURIComponent(id)}`;
export const runHref = (id: string): string => `/prepare/runs/${encodeURIComponent(id)}`;
export const runbookHref = (name: string): string => `/prepare/runbooks/${encodeURIComponent(name)}`;
export const scenarioHref = (name: string): string => `/prepare/scenarios/${encodeURIComponent(name)}`;
export const configProfileHref = (name: string, environment?: string): string =>
  `/prepare/configuration/${encodeURIComponent(name)}${environment ? `?environment=${encodeURIComponent(environment)}` : ''}`;
export const canaryHref = (name: string): string => `/operate/canaries/${encodeURIComponent(name)}`;
export const experimentHref = (name: string): string => `/evolve/experiments/${encodeURIComponent(name)}`;
export const gameDayHref = (name: string): string => `/evolve/game-days/${encodeURIComponent(name)}`;
export const deploymentHref = (name: string): string => `/prepare/deployments/${encodeURIComponent(name)}`;
export const postmortemHref = (incident: string): string => `/evolve/postmortems/${encodeURIComponent(incident)}`;

/** The page of the document that a run plays. */
export function documentHref({ kind, document }: Pick<Run, 'kind' | 'document'>): string {
  if (kind === 'scenario') return scenarioHref(document);
  if (kind === 'gameday') return gameDayHref(document);
  if (kind === 'deployment') {
    // The rollout of a configuration: its profile and the environment.
    const [profile, environment] = document.split('/');
    return environment ? configProfileHref(profile!, environment) : deploymentHref(document);
  }
  return kind === 'experiment' ? experimentHref(document) : runbookHref(document);
}

export const traceHref = (id: string, span?: string | null): string =>
  `/explore/traces/${encodeURIComponent(id)}${span ? `?span=${encodeURIComponent(span)}` : ''}`;

export function metricsHref(query: string, range?: { from: string; to: string }): string {
  return `/explore/metrics?${new URLSearchParams({ q: query, ...range })}`;
}

export function logsHref(filter: Record<string, string>, range?: { from: string; to: string }): string {
  return `/explore/logs?${new URLSearchParams({ ...filter, ...range })}`;
}

export function tracesHref(filter: Record<string, string>, range?: { from: string; to: string }): string {
  return `/explore/traces?${new URLSearchParams({ ...filter, ...range })}`;
}
