import type { TraceSpan } from '$lib/api/types';

/** One line of the waterfall. */
export interface WaterfallRow {
  span: TraceSpan;
  depth: number;
  /** Of direct children. */
  children: number;
  /** Failed spans below it, itself not counted. */
  errorsBelow: number;
  /** Both as a share of the trace, between 0 and 1. */
  offset: number;
  width: number;
  /** Milliseconds after the start of the trace. */
  startMs: number;
  /** Its parent is not in the trace. */
  orphan: boolean;
}

export interface Waterfall {
  rows: WaterfallRow[];
  durationMs: number;
  startTime: number;
}

/** Orders spans as a tree, siblings by their start; what lies below a collapsed span is left out. */
export function layoutWaterfall(spans: TraceSpan[], collapsed: ReadonlySet<string> = new Set()): Waterfall {
  const starts = new Map(spans.map((span) => [span.span_id, preciseMs(span.start_time)]));
  const start = (span: TraceSpan) => starts.get(span.span_id)!;
  const startTime = Math.min(...spans.map(start));
  const durationMs = Math.max(0, ...spans.map((span) => start(span) + span.duration_ms - startTime));
  const tree = new Tree(spans, start);
  const rows: WaterfallRow[] = [];
  const visit = (span: TraceSpan, depth: number) => {
    const children = tree.children(span);
    rows.push({
      span,
      depth,
      children: children.length,
      errorsBelow: tree.errorsBelow(span),
      startMs: start(span) - startTime,
      offset: durationMs ? (start(span) - startTime) / durationMs : 0,
      width: durationMs ? span.duration_ms / durationMs : 1,
      orphan: Boolean(span.parent_span_id) && depth === 0
    });
    if (!collapsed.has(span.span_id)) children.forEach((child) => visit(child, depth + 1));
  };
  tree.roots.forEach((root) => visit(root, 0));
  return { rows, durationMs, startTime };
}

class Tree {
  readonly roots: TraceSpan[] = [];
  #children = new Map<string, TraceSpan[]>();
  #errors = new Map<string, number>();

  constructor(spans: TraceSpan[], start: (span: TraceSpan) => number) {
    const known = new Map(spans.map((span) => [span.span_id, span]));
    // Of spans with the same id, as a broken sender may produce, the last one stands.
    for (const span of [...known.values()].sort((a, b) => start(a) - start(b))) {
      const parent = span.parent_span_id ? known.get(span.parent_span_id) : undefined;
      if (!parent || descends(parent, span, known)) this.roots.push(span);
      else this.#children.set(parent.span_id, [...(this.#children.get(parent.span_id) ?? []), span]);
    }
  }

  children(span: TraceSpan): TraceSpan[] {
    return this.#children.get(span.span_id) ?? [];
  }

  errorsBelow(span: TraceSpan): number {
    const found = this.#errors.get(span.span_id);
    if (found !== undefined) return found;
    const count = this.children(span).reduce((sum, child) => sum + Number(child.status === 'error') + this.errorsBelow(child), 0);
    this.#errors.set(span.span_id, count);
    return count;
  }
}

/** Whether `span` is `other` or one of its parents: such a loop has no way in, so it is cut. */
function descends(span: TraceSpan, other: TraceSpan, known: Map<string, TraceSpan>): boolean {
  const seen = new Set<string>();
  for (let at: TraceSpan | undefined = span; at; at = at.parent_span_id ? known.get(at.parent_span_id) : undefined) {
    if (at.span_id === other.span_id) return true;
    if (seen.has(at.span_id)) return false;
    seen.add(at.span_id);
  }
  return false;
}

/** Milliseconds since the epoch with the fraction that `Date` cuts off. */
export function preciseMs(instant: string): number {
  const fraction = /\.(\d+)/.exec(instant)?.[1];
  const whole = Date.parse(instant.replace(/\.\d+/, ''));
  return fraction ? whole + Number(`0.${fraction}`) * 1e3 : whole;
}

/** Round marks for the ruler, in milliseconds. */
export function rulerTicks(durationMs: number, wanted = 5): number[] {
  if (durationMs <= 0) return [0];
  const rough = durationMs / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  return Array.from({ length: Math.floor(durationMs / step) + 1 }, (_, index) => index * step);
}
