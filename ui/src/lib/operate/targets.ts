type Fields = Record<string, unknown>;

/** What a target does, in one line; a target's only key is its kind. */
export function targetText(target: unknown): string {
  const [kind, fields] = Object.entries((target ?? {}) as Record<string, Fields>)[0] ?? ['', {}];
  const words: Record<string, (fields: Fields) => string> = {
    incident: ({ title }) => `open or attach an incident “${String(title)}”`,
    run: ({ document }) => `request a run of ${String(document)}`,
    notify: ({ channel, url }) => `notify by ${String(channel)} at ${String(url)}`
  };
  return words[kind]?.(fields ?? {}) ?? JSON.stringify(target);
}
