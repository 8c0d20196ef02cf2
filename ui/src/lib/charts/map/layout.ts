/** Places a directed graph in layers from left to right: callers before what they call. */

export interface MapEdge {
  from: string;
  to: string;
}

export interface PlacedNode {
  id: string;
  layer: number;
  x: number;
  y: number;
}

export interface PlacedEdge {
  index: number;
  /** A cubic curve from the caller's right side to the callee's left side. */
  path: string;
  /** Where its label stands. */
  labelX: number;
  labelY: number;
}

export interface MapLayout {
  width: number;
  height: number;
  nodes: Map<string, PlacedNode>;
  edges: PlacedEdge[];
}

export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 66;
const LAYER_GAP = 176;
const ROW_GAP = 30;
const MARGIN = 14;
const SWEEPS = 6;

export function layoutMap(ids: string[], edges: MapEdge[]): MapLayout {
  const known = new Set(ids);
  const drawn = edges.map((edge, index) => ({ ...edge, index })).filter(({ from, to }) => known.has(from) && known.has(to));
  const forward = withoutCycles(ids, drawn);
  const layers = order(assignLayers(ids, forward), forward);
  const nodes = place(layers);
  const { width, height } = size(layers, drawn, nodes);
  return { width, height, nodes, edges: drawn.map((edge) => route(edge, nodes, height)) };
}

/** Edges that close a cycle, found by depth-first search, are turned around; self-calls are left out. */
function withoutCycles(ids: string[], edges: MapEdge[]): MapEdge[] {
  const outgoing = group(edges.filter(({ from, to }) => from !== to), ({ from }) => from);
  const state = new Map<string, 'open' | 'done'>();
  const kept: MapEdge[] = [];
  const visit = (id: string) => {
    state.set(id, 'open');
    for (const { from, to } of outgoing.get(id) ?? []) {
      const back = state.get(to) === 'open';
      kept.push(back ? { from: to, to: from } : { from, to });
      if (!state.has(to)) visit(to);
    }
    state.set(id, 'done');
  };
  const called = new Set(edges.map(({ to }) => to));
  // Services that nobody calls are the way in, hence the first layer.
  for (const id of [...ids].sort((a, b) => Number(called.has(a)) - Number(called.has(b)))) {
    if (!state.has(id)) visit(id);
  }
  return kept;
}

/** The longest way from a start decides the layer. */
function assignLayers(ids: string[], edges: MapEdge[]): string[][] {
  const incoming = group(edges, ({ to }) => to);
  const depths = new Map<string, number>();
  const depth = (id: string): number => {
    const found = depths.get(id);
    if (found !== undefined) return found;
    const longest = Math.max(-1, ...(incoming.get(id) ?? []).map(({ from }) => depth(from))) + 1;
    depths.set(id, longest);
    return longest;
  };
  const layers: string[][] = [];
  for (const id of [...ids].sort()) (layers[depth(id)] ??= []).push(id);
  return layers;
}

/** Sweeps to and fro, putting each service at the mean place of its neighbours, so that few lines cross. */
function order(layers: string[][], edges: MapEdge[]): string[][] {
  const rank = new Map<string, number>();
  const rerank = () => layers.forEach((layer) => layer.forEach((id, index) => rank.set(id, index - layer.length / 2)));
  const incoming = group(edges, ({ to }) => to);
  const outgoing = group(edges, ({ from }) => from);
  rerank();
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    const neighbours = (id: string) => (down ? incoming.get(id)?.map(({ from }) => from) : outgoing.get(id)?.map(({ to }) => to)) ?? [];
    const centre = (id: string) => mean(neighbours(id).map((other) => rank.get(other)!)) ?? rank.get(id)!;
    for (const layer of layers) {
      const centres = new Map(layer.map((id) => [id, centre(id)]));
      layer.sort((a, b) => centres.get(a)! - centres.get(b)!);
      rerank();
    }
  }
  return layers;
}

function place(layers: string[][]): Map<string, PlacedNode> {
  const rows = Math.max(1, ...layers.map((layer) => layer.length));
  const nodes = new Map<string, PlacedNode>();
  layers.forEach((layer, column) =>
    layer.forEach((id, row) => {
      const offset = ((rows - layer.length) * (NODE_HEIGHT + ROW_GAP)) / 2;
      const x = MARGIN + column * (NODE_WIDTH + LAYER_GAP);
      const y = MARGIN + offset + row * (NODE_HEIGHT + ROW_GAP);
      nodes.set(id, { id, layer: column, x, y });
    })
  );
  return nodes;
}

function size(layers: string[][], edges: MapEdge[], nodes: Map<string, PlacedNode>) {
  const rows = Math.max(1, ...layers.map((layer) => layer.length));
  const back = edges.some(({ from, to }) => nodes.get(from)!.layer >= nodes.get(to)!.layer);
  return {
    width: 2 * MARGIN + layers.length * NODE_WIDTH + Math.max(0, layers.length - 1) * LAYER_GAP,
    height: 2 * MARGIN + rows * NODE_HEIGHT + (rows - 1) * ROW_GAP + (back ? 50 : 0)
  };
}

function route(edge: MapEdge & { index: number }, nodes: Map<string, PlacedNode>, height: number): PlacedEdge {
  const from = nodes.get(edge.from)!;
  const to = nodes.get(edge.to)!;
  const start = { x: from.x + NODE_WIDTH, y: from.y + NODE_HEIGHT / 2 };
  const end = { x: to.x, y: to.y + NODE_HEIGHT / 2 };
  if (from.layer >= to.layer) return routeBack(edge.index, from, to, height);
  const bend = Math.max(40, (end.x - start.x) / 2);
  // Over several layers the label stays in the first gap, clear of the boxes between.
  const t = to.layer - from.layer > 1 ? 0.5 / (to.layer - from.layer) : 0.5;
  const at = cubic(start.y, start.y, end.y, end.y, t);
  const path = `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`;
  return { index: edge.index, path, labelX: cubic(start.x, start.x + bend, end.x - bend, end.x, t), labelY: at };
}

/** A call that goes back, or to itself, runs below the boxes. */
function routeBack(index: number, from: PlacedNode, to: PlacedNode, height: number): PlacedEdge {
  const start = { x: from.x + NODE_WIDTH * 0.6, y: from.y + NODE_HEIGHT };
  const end = { x: to.x + NODE_WIDTH * 0.4, y: to.y + NODE_HEIGHT };
  const low = Math.min(height - 6, Math.max(start.y, end.y) + 56);
  const path = `M${start.x} ${start.y}C${start.x} ${low} ${end.x} ${low} ${end.x} ${end.y}`;
  return { index, path, labelX: (start.x + end.x) / 2, labelY: cubic(start.y, low, low, end.y, 0.5) };
}

function cubic(a: number, b: number, c: number, d: number, t: number): number {
  const u = 1 - t;
  return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
}

function mean(values: number[]): number | undefined {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined;
}

function group<T>(items: T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const list = groups.get(key(item));
    if (list) list.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
