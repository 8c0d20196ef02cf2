import { describe, expect, it } from 'vitest';
import { fenceInfo, withoutFrontMatter, withoutTitle } from './markdown';

describe('a cell’s fence', () => {
  it.each([
    ['bash', 'bash', []],
    ['bash { name=restart timeout="30 s" }', 'bash', [['name', 'restart'], ['timeout', '30 s']]],
    ['sql {"name":"failing","limit":5}', 'sql', [['name', 'failing'], ['limit', '5']]],
    ['{name=x}', '', [['name', 'x']]],
    ['', '', []]
  ])('%j', (info, language, attributes) => expect(fenceInfo(info)).toEqual({ language, attributes }));
});

it('leaves front matter out, and only that', () => {
  expect(withoutFrontMatter('---\na: 1\n---\n# T\n\n---\n')).toBe('# T\n\n---\n');
  expect(withoutFrontMatter('# T\n---\n')).toBe('# T\n---\n');
});

it('leaves the title to the page', () => {
  expect(withoutTitle('\n# Title\nText\n# Part\n')).toBe('Text\n# Part\n');
  expect(withoutTitle('Text\n# Part\n')).toBe('Text\n# Part\n');
});
