// Records as technicians work with them: searched, sorted, turned, by keyboard, and copied.

import { expect, test } from 'vitest';
import { administrator, company, home, PATIENCE, signedIn } from './support.ts';

const fabrikam = company('Fabrikam');

test('ten thousand contacts are turned page by page, and back', async () => {
  const page = await signedIn(administrator(), fabrikam.url);
  await page.getByText('1–50 of 10,000').waitFor();
  const first = await page.locator('.row-open').first().textContent();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('51–100 of 10,000').waitFor();
  await expect.poll(() => page.locator('.row-open').first().textContent()).not.toBe(first);
  await page.getByRole('button', { name: 'Previous' }).click();
  await page.getByText('1–50 of 10,000').waitFor();
  await expect.poll(() => page.locator('.row-open').first().textContent()).toBe(first);

  await page.getByRole('button', { name: 'Name' }).click();
  await expect.poll(() => page.locator('.row-open').first().textContent()).not.toBe(first);
  await page.reload();
  await page.locator('th[aria-sort=descending]').waitFor();
});

test('a search finds a part of a name, and its address can be sent to somebody', async () => {
  const page = await signedIn(administrator(), fabrikam.url);
  await page.locator('.row-open').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('winslow');
  await page.waitForURL(/[?&]q=winslow/);
  await expect
    .poll(async () => (await page.locator('tbody tr').allTextContents()).filter((row) => !/winslow/i.test(row)), {
      timeout: PATIENCE,
    })
    .toEqual([]);
  await page.getByRole('searchbox').fill('nobody is called that');
  await page.getByText('Nothing matches').waitFor();
});

test('the keyboard goes from row to row, opens, copies, and comes back', async () => {
  const page = await signedIn(administrator(), fabrikam.url, { permissions: ['clipboard-read', 'clipboard-write'] });
  const rows = page.locator('.row-open');
  await rows.first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('c');
  const mail = await page.getByRole('row').nth(3).getByRole('cell').nth(1).textContent();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(mail);

  const name = await rows.nth(2).textContent();
  await page.keyboard.press('Enter');
  const record = page.getByRole('dialog', { name: name ?? '' });
  await record
    .getByText('user.displayName')
    .or(record.getByText('user.mail', { exact: true }))
    .first()
    .waitFor();
  await record.getByText('Active: the tenant lists it').or(record.getByText('Microsoft does not let them')).waitFor();
  await record.getByTestId('history').getByText('New').waitFor();
  await page.keyboard.press('Escape');
  await record.waitFor({ state: 'detached' });
  expect(await page.evaluate(() => document.activeElement?.textContent), 'where one was').toBe(name);

  // The browser goes back to the list's address a moment after the record has closed.
  await page.waitForURL((url) => url.search === '');
  await page.keyboard.press('PageDown');
  await page.getByText('51–100 of 10,000').waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.className)).toBe('row-open');
});

test('a run shows what it changed', async () => {
  const page = await signedIn(administrator(), `${new URL(fabrikam.url).pathname}/runs`);
  expect(page.url().startsWith(home)).toBe(true);
  await page.locator('.row-open').last().click();
  const run = page.getByRole('dialog', { name: 'Sync run' });
  await run.getByText('1–50 of 14,420').waitFor();
  await run.getByLabel('Which changes').selectOption('DEACTIVATED');
  await run.getByText('This run changed nothing').waitFor();
});
