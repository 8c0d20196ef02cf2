const KEY = 'mainstay.actor';

/** Who acts on this page: an entity reference such as `user:default/jo`. Kept in this browser. */
class CurrentActor {
  #current = $state(read());

  get current(): string | null {
    return this.#current;
  }

  set current(reference: string | null) {
    this.#current = reference;
    try {
      if (reference) localStorage.setItem(KEY, reference);
      else localStorage.removeItem(KEY);
    } catch {
      // Storage may be blocked; the choice then lasts as long as the page.
    }
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export const actor = new CurrentActor();
