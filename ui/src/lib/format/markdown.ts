import DOMPurify from 'dompurify';
import { Marked, type Tokens } from 'marked';

/**
 * Markdown as HTML that is safe to show: documents are written by people who are not the reader.
 * Front matter and HTML comments are left out, cells of a runbook show their name and attributes, and pictures that lie beside
 * the document are put in; pictures from elsewhere are not loaded.
 */
export function renderMarkdown(text: string, pictures: Record<string, string>): string {
  const marked = new Marked({
    gfm: true,
    renderer: {
      code: renderCell,
      heading({ tokens, depth }) {
        const level = Math.min(6, depth + 1);
        return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
      },
      // HTML within Markdown is shown as text; comments, which templates use as hints, are left out.
      html: ({ text }) => escape(text.replace(/<!--[\s\S]*?-->/g, '')),
      image: (image) => renderPicture(image, pictures)
    }
  });
  const html = marked.parse(withoutTitle(withoutFrontMatter(text)), { async: false });
  return DOMPurify.sanitize(html, { USE_PROFILES: { html: true }, FORBID_TAGS: ['style', 'form', 'button', 'select', 'textarea'], FORBID_ATTR: ['style'] });
}

export function withoutFrontMatter(text: string): string {
  return text.replace(/^---\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/, '');
}

/** The page already says the document's title; its other headings move one level down below it. */
export function withoutTitle(text: string): string {
  return text.replace(/^\s*# [^\n]*\n/, '');
}

/** The words after a fence: a language and perhaps attributes, as JSON or as `{ k=v }`. */
export function fenceInfo(info: string): { language: string; attributes: [string, string][] } {
  const [, language = '', rest = ''] = /^\s*([^\s{]*)\s*(\{[\s\S]*\})?/.exec(info) ?? [];
  try {
    const values = JSON.parse(rest) as Record<string, unknown>;
    return { language, attributes: Object.entries(values).map(([key, value]) => [key, String(value)]) };
  } catch {
    const pairs = rest.matchAll(/([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s,}]+))/g);
    return { language, attributes: [...pairs].map((pair) => [pair[1]!, pair[2] ?? pair[3] ?? pair[4] ?? '']) };
  }
}

function renderCell({ text, lang }: Tokens.Code): string {
  const { language, attributes } = fenceInfo(lang ?? '');
  const name = attributes.find(([key]) => key === 'name')?.[1];
  const others = attributes.filter(([key]) => key !== 'name').map(([key, value]) => `<span>${escape(key)}: ${escape(value)}</span>`);
  const caption = [name && `<b>${escape(name)}</b>`, language && `<span>${escape(language)}</span>`, ...others].filter(Boolean).join('');
  return `<figure class="cell">${caption ? `<figcaption>${caption}</figcaption>` : ''}<pre><code>${escape(text)}</code></pre></figure>`;
}

function renderPicture({ href, text }: Tokens.Image, pictures: Record<string, string>): string {
  const svg = pictures[href] ?? pictures[href.replace(/^\.\//, '')];
  // Inside an img an SVG can neither run scripts nor load anything.
  if (svg !== undefined) return `<img alt="${escape(text)}" src="data:image/svg+xml,${encodeURIComponent(svg)}">`;
  return `<a href="${escape(href)}">${escape(text || href)}</a>`;
}

function escape(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
