// Looks at a page from a world of its own, which the page's scripts cannot touch. Its value is an object of
// functions; each takes and returns JSON.
(() => {
  const CANDIDATES_MAX = 400;
  const words = (text) => (text ?? '').replace(/\s+/g, ' ').trim();

  const shown = (element) =>
    element.getClientRects().length > 0 && getComputedStyle(element).visibility === 'visible';

  const described = (element) => {
    const id = element.id ? `#${element.id}` : '';
    const classes = [...element.classList].slice(0, 2).map((name) => `.${name}`).join('');
    return `<${element.tagName.toLowerCase()}${id}${classes}>`;
  };

  /** What a person reads on it: a button's caption, or its text. */
  const reads = (element) => {
    if (element instanceof HTMLInputElement) {
      return /^(button|submit|reset)$/.test(element.type) ? words(element.value) : '';
    }
    return words(element.innerText ?? element.textContent);
  };

  /** The document and every open shadow tree in it. */
  const roots = (root) => {
    const inner = [...root.querySelectorAll('*')].filter((element) => element.shadowRoot);
    return [root, ...inner.flatMap((element) => roots(element.shadowRoot))];
  };

  const byCss = (css) => {
    const found = [...document.querySelectorAll(css)];
    return found.length > 0 ? found : roots(document).slice(1).flatMap((root) => [...root.querySelectorAll(css)]);
  };

  const UNREAD = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'HEAD']);

  /** The innermost elements with a text. */
  const byText = (matches) => {
    const found = [];
    const walk = (element) => {
      if (UNREAD.has(element.tagName)) return false;
      const inner = [...element.children, ...(element.shadowRoot?.children ?? [])];
      const within = inner.map(walk).some(Boolean);
      if (!within && matches(reads(element))) {
        found.push(element);
        return true;
      }
      return within;
    };
    if (document.body) walk(document.body);
    return found;
  };

  const all = (by) => {
    if (by.css !== undefined) return byCss(by.css);
    if (by.exact !== undefined) return byText((text) => text === words(by.exact));
    const part = words(by.text).toLowerCase();
    return byText((text) => text.toLowerCase().includes(part));
  };

  /** The element that is meant: the first that can be seen. */
  const meant = (by) => {
    let found;
    try {
      found = all(by);
    } catch (error) {
      return { state: 'invalid', reason: String(error.message) };
    }
    const element = found.find(shown);
    if (element) return { element };
    return found.length > 0 ? { state: 'hidden' } : { state: 'missing' };
  };

  const atPoint = (x, y) => {
    let hit = document.elementFromPoint(x, y);
    while (hit?.shadowRoot) {
      const inner = hit.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === hit) break;
      hit = inner;
    }
    return hit;
  };

  const contains = (outer, inner) => {
    for (let at = inner; at; at = at.parentNode ?? at.host) if (at === outer) return true;
    return false;
  };

  /** Where it can be clicked, or why not. */
  const place = (element) => {
    if (element.matches(':disabled') || element.closest('[aria-disabled="true"]')) return { state: 'disabled' };
    element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    const box = [...element.getClientRects()].find((rect) => rect.width > 0 && rect.height > 0);
    if (!box) return { state: 'hidden' };
    const x = Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1);
    const y = Math.min(Math.max(box.y + box.height / 2, 0), innerHeight - 1);
    const hit = atPoint(x, y);
    const label = hit?.closest('label');
    if (hit && !contains(element, hit) && label?.control !== element) return { state: 'covered', by: described(hit) };
    return { state: 'ready', x, y };
  };

  const changed = (element) => {
    element.dispatchEvent(new Event('input', { bubbles: true }));
    element.dispatchEvent(new Event('change', { bubbles: true }));
    return { state: 'done' };
  };

  const choose = (select, value) => {
    const options = [...select.options];
    const option = options.find((one) => one.value === value) ?? options.find((one) => words(one.label) === words(value));
    if (!option) {
      const known = options.slice(0, 10).map((one) => words(one.label)).join(', ');
      return { state: 'unfillable', reason: `it has no option \`${value}\`, but ${known || 'none at all'}` };
    }
    select.value = option.value;
    return changed(select);
  };

  const enter = (element, value) => {
    const ready = place(element);
    if (ready.state === 'disabled') return ready;
    if (element.readOnly) return { state: 'readonly' };
    if (element instanceof HTMLSelectElement) return choose(element, value);
    const kind = element instanceof HTMLInputElement ? element.type : '';
    if (kind === 'checkbox' || kind === 'radio') {
      if (element.checked !== ['true', 'on', 'yes', '1'].includes(value)) element.click();
      return { state: 'done' };
    }
    if (kind === 'file') return { state: 'unfillable', reason: 'files cannot be chosen' };
    if (/^(date|time|month|week|datetime-local|color|range)$/.test(kind) || (value === '' && 'value' in element)) {
      element.focus();
      element.value = value;
      return changed(element);
    }
    if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
      element.focus();
      element.select();
      return { state: 'type' };
    }
    if (element.isContentEditable) {
      element.focus();
      getSelection().selectAllChildren(element);
      return { state: 'type' };
    }
    return { state: 'unfillable', reason: `it is a ${described(element)}` };
  };

  /** Selectors that would find something. */
  const candidates = () => {
    const found = new Set();
    for (const element of document.querySelectorAll('*')) {
      if (found.size > CANDIDATES_MAX) break;
      if (UNREAD.has(element.tagName)) continue;
      if (element.id) found.add(`#${element.id}`);
      for (const name of element.classList) found.add(`.${name}`);
      const name = element.getAttribute('name');
      if (name) found.add(`[name="${name}"]`);
      if (element.matches('a, button, label, summary, h1, h2, h3, [role=button], input[type=submit]')) {
        const text = reads(element);
        if (text && text.length <= 60) found.add(`text=${text}`);
      }
    }
    return [...found];
  };

  return {
    page: () => ({ title: document.title, url: location.href }),
    text: () => words(document.body?.innerText).slice(0, 1000),
    has: (text) => words(document.body?.innerText).includes(words(text)),
    candidates,
    see: (by) => {
      const { element, ...problem } = meant(by);
      return element ? { state: 'ready', text: reads(element) } : problem;
    },
    clickable: (by) => {
      const { element, ...problem } = meant(by);
      return element ? place(element) : problem;
    },
    fill: (by, value) => {
      const { element, ...problem } = meant(by);
      return element ? enter(element, value) : problem;
    },
    size: () => {
      const root = document.documentElement;
      return { width: root.scrollWidth, height: Math.max(root.scrollHeight, document.body?.scrollHeight ?? 0) };
    },
  };
})()
