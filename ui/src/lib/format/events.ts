import type { Event } from '$lib/api/types';
import type { IconName } from '$lib/components/icons';
import { alarmHref, canaryHref, gameDayHref, incidentHref, postmortemHref, runHref } from './entity';

const PREFIX = 'dev.mainstay.';

/** `alarm.firing` for `dev.mainstay.alarm.firing`; other producers' types stay whole. */
export function shortType(type: string): string {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type;
}

/** What the event is about, in a few words; its type says what happened. */
export function eventText(event: Event): string {
  const data = (event.data ?? {}) as Record<string, unknown>;
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
  if (event.run) return runHref(event.run);
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

function firstText(data: Record<string, unknown>, keys: string[]): string | undefined {
  return keys.map((key) => data[key]).find((value): value is string => typeof value === 'string' && value !== '');
}
