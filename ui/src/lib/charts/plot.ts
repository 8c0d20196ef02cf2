import uPlot from 'uplot';
import { formatUnit, type Unit } from '$lib/format/numbers';
import { resolveColour, seriesColour } from './palette';
import { stack, type Series } from './series';

export interface PlotShape {
  series: Series[];
  hidden: ReadonlySet<string>;
  unit: Unit;
  bars: boolean;
  height: number;
  /** What the axis of values shows at least. */
  top?: number;
}

/** An instant that matters, as a line through the chart. */
export interface ChartMark {
  atS: number;
  label: string;
  /** A CSS colour. */
  colour: string;
}

export interface PlotCallbacks {
  /** What to mark now. */
  marks?: () => ChartMark[];
  /** The index under the pointer, or null. */
  cursor: (index: number | null, left: number) => void;
  /** A window was drawn with the pointer. */
  select?: (startS: number, endS: number) => void;
}

/** The settings of a uPlot chart in the page's colours. */
export function plotOptions(shape: PlotShape, element: HTMLElement, callbacks: PlotCallbacks): uPlot.Options {
  const text = resolveColour('var(--text-soft)', element);
  const line = resolveColour('var(--line)', element);
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 }, font: `11px system-ui, sans-serif` };
  return {
    width: Math.max(120, element.clientWidth),
    height: shape.height,
    legend: { show: false },
    padding: [8, 20, 0, 0],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
    scales: { x: { time: true }, y: { range: (_, min, max) => yRange(min, shape.top === undefined ? max : Math.max(shape.top, max ?? 0)) } },
    axes: [
      { ...axis, size: 26, space: 62, incrs: WHOLE_SECONDS, values: timeLabels },
      { ...axis, size: axisSize, values: (_, splits) => splits.map((value) => formatUnit(value, shape.unit)) }
    ],
    series: [{}, ...drawn(shape).map((series) => seriesOptions(series, shape, element))],
    hooks: {
      draw: [(plot) => drawMarks(plot, callbacks.marks?.() ?? [], element)],
      setCursor: [(plot) => callbacks.cursor(plot.cursor.idx ?? null, plot.cursor.left ?? 0)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const [from, to] = [plot.select.left, plot.select.left + plot.select.width];
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          callbacks.select?.(plot.posToVal(from, 'x'), plot.posToVal(to, 'x'));
        }
      ]
    }
  };
}

/** The columns of the chart, in the order in which the series are drawn. */
export function plotData(time: number[], shape: PlotShape): uPlot.AlignedData {
  return [time, ...drawn(shape).map(({ values }) => values)];
}

/** Bars stand on each other and the highest is drawn first, so that each shows above the one before. */
function drawn({ series, hidden, bars }: PlotShape): Series[] {
  const coloured = series.map((one, index) => ({ ...one, colour: one.colour ?? seriesColour(index) }));
  const shown = coloured.filter(({ label }) => !hidden.has(label));
  return bars ? stack(shown).reverse() : shown;
}

function seriesOptions(series: Series, { bars }: PlotShape, element: HTMLElement): uPlot.Series {
  const colour = resolveColour(series.colour!, element);
  if (bars) return { label: series.label, stroke: colour, fill: colour, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.85, 40], align: 1 }) };
  const shape = { dash: series.dashed ? [5, 4] : undefined, fill: series.filled ? translucent(colour) : undefined, paths: series.stepped ? uPlot.paths.stepped!({ align: 1 }) : undefined };
  // A lone sample between gaps has no line; it is drawn as a dot.
  return { label: series.label, stroke: colour, width: 1.5, spanGaps: false, ...shape, points: { size: 4, show: false, filter: loneSamples } };
}

const translucent = (colour: string) => `color-mix(in srgb, ${colour} 18%, transparent)`;

/** Lines from top to bottom, each with its word beside it, on the side where there is room. */
function drawMarks(plot: uPlot, marks: ChartMark[], element: HTMLElement) {
  const { ctx, bbox } = plot;
  const scale = uPlot.pxRatio;
  const behind = resolveColour('var(--raised)', element);
  ctx.save();
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  ctx.lineJoin = 'round';
  marks.forEach(({ atS, label, colour }, index) => {
    const x = Math.round(plot.valToPos(atS, 'x', true));
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) return;
    ctx.strokeStyle = ctx.fillStyle = resolveColour(colour, element);
    ctx.lineWidth = scale;
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const left = x + ctx.measureText(label).width + 8 * scale > bbox.left + bbox.width;
    ctx.textAlign = left ? 'right' : 'left';
    const [textX, textY] = [x + (left ? -4 : 4) * scale, bbox.top + (11 + 13 * (index % 3)) * scale];
    // A rim in the page's colour keeps the word legible above lines.
    ctx.setLineDash([]);
    ctx.strokeStyle = behind;
    ctx.lineWidth = 4 * scale;
    ctx.strokeText(label, textX, textY);
    ctx.fillText(label, textX, textY);
  });
  ctx.restore();
}

const loneSamples: uPlot.Series.Points.Filter = (plot, index) => {
  const values = plot.data[index] as (number | null)[];
  return values.flatMap((value, at) => (value !== null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
};

function yRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  const low = Math.min(0, min);
  const high = Math.max(0, max);
  return low === high ? [low, high + 1] : [low < 0 ? low * 1.05 : 0, high > 0 ? high * 1.08 : 0];
}

const axisSize: uPlot.Axis.Size = (_, values) => 14 + 6.5 * Math.max(3, ...(values ?? []).map((value) => value.length));

const [MINUTE_S, HOUR_S, DAY_S] = [60, 3600, 86_400];
/** Between two labels. Labels tell no parts of a second. */
const WHOLE_SECONDS = [
  ...[1, 5, 10, 15, 30],
  ...[1, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_S),
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * HOUR_S),
  ...[1, 2, 3, 4, 5, 7, 14, 30, 90, 365, 730, 1825, 3650].map((days) => days * DAY_S)
];

/** Hours and minutes; the day where a new one begins or the window is long. */
function timeLabels(plot: uPlot, splits: number[], _axis: number, _space: number, increment: number): string[] {
  let lastDay = '';
  return splits.map((split, index) => {
    const date = new Date(split * 1e3);
    const day = date.toLocaleDateString(undefined, { month: 'short', day: 'numeric' });
    const newDay = lastDay !== day && (index > 0 || increment >= 864e2);
    lastDay = day;
    if (increment >= 864e2 || newDay) return day;
    const seconds = increment < 60 ? { second: '2-digit' as const } : {};
    return date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false, ...seconds });
  });
}
