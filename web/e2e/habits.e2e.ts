// What people do without thinking of it: go back, press Escape, click beside, and find their place by the tab's title.

import { expect, test } from 'vitest';
import { administrator, company, says, signedIn } from './support.ts';

const adventure = company('Adventure Works');

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
