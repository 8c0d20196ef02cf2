const KEY = 'mainstay.theme';

export type Theme = 'system' | 'light' | 'dark';

/** The chosen theme, and whether the page is dark now. */
class ThemeChoice {
  #choice = $state<Theme>('system');
  #systemDark = $state(false);

  constructor() {
    if (typeof window === 'undefined') return;
    const attribute = document.documentElement.dataset.theme;
    if (attribute === 'light' || attribute === 'dark') this.#choice = attribute;
    const media = matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = media.matches;
    media.addEventListener('change', () => (this.#systemDark = media.matches));
  }

  get choice(): Theme {
    return this.#choice;
  }

  set choice(theme: Theme) {
    this.#choice = theme;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === 'system') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // Storage may be blocked; the choice then lasts as long as the page.
    }
  }

  get dark(): boolean {
    return this.#choice === 'system' ? this.#systemDark : this.#choice === 'dark';
  }
}

export const theme = new ThemeChoice();
