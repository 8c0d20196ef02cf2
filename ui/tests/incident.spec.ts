import { actAs, expect, people, picture, read, settled, test } from './support';

test('an incident is declared, led, noted and closed, live in a second window', async ({ page, context, request }) => {
  test.setTimeout(60_000);
  const [first, second] = await people(request);
  const title = `The page works ${Date.now()}`;

  await page.goto('/operate/incidents');
  await actAs(page, first);
  await page.getByRole('button', { name: 'Declare an incident' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What is wrong').fill(title);
  await dialog.getByLabel('Severity').selectOption('sev4');
  await dialog.getByLabel('Commander').selectOption(first);
  await dialog.getByRole('button', { name: 'Declare' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(title);

  const onlooker = await context.newPage();
  await onlooker.goto(page.url());
  await expect(onlooker.getByRole('heading', { level: 1 })).toContainText(title);

  await page.getByLabel('Note').fill('Seen from the first window');
  await page.getByLabel('Note').press('Control+Enter');
  await expect(onlooker.getByText('Seen from the first window')).toBeVisible();

  await page.getByRole('group', { name: 'Status' }).getByRole('button', { name: 'Acknowledged' }).click();
  await expect(onlooker.getByRole('group', { name: 'Status' }).getByRole('button', { name: 'Acknowledged' })).toHaveAttribute('aria-pressed', 'true');
  await page.getByLabel('Severity').selectOption('sev3');
  await page.getByLabel('Commander').selectOption(second);
  await expect(onlooker.getByLabel('Commander')).toHaveValue(second);

  await page.getByLabel('New action').fill('Keep testing the page');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(onlooker.getByText('Keep testing the page', { exact: true })).toBeVisible();
  await page.getByLabel('Keep testing the page').check();
  await expect(onlooker.getByLabel('Keep testing the page')).toBeChecked();

  await page.getByRole('group', { name: 'Status' }).getByRole('button', { name: 'Resolved' }).click();
  await expect(onlooker.getByRole('group', { name: 'Status' }).getByRole('button', { name: 'Resolved' })).toHaveAttribute('aria-pressed', 'true');
  await settled(onlooker);
  await picture(onlooker, 'incident-closed');

  const incidents = await read<{ title: string; severity: string; status: string; commander: string }[]>(request, 'incidents');
  expect(incidents.find((one) => one.title === title)).toMatchObject({ severity: 'sev3', status: 'resolved', commander: second });
});
