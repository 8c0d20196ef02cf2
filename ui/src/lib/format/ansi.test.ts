import { describe, expect, it } from 'vitest';
import { parseAnsi } from './ansi';

const text = (input: string) => parseAnsi(input).pieces.map((piece) => piece.text).join('');

describe('terminal output', () => {
  it('keeps colours and weights until they are reset', () => {
    const { pieces } = parseAnsi('plain \x1b[1;31mred\x1b[0m plain');
    expect(pieces).toEqual([
      { text: 'plain ', style: {} },
      { text: 'red', style: { bold: true, color: 1 } },
      { text: ' plain', style: {} }
    ]);
  });

  it('carries the style on to the next chunk', () => {
    const first = parseAnsi('\x1b[32mgo');
    const second = parseAnsi(' on', first.end);
    expect(second.pieces).toEqual([{ text: ' on', style: { color: 2 } }]);
  });

  it('reads bright, indexed and true colours', () => {
    const colour = (codes: string) => parseAnsi(`\x1b[${codes}mx`).pieces[0]!.style.color;
    expect([colour('94'), colour('38;5;9'), colour('38;5;196'), colour('38;5;244'), colour('38;2;1;2;3')]).toEqual([
      12, 9, 'rgb(255, 0, 0)', 'rgb(128, 128, 128)', 'rgb(1, 2, 3)'
    ]);
  });

  it('drops every other sequence', () => {
    expect(text('\x1b[2J\x1b[1;1Ha\x1b]0;title\x07b\x1b(Bc\x1b[?25l')).toBe('abc');
  });

  it('lets a carriage return overwrite its line', () => {
    expect(text('one\n10%\r50%\r100%\ntwo\r\n')).toBe('one\n100%\ntwo\n');
    expect(text('10%\r')).toBe('10%');
  });

  it('takes what is broken without a fuss', () => {
    expect(text('a\x1b')).toBe('a');
    expect(text('\x1b[38;5mx')).toBe('x');
  });
});
