import { expect, test as base, type APIRequestContext, type Page } from '@playwright/test';

/** A page on which every error of the browser's console fails the test, unless the test says that it expects some. */
export const test = base.extend<{ problems: string[] }>({
  problems: [
    async ({ page }, use) => {
      const problems: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(`${message.text()} (${page.url()})`);
      });
      page.on('pageerror', (error) => problems.push(`${error.message} (${page.url()})`));
      await use(problems);
      expect(problems, 'errors in the browser').toEqual([]);
    },
    { auto: true }
  ]
});

export { expect };

/** Reads from the API; what is there decides which pages can be opened. */
export async function read<T>(request: APIRequestContext, path: string): Promise<T> {
  const response = await request.get(`/api/${path}`);
  expect(response.ok(), `${path} answers ${response.status()}`).toBe(true);
  return (await response.json()) as T;
}

/** The first two people of the catalogue. */
export async function people(request: APIRequestContext): Promise<[string, string]> {
  const users = await read<{ reference: string }[]>(request, 'entities?kind=User');
  expect(users.length, 'the workload has at least two users').toBeGreaterThan(1);
  return [users[0]!.reference, users[1]!.reference];
}

export async function actAs(page: Page, reference: string) {
  await page.getByLabel('Acting as').selectOption(reference);
}

/** The page is there, has no failure on it, and does not scroll sideways. */
export async function settled(page: Page) {
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.locator('.skeleton')).toHaveCount(0);
  await expect(page.locator('.failure')).toHaveCount(0);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(sideways, 'pixels that the page is wider than the window').toBeLessThanOrEqual(0);
}

export async function picture(page: Page, name: string) {
  await page.screenshot({ path: `test-results/${name}.png` });
}
