/** `/` goes to the search field of the page, the first one marked with `data-search`. */
export function focusSearch(event: KeyboardEvent) {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
  const search = document.querySelector<HTMLElement>('[data-search]');
  const field = search?.matches('input, select') ? search : search?.querySelector<HTMLElement>('input, [contenteditable="true"]');
  if (!field) return;
  event.preventDefault();
  field.focus();
}
