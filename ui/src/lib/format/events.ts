import type { Event } from '$lib/api/types';
import type { IconName } from '$lib/components/icons';
import { alarmHref, canaryHref, configProfileHref, deploymentHref, gameDayHref, incidentHref, postmortemHref, runHref } from './entity';

const PREFIX = 'dev.mainstay.';

/** `alarm.firing` for `dev.mainstay.alarm.firing`; other producers' types stay whole. */
export function shortType(type: string): string {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type;
}

/** What the event is about, in a few words; its type says what happened. */
export function eventText(event: Event): string {
  const data = (event.data ?? {}) as Record<string, unknown>;
  const short = shortType(event.type);
  if (short.startsWith('deployment.')) return deploymentText(event.subject ?? '', data);
  if (short.startsWith('config.')) return configText(event.subject ?? '', data);
  if (short.startsWith('deployments.')) return firstText(data, ['reason']) ?? '';
  const name = firstText(data, ['text', 'title', 'alert', 'document', 'channel', 'path', 'version']) ?? event.subject ?? '';
  const annotations = (data.annotations ?? {}) as Record<string, unknown>;
  const detail = firstText(data, ['step_name', 'error']) ?? firstText(annotations, ['summary']);
  return detail ? `${name}: ${detail}` : name;
}

export function eventHref(event: Event): string | null {
  const short = shortType(event.type);
  if (short.startsWith('alarm.')) {
    const id = (event.data as { id?: unknown } | null)?.id ?? event.subject;
    return typeof id === 'string' ? alarmHref(id) : '/operate/alarms';
  }
  if (short.startsWith('canary.') && event.subject) return canaryHref(event.subject);
  if (short.startsWith('gameday.') && event.subject) return gameDayHref(event.subject);
  if (short.startsWith('deployments.')) return '/prepare/deployments';
  if (event.run) return runHref(event.run);
  if (short.startsWith('config.') && event.subject) return configProfileHref(...(event.subject.split('/') as [string, string?]));
  if (short.startsWith('deployment.') && event.subject) return deploymentHref(event.subject);
  if (short.startsWith('postmortem.') && event.incident) return postmortemHref(event.incident);
  if (short.startsWith('action.')) return '/evolve/actions';
  if (event.incident) return incidentHref(event.incident);
  if (short.startsWith('documents.')) return '/status';
  return null;
}

export function eventIcon(event: Event): IconName {
  const short = shortType(event.type);
  const icons: [string, IconName][] = [
    ['alarm.firing', 'bell'],
    ['alarm.pending', 'clock'],
    ['alarm.resolved', 'check'],
    ['alarm.inactive', 'check'],
    ['alarm.', 'warning'],
    ['incident.resolved', 'check'],
    ['incident.note', 'note'],
    ['incident.', 'flame'],
    ['canary.passed', 'check'],
    ['canary.failed', 'cross'],
    ['run.waiting', 'hand'],
    ['run.approved', 'check'],
    ['run.rejected', 'cross'],
    ['run.succeeded', 'check'],
    ['run.failed', 'cross'],
    ['run.', 'play'],
    ['step.', 'play'],
    ['deployment.rollingback', 'back'],
    ['deployment.rolledback', 'back'],
    ['deployment.completed', 'check'],
    ['deployment.hookpassed', 'check'],
    ['deployment.paused', 'pause'],
    ['deployment.', 'deploy'],
    ['deployments.stopped', 'stop'],
    ['deployments.allowed', 'check'],
    ['config.arrived', 'check'],
    ['config.takenback', 'back'],
    ['config.', 'deploy'],
    ['notification.', 'mail'],
    ['gameday.aborted', 'stop'],
    ['gameday.', 'evolve'],
    ['training.', 'person'],
    ['postmortem.', 'book'],
    ['action.', 'check'],
    ['documents.', 'book']
  ];
  return icons.find(([prefix]) => short.startsWith(prefix))?.[1] ?? 'dot';
}

/** Which version goes where, and what the event says beyond its type. */
function deploymentText(name: string, data: Record<string, unknown>): string {
  const text = (value: unknown, key: string) => firstText((value ?? {}) as Record<string, unknown>, [key]);
  const weight = typeof data.weight === 'number' ? `${data.weight}%` : undefined;
  const judged = text(data, 'metric') && `${text(data, 'metric')}: ${text(data.judgement, 'reason') ?? ''}`;
  const detail = text(data.reason, 'text') ?? judged ?? weight;
  const what = `${name} ${text(data, 'version') ?? ''} in ${text(data, 'environment') ?? ''}`;
  return detail ? `${what}: ${detail}` : what;
}

/** Which version of a configuration, and how many have it or why nobody does. */
function configText(name: string, data: Record<string, unknown>): string {
  const weight = typeof data.weight === 'number' ? `${data.weight}%` : undefined;
  const detail = firstText(data, ['reason']) ?? weight;
  const what = `${name} ${firstText(data, ['version'])?.slice(0, 8) ?? ''}`;
  return detail ? `${what}: ${detail}` : what;
}

function firstText(data: Record<string, unknown>, keys: string[]): string | undefined {
  return keys.map((key) => data[key]).find((value): value is string => typeof value === 'string' && value !== '');
}
