/** A flag's value on one line. */
export function shownValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * A context as a person types it: an object of JSON, or a line `key = value` for each key, in which numbers, true and
 * false are what they look like.
 */
export function parsedContext(text: string): Record<string, unknown> {
  if (text.trim().startsWith('{')) return JSON.parse(text) as Record<string, unknown>;
  const context: Record<string, unknown> = {};
  for (const line of text.split('\n').filter((line) => line.trim())) {
    const at = line.indexOf('=');
    if (at < 1) throw new Error(`“${line.trim()}” is not of the form key = value`);
    context[line.slice(0, at).trim()] = parsedValue(line.slice(at + 1).trim());
  }
  return context;
}

function parsedValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && String(Number(text)) === text ? Number(text) : text;
}
