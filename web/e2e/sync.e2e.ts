// A sync as it is watched: from one browser and from two, through a cut line, and without websockets.

import type { Page, WebSocketRoute } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  administrator,
  auditor,
  company,
  enter,
  hold,
  listen,
  microsoft,
  newBrowser,
  says,
  signedIn,
  syncToTheEnd,
} from './support.ts';

const contoso = company('Contoso');
const sync = (page: Page) => page.getByRole('button', { name: 'Sync With M365' }).click();
const readAll = (page: Page) => page.getByRole('button', { name: 'Read everything again' }).click();

test('queued, running, complete: each is told, and the bar never goes back', async () => {
  const page = await signedIn(administrator(), contoso.url);
  await says(page, 'Sync complete');
  const heard = await listen(page);
  const letGo = await hold(contoso.tenant, 'users');
  await readAll(page);
  await says(page, /Reading/);
  await letGo();
  await page
    .getByRole('progressbar', { includeHidden: true })
    .and(page.locator('[aria-hidden=true]'))
    .waitFor({ state: 'attached' });
  await says(page, 'Sync complete');
  const { said, progress } = await heard();
  expect(said).toContain('Sync queued');
  expect(said.some((words) => words.startsWith('Reading'))).toBe(true);
  expect(said.at(-1)).toBe('Sync complete');
  expect(progress.length).toBeGreaterThan(0);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
});

test('a second click joins the run that goes, and says so', async () => {
  const page = await signedIn(administrator(), contoso.url);
  const letGo = await hold(contoso.tenant, 'users');
  await readAll(page);
  await says(page, /Reading/);
  await sync(page);
  await page.getByTestId('joined').filter({ hasText: 'Robin Sawyer' }).waitFor();
  await letGo();
  await says(page, 'Sync complete');
});

test('two browsers watch the same run', async () => {
  const technician = await signedIn(administrator(), contoso.url);
  const other = await signedIn(auditor(), contoso.url);
  await says(other, 'Sync complete');
  expect(await other.getByRole('button', { name: 'Sync With M365' }).count(), 'an auditor only looks').toBe(0);
  const letGo = await hold(contoso.tenant, 'users');
  await readAll(technician);
  await says(technician, /Reading/);
  await says(other, /Reading/);
  await microsoft('POST', `tenants/${contoso.tenant}/people`, { displayName: 'Aaron Newhire' });
  await letGo();
  await says(technician, 'Sync complete');
  await says(other, 'Sync complete');
  for (const page of [technician, other]) await page.getByRole('button', { name: 'Aaron Newhire' }).waitFor();
});

test('the line is cut, and the page catches up with what it missed', async () => {
  const page = await newBrowser();
  const sockets: WebSocketRoute[] = [];
  let isCut = false;
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    if (isCut) return void socket.close({ code: 1011 });
    socket.connectToServer();
    sockets.push(socket);
  });
  await enter(page, administrator(), contoso.url);
  await says(page, 'Sync complete');
  await expect.poll(() => sockets.length).toBe(1);
  // A whole run goes by while nothing comes through.
  isCut = true;
  for (const socket of sockets) await socket.close({ code: 1011 });
  await page.getByText('Reconnecting').waitFor();
  await microsoft('POST', `tenants/${contoso.tenant}/people`, { displayName: 'Abel Missed' });
  expect(await syncToTheEnd(contoso.id)).toBe('SUCCEEDED');
  isCut = false;
  await page.getByRole('button', { name: 'Abel Missed' }).waitFor();
  await page.getByText('Reconnecting').waitFor({ state: 'detached' });
});

test('where websockets are blocked, the sync is watched all the same', async () => {
  const page = await newBrowser();
  await page.routeWebSocket(/\/graphql$/, (socket) => void socket.close({ code: 1011 }));
  const streamed = page.waitForRequest((request) => request.url().endsWith('/graphql/stream'));
  await enter(page, administrator(), contoso.url);
  await streamed;
  const letGo = await hold(contoso.tenant, 'users');
  await readAll(page);
  await says(page, /Reading/);
  await letGo();
  await says(page, 'Sync complete');
});
