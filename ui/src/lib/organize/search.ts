import type { EntitySummary } from '$lib/api/types';

/** Whether every word of the search occurs somewhere in what the catalogue says about an entity. */
export function matches(entity: EntitySummary, search: string): boolean {
  const { reference, title, description, type, owner, system, service, tags } = entity;
  const text = [reference, title, description, type, owner, system, service, ...tags].join(' ').toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
