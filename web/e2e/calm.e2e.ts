// The page stays calm: an answer that does not come is told of and caught up with, and the keyboard is never lost.

import type { Page, WebSocketRoute } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  administrator,
  ageConsent,
  barriers,
  company,
  enter,
  home,
  microsoft,
  newBrowser,
  says,
  shifts,
  signedIn,
  syncToTheEnd,
} from './support.ts';

const contoso = company('Contoso');
const northwind = company('Northwind');

test('while the server is away nothing old is passed off as an answer; once it is back the page catches up by itself', async () => {
  const page = await newBrowser();
  const sockets: WebSocketRoute[] = [];
  let isAway = false;
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    if (isAway) return void socket.close({ code: 1011 });
    socket.connectToServer();
    sockets.push(socket);
  });
  await page.route('**/graphql', (route) => (isAway ? route.abort() : route.fallback()));
  await enter(page, administrator(), contoso.url);
  await says(page, 'Sync complete');
  await page.locator('.row-open').first().waitFor();
  await expect.poll(() => sockets.length).toBe(1);

  isAway = true;
  for (const socket of sockets) await socket.close({ code: 1011 });
  await page.getByRole('searchbox').fill('nobody is called that');
  const told = page.getByRole('alert').filter({ hasText: 'Tenantry cannot be reached' });
  await told.waitFor();
  expect(await page.locator('.row-open').count(), 'these are no answer').toBe(0);
  expect(await barriers(page)).toEqual([]);

  isAway = false;
  await page.getByText('Nothing matches').waitFor();
  await told.waitFor({ state: 'detached' });

  // What was answered is kept, and said to be old.
  await page.getByRole('link', { name: 'Clients' }).click();
  await page.locator('.row-open').first().waitFor();
  isAway = true;
  for (const socket of sockets) await socket.close({ code: 1011 }).catch(() => {});
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await told.waitFor();
  await page.locator('.row-open').first().waitFor();
  expect(await barriers(page)).toEqual([]);
  isAway = false;
  await told.waitFor({ state: 'detached' });
});

const focused = (of: 'id' | 'textContent') => `document.activeElement?.${of}` as const;

test('whoever works by keyboard is taken along to the next page, and back to where a dialog was opened', async () => {
  const page = await signedIn(administrator());
  await page.locator('.row-open').filter({ hasText: contoso.name }).focus();
  await page.keyboard.press('Enter');
  await says(page, 'Sync complete');
  await expect.poll(() => page.evaluate(focused('id'))).toBe('main');

  await page.goto(`${contoso.url}/settings`);
  await page.getByRole('button', { name: 'Disconnect…' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(() => page.evaluate(focused('textContent'))).toBe('Disconnect…');
});

test('settings that come one after the other move nothing that is seen', async () => {
  const page = await signedIn(administrator(), contoso.url);
  await page.locator('.row-open').first().waitFor();
  // The first to be shown is the last to come, and both after the click that would excuse a move.
  await page.route('**/graphql', async (route) => {
    const late = route.request().postData()?.includes('query SyncRules(') ? 1_400 : 700;
    await new Promise((resolve) => setTimeout(resolve, late));
    await route.fallback();
  });
  const moved = await shifts(page);
  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  await page.getByRole('region', { name: 'Consent' }).getByRole('listitem').first().waitFor();
  await page.getByLabel('of a hundred').waitFor();
  expect(await moved()).toBeLessThan(0.01);
});

const WIDTHS = [1240, 380];

/** Somebody who looks at a page of Northwind, which is there to the end. */
async function looking(width: number, path = ''): Promise<Page> {
  const page = await signedIn(administrator(), northwind.url + path, { viewport: { width, height: 900 } });
  await says(page, 'Sync complete');
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true], .skeleton'));
  return page;
}

/** Goes on while Microsoft does not give what is asked for. */
async function without(what: string, deed: () => Promise<void>): Promise<void> {
  const faults = `tenants/${northwind.tenant}/faults`;
  await microsoft('POST', faults, { on: what, kind: 'status', status: 403, code: 'Authorization_RequestDenied' });
  // A consent that is fresh may be on its way still, and would be waited for.
  ageConsent(northwind.tenant);
  try {
    await deed();
  } finally {
    await microsoft('DELETE', faults);
  }
}

test.each(WIDTHS)('a sync goes by, or fails and tells why, without moving what one reads: %i', async (width) => {
  expect(await syncToTheEnd(northwind.id)).toBe('SUCCEEDED');
  const page = await looking(width);
  const moved = await shifts(page);
  expect(await syncToTheEnd(northwind.id, 'FULL')).toBe('SUCCEEDED');
  await microsoft('POST', `tenants/${northwind.tenant}/faults`, { on: '*', kind: 'foreign_link' });
  try {
    expect(await syncToTheEnd(northwind.id, 'FULL')).toBe('FAILED');
    await page.getByText('led to another address than its own').waitFor();
    expect(await moved()).toBeLessThan(0.01);
    expect(await barriers(page)).toEqual([]);
  } finally {
    await microsoft('DELETE', `tenants/${northwind.tenant}/faults`);
    await syncToTheEnd(northwind.id);
  }
});

test.each(WIDTHS)('what a run could not read moves nothing either, and is told where one asks: %i', async (width) => {
  expect(await syncToTheEnd(northwind.id)).toBe('SUCCEEDED');
  const page = await looking(width);
  const moved = await shifts(page);
  await without('users', async () => expect(await syncToTheEnd(northwind.id, 'FULL')).toBe('PARTIAL'));
  await says(page, 'Sync partly complete');
  const missing = page.getByText('What is missing, and what to do');
  await missing.waitFor();
  expect(await moved()).toBeLessThan(0.01);
  await missing.focus();
  await page.keyboard.press('Enter');
  await page.getByText('The permission User.Read.All is missing').waitFor();
  expect(await barriers(page)).toEqual([]);
  expect(await syncToTheEnd(northwind.id, 'FULL')).toBe('SUCCEEDED');
});

test.each(WIDTHS)('nor does what evidence could not be read: %i', async (width) => {
  const collect = () => syncToTheEnd(northwind.id, 'AUTO', 'EVIDENCE');
  expect(await collect()).toBe('SUCCEEDED');
  // What is looked at there does not come from the run.
  const page = await looking(width, '/evidence?view=declarations');
  const moved = await shifts(page);
  await without('identity/conditionalAccess/policies', async () => expect(await collect()).toBe('PARTIAL'));
  const unread = page.getByText('could not be read whole');
  await unread.waitFor();
  expect(await moved()).toBeLessThan(0.01);
  await unread.click();
  await page.getByText('The permission Policy.Read.All is missing').first().waitFor();
  expect(await barriers(page)).toEqual([]);
});

test('on a narrow screen the tab that is open is among those that are seen', async () => {
  const page = await signedIn(administrator(), '/', { viewport: { width: 380, height: 800 } });
  for (const [tab, path] of [
    ['Settings', '/settings'],
    ['Evidence', '/evidence'],
    ['Contacts', ''],
  ]) {
    await page.goto(`${contoso.url}${path}`);
    const current = page.getByRole('navigation', { name: 'Of this company' }).getByRole('link', { name: tab });
    const box = await current.boundingBox();
    expect(box?.x, tab).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0), tab).toBeLessThanOrEqual(380);
  }
  expect(page.url().startsWith(home)).toBe(true);
});
