import type { GameDaySummary } from '$lib/api/types';

/** One entry of the calendar. */
export interface Entry {
  name: string;
  title: string;
  at: Date;
  /** Ahead, or how it ended. */
  state: 'ahead' | 'played' | 'aborted';
  /** Of one that has ended. */
  run?: string;
}

export interface Day {
  date: Date;
  /** Whether it belongs to the month that is shown. */
  within: boolean;
  today: boolean;
  entries: Entry[];
}

/** Appointments that are ahead, and game days that have ended, oldest first. */
export function entries(days: GameDaySummary[], nowMs: number): Entry[] {
  const ahead = days.flatMap(({ name, title, schedule }): Entry[] => {
    if (!schedule) return [];
    const at = new Date(schedule.start);
    return at.getTime() + schedule.duration_s * 1e3 > nowMs ? [{ name, title, at, state: 'ahead' }] : [];
  });
  const over = days.flatMap(({ name, title, past }) => past.map(({ began_at, result, run }): Entry => ({ name, title, at: new Date(began_at), state: result, run })));
  return [...ahead, ...over].sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** The weeks of a month, Monday first, whole weeks. */
export function weeks(month: Date, all: Entry[], nowMs: number): Day[][] {
  const first = new Date(month.getFullYear(), month.getMonth(), 1);
  const before = (first.getDay() + 6) % 7;
  const count = new Date(month.getFullYear(), month.getMonth() + 1, 0).getDate();
  const today = new Date(nowMs).toDateString();
  const day = (offset: number): Day => {
    const date = new Date(first.getFullYear(), first.getMonth(), 1 + offset);
    const name = date.toDateString();
    return { date, within: date.getMonth() === first.getMonth(), today: name === today, entries: all.filter(({ at }) => at.toDateString() === name) };
  };
  return Array.from({ length: Math.ceil((before + count) / 7) }, (_, week) => Array.from({ length: 7 }, (_, weekday) => day(week * 7 + weekday - before)));
}

export function shifted(month: Date, by: number): Date {
  return new Date(month.getFullYear(), month.getMonth() + by, 1);
}
