// Parts of the page by themselves: one that cannot be had takes nothing else down, and what is long is shown to its end.

import type { WebSocketRoute } from 'playwright-core';
import { expect, test } from 'vitest';
import { administrator, barriers, company, enter, newBrowser, says, signedIn, syncToTheEnd } from './support.ts';

const contoso = company('Contoso');
const fabrikam = company('Fabrikam');

test('a tab that cannot be loaded takes nothing else down, and is there once it is tried again', async () => {
  // The browser itself writes that a script could not be had.
  const page = await signedIn(administrator(), contoso.url, {}, { mayBreak: true });
  await says(page, 'Sync complete');
  await page.route(/\/assets\/(evidence|company-settings)/, (route) => route.abort());
  const tabs = page.getByRole('navigation', { name: 'Of this company' });
  await tabs.getByRole('link', { name: 'Evidence' }).click();
  const broken = page.getByRole('alert').filter({ hasText: 'This part of the page cannot be had' });
  await broken.waitFor();
  await says(page, 'Sync complete');
  expect(await barriers(page)).toEqual([]);
  await broken.getByRole('button', { name: 'Try again' }).click();
  await broken.waitFor();
  await tabs.getByRole('link', { name: 'Contacts' }).click();
  await page.locator('.row-open').first().waitFor();

  await tabs.getByRole('link', { name: 'Evidence' }).click();
  await broken.waitFor();
  await page.unroute(/\/assets\/(evidence|company-settings)/);
  await broken.getByRole('button', { name: 'Try again' }).click();
  await page.getByTestId('evidence-message').waitFor();
  const display = () => page.locator('.evidence-line').evaluate((element) => getComputedStyle(element).display);
  await expect.poll(display).toBe('grid');
});

test('a tab that was opened while the server was away is there once it is back', async () => {
  const page = await newBrowser({}, { mayBreak: true });
  const sockets: WebSocketRoute[] = [];
  let isAway = false;
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    if (isAway) return void socket.close({ code: 1011 });
    socket.connectToServer();
    sockets.push(socket);
  });
  await page.route(/\/graphql$|\/assets\/evidence/, (route) => (isAway ? route.abort() : route.fallback()));
  await enter(page, administrator(), contoso.url);
  await says(page, 'Sync complete');
  await expect.poll(() => sockets.length).toBe(1);
  isAway = true;
  for (const socket of sockets) await socket.close({ code: 1011 });
  await page.getByRole('navigation', { name: 'Of this company' }).getByRole('link', { name: 'Evidence' }).click();
  await page.getByText('This part of the page cannot be had').waitFor();
  isAway = false;
  await page.getByTestId('evidence-message').waitFor();
});

test('the members of a large group are shown to the last', async () => {
  const page = await signedIn(administrator(), `${new URL(fabrikam.url).pathname}/groups?q=all+company`);
  await page.locator('.row-open').filter({ hasText: 'All Company' }).click();
  const record = page.getByRole('dialog');
  await record.getByText('10,000 members').waitFor();
  const members = record.getByRole('list').filter({ has: page.getByRole('button', { name: 'Show more' }) });
  const shown = () => record.locator('.related').first().getByRole('listitem').count();
  await expect.poll(shown).toBe(101);
  await members.getByRole('button', { name: 'Show more' }).click();
  await expect.poll(shown).toBe(201);
});

test('why a click was refused is forgotten once the page hears from the server again', async () => {
  const page = await signedIn(administrator(), contoso.url);
  await says(page, 'Sync complete');
  await page.route('**/graphql', (route) => route.abort());
  await page.getByRole('button', { name: 'Sync With M365' }).click();
  const refused = page.locator('.sync-panel').getByRole('alert');
  await refused.waitFor();
  await page.unroute('**/graphql');
  await syncToTheEnd(contoso.id);
  await refused.waitFor({ state: 'detached' });
});
