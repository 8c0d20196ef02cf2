import type { OutputChunk } from '$lib/api/types';
import type { HookId } from '../reports/report';
import type { Passage } from './passage';

/** A scenario or runbook that a gate or a hook has asked. */
export interface Asked {
  name: string;
  run: string;
  at: string;
}

/** What a step asked, in order; asking again after a restart is the same question. */
export function askedIn(chunks: OutputChunk[]): Asked[] {
  const found = new Map<string, Asked>();
  for (const { kind, data, time } of chunks) {
    if (kind !== 'stdout') continue;
    for (const [, name, run] of data.matchAll(/^asks (.+) as the run (\S+)$/gm)) {
      if (!found.has(run!)) found.set(run!, { name: name!, run: run!, at: time });
    }
  }
  return [...found.values()];
}

/** Why a gate, or a shift before its begin, does not go on; null if it does not wait. */
export function waitsFor(chunks: OutputChunk[]): string | null {
  const lines = chunks.filter(({ kind }) => kind === 'stdout').flatMap(({ data }) => data.trimEnd().split('\n'));
  const last = lines.at(-1);
  return last?.startsWith('waits: ') ? last.slice('waits: '.length) : null;
}

export interface HookRow {
  /** Null while nobody knows: the record names the place once the hook has answered. */
  hook: HookId | null;
  name: string | null;
  run: string | null;
  state: 'passed' | 'failed' | 'asked' | 'cut';
  at: string;
}

/** The hooks that were asked so far. Those with a run are told by the output; webhooks only once they have answered. */
export function hookRows(asked: Asked[], passage: Passage): HookRow[] {
  const left = [...asked];
  const rows: HookRow[] = passage.hooksPassed.map(({ hook, at }) => {
    const question = left[0] && Date.parse(left[0].at) <= Date.parse(at) ? left.shift() : undefined;
    return { hook, name: question?.name ?? null, run: question?.run ?? null, state: 'passed', at };
  });
  const reason = passage.decided?.reason;
  const failed = reason?.kind === 'hook' ? (reason.evidence?.hook ?? null) : null;
  const over = Boolean(passage.decided ?? passage.arrivedAt);
  if (reason?.kind === 'hook') {
    const question = left.pop();
    rows.push({ hook: failed, name: question?.name ?? null, run: question?.run ?? null, state: 'failed', at: question?.at ?? passage.decided!.at });
  }
  return [...rows, ...left.map(({ name, run, at }): HookRow => ({ hook: null, name, run, state: over ? 'cut' : 'asked', at }))];
}

export function placeText(hook: HookId | null): string {
  if (!hook) return 'under way';
  if (hook.place === 'before_traffic') return 'before any traffic';
  if (hook.place === 'after_traffic') return 'after all traffic';
  return `after step ${hook.place.step + 1}`;
}
