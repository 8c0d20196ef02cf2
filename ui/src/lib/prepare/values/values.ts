/** A parameter's value as one line of text. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(', ');
  return JSON.stringify(value);
}

/** `/shop/orders/timeout` → `/shop/orders` and `timeout`. */
export function split(path: string): { folder: string; name: string } {
  const at = path.lastIndexOf('/');
  return { folder: path.slice(0, at) || '/', name: path.slice(at + 1) };
}

/** What lies in each folder, in the order of paths. */
export function byFolder<T extends { path: string }>(all: T[]): { folder: string; items: T[] }[] {
  const folders = new Map<string, T[]>();
  for (const item of all) {
    const { folder } = split(item.path);
    folders.set(folder, [...(folders.get(folder) ?? []), item]);
  }
  return [...folders].sort(([a], [b]) => a.localeCompare(b)).map(([folder, items]) => ({ folder, items }));
}

/** The names that stand at a version: its labels, or its stages. */
export const namesAt = (names: Record<string, number>, version: number): string[] =>
  Object.entries(names)
    .filter(([, at]) => at === version)
    .map(([name]) => name);
