// A company is connected at Microsoft, loses its consent, and gets it back.

import { expect, test } from 'vitest';
import {
  administrator,
  ageConsent,
  chooseAccount,
  company,
  hold,
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

test('a company is connected through Microsoft, and its rows arrive without a reload', async () => {
  const page = await signedIn(administrator(), adventure.url);
  await says(page, 'Not connected');
  const letGo = await hold(adventure.tenant, 'users');

  await page.getByRole('button', { name: 'Sync With M365' }).click();
  await chooseAccount(page, person(adventure.tenant, 'administrator'));
  await page.locator('[name=decision][value=grant]').click();
  await page.waitForURL((url) => url.href.startsWith(adventure.url));

  // The first sync is under way already; nobody has asked for it.
  await says(page, /Reading|queued/);
  await page.getByText('On their way').waitFor();
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

  await page.getByRole('button', { name: 'Reconnect' }).click();
  await chooseAccount(page, person(adventure.tenant, 'administrator'));
  await page.locator('[name=decision][value=grant]').click();
  await page.waitForURL((url) => url.href.startsWith(adventure.url));
  await says(page, 'Sync complete');
});
