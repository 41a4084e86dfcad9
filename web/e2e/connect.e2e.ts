// A company is connected at Microsoft, loses its consent, and gets it back.

import { expect, test } from 'vitest';
import {
  administrator,
  ageConsent,
  barriers,
  chooseAccount,
  company,
  hold,
  home,
  listen,
  microsoft,
  PATIENCE,
  person,
  says,
  setting,
  signedIn,
} from './support.ts';

const adventure = company('Adventure Works');
const client = setting('MICROSOFT_CLIENT_ID');

test('whoever turns back at Microsoft finds the button alive', async () => {
  const page = await signedIn(administrator(), adventure.url, {}, { remembers: true });
  await says(page, 'Not connected');
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  const button = page.getByRole('button', { name: 'Sync With M365' });
  await button.click();
  await page.waitForURL((url) => !url.href.startsWith(adventure.url));
  // What comes out of the browser's memory is not loaded again.
  await page.goBack({ waitUntil: 'commit' });
  expect(await page.evaluate(() => 'sameDocument' in window), 'the browser kept the page').toBe(true);
  await page.locator('.sync-actions .primary:not([aria-disabled=true])').waitFor();
  await button.click();
  await page.waitForURL((url) => !url.href.startsWith(adventure.url));
});

test('how consent was refused is told where one waits for it, until there is a new link', async () => {
  const page = await signedIn(administrator(), adventure.url);
  await page.getByRole('button', { name: 'Sync With M365' }).click();
  await chooseAccount(page, person(adventure.tenant, 'administrator'));
  await page.locator('[name=decision][value=refuse]').click();
  await page.goto(adventure.url);
  await says(page, 'Waiting for an administrator to consent');
  await page.getByText('declined at Microsoft').waitFor();
  await page.goto(home);
  const row = page.getByRole('row').filter({ hasText: adventure.name });
  await row.filter({ hasText: 'Waiting for consent' }).filter({ hasText: 'declined at Microsoft' }).waitFor();

  // A link that the browser does not let us copy is not lost.
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.goto(adventure.url);
  await page.getByRole('button', { name: 'Copy a link' }).click();
  const link = page.getByLabel('The browser did not let us copy the link');
  await link.waitFor();
  expect(await link.inputValue()).toMatch(/^https?:/);
  expect(await barriers(page)).toEqual([]);
  await page.reload();
  await page.getByText('A link was made. Once an administrator').waitFor();
});

test('a company is connected through Microsoft, and its rows arrive without a reload', async () => {
  const page = await signedIn(administrator(), adventure.url);
  await says(page, /Not connected|Waiting/);
  const letGo = await hold(adventure.tenant, 'users');

  await page.getByRole('button', { name: 'Sync With M365' }).click();
  await chooseAccount(page, person(adventure.tenant, 'administrator'));
  await page.locator('[name=decision][value=grant]').click();
  await page.waitForURL((url) => url.href.startsWith(adventure.url));

  // The first sync is under way already; nobody has asked for it.
  await says(page, /Reading|queued/);
  await page.getByText('On their way').waitFor();
  const connection = page.locator('.sync-foot span').first();
  expect(await connection.textContent(), 'what it is called may be yet to be read').not.toMatch(/^ ·/);
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  const heard = await listen(page);
  await letGo();
  await says(page, 'Sync complete');
  await page.getByRole('row').nth(20).waitFor();
  expect(await page.evaluate(() => 'sameDocument' in window), 'the page was not loaded again').toBe(true);
  await expect.poll(() => page.getByTestId('total-CONTACT').textContent(), { timeout: PATIENCE }).toBe('120');
  await expect.poll(() => page.getByTestId('total-ASSET').textContent(), { timeout: PATIENCE }).toBe('80');
  const { progress } = await heard();
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  await page.getByText('consent by').waitFor();
});

test('where the consent was withdrawn, the page says so and leads to a new one', async () => {
  const page = await signedIn(administrator(), adventure.url);
  await says(page, 'Sync complete');
  ageConsent(adventure.tenant);
  await microsoft('DELETE', `tenants/${adventure.tenant}/consents/${client}`);
  await page.getByRole('button', { name: 'Sync With M365' }).click();
  await says(page, 'Reconnect needed');
  expect(await page.getByTestId('total-CONTACT').textContent(), 'nothing is lost').toBe('120');

  // What was granted once is not what works.
  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  const consent = page.getByRole('region', { name: 'Consent' });
  await consent.getByText('Microsoft refuses us').waitFor();
  expect(await consent.getByText('Works', { exact: true }).count()).toBe(0);
  expect(await consent.getByText('Stands still').count()).toBe(7);
  await page.goBack();

  await page.getByRole('button', { name: 'Reconnect' }).click();
  await chooseAccount(page, person(adventure.tenant, 'administrator'));
  await page.locator('[name=decision][value=grant]').click();
  await page.waitForURL((url) => url.href.startsWith(adventure.url));
  await says(page, 'Sync complete');
});
