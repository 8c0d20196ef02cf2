/**
 * Turns a terminal's output into styled pieces: SGR colours and weights are kept, a carriage return
 * overwrites its line as a terminal does, every other escape sequence is dropped.
 * Source: ECMA-48, "Select Graphic Rendition"; xterm's 256 colours.
 */
export interface Style {
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
  /** An index below 16, or a CSS colour. */
  color?: number | string;
  background?: number | string;
}

export interface Piece {
  text: string;
  style: Style;
}

const ESCAPE =
  // eslint-disable-next-line no-control-regex
  /\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]|[ -/]+[0-~]|$)/g;

/** Pieces of the text, and the style in force at its end, with which the next chunk goes on. */
export function parseAnsi(text: string, start: Style = {}): { pieces: Piece[]; end: Style } {
  const pieces: Piece[] = [];
  let style = start;
  let from = 0;
  for (const match of text.matchAll(ESCAPE)) {
    push(pieces, text.slice(from, match.index), style);
    from = match.index + match[0].length;
    if (match[2] === 'm') style = applySgr(style, match[1] ?? '');
  }
  push(pieces, text.slice(from), style);
  return { pieces: overwriteLines(pieces), end: style };
}

function push(pieces: Piece[], text: string, style: Style) {
  if (text) pieces.push({ text, style });
}

/** What follows a lone carriage return replaces what stood on that line. */
function overwriteLines(pieces: Piece[]): Piece[] {
  if (!pieces.some(({ text }) => text.includes('\r'))) return pieces;
  const kept: Piece[] = [];
  for (const { text, style } of pieces) {
    text.replaceAll('\r\n', '\n').split('\r').forEach((part, index) => {
      if (index > 0 && part) dropLine(kept);
      push(kept, part, style);
    });
  }
  return kept;
}

function dropLine(pieces: Piece[]) {
  for (let last = pieces.pop(); last; last = pieces.pop()) {
    const newline = last.text.lastIndexOf('\n');
    if (newline >= 0) {
      pieces.push({ ...last, text: last.text.slice(0, newline + 1) });
      return;
    }
  }
}

function applySgr(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => Number(code) || 0);
  let next = { ...style };
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i]!;
    if (code === 38 || code === 48) {
      const [colour, used] = extendedColour(codes.slice(i + 1));
      next[code === 38 ? 'color' : 'background'] = colour;
      i += used;
    } else {
      next = applyCode(next, code);
    }
  }
  return next;
}

function applyCode(style: Style, code: number): Style {
  const flags: Record<number, Style> = {
    1: { bold: true },
    2: { dim: true },
    3: { italic: true },
    4: { underline: true },
    7: { inverse: true },
    22: { bold: undefined, dim: undefined },
    23: { italic: undefined },
    24: { underline: undefined },
    27: { inverse: undefined },
    39: { color: undefined },
    49: { background: undefined }
  };
  if (code === 0) return {};
  if (code in flags) return { ...style, ...flags[code] };
  if (code >= 30 && code <= 37) return { ...style, color: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, color: code - 82 };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 };
  return style;
}

/** The colour after 38 or 48, and how many of the codes it took. */
function extendedColour(codes: number[]): [number | string | undefined, number] {
  if (codes[0] === 5) return [indexedColour(codes[1] ?? 0), 2];
  if (codes[0] === 2) return [rgb(codes[1] ?? 0, codes[2] ?? 0, codes[3] ?? 0), 4];
  return [undefined, 1];
}

function indexedColour(index: number): number | string {
  if (index < 16) return index;
  if (index >= 232) return rgb(...(Array(3).fill((index - 232) * 10 + 8) as [number, number, number]));
  const level = (step: number) => (step ? step * 40 + 55 : 0);
  const cube = index - 16;
  return rgb(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function rgb(red: number, green: number, blue: number): string {
  return `rgb(${red}, ${green}, ${blue})`;
}
