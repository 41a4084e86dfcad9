// An answer is shown with the question that it answers, and with no other.

import { createServer, request as proxied, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Page, Route } from 'playwright-core';
import { expect, test } from 'vitest';
import { administrator, ask, barriers, company, enter, newBrowser, says, signedIn, syncToTheEnd } from './support.ts';

const contoso = company('Contoso');

const asks = (route: Route, operation: string) => route.request().postData()?.includes(`query ${operation}(`) ?? false;

/** Lets what asks these operations fail, as if the network were gone, until it is let through. */
async function lose(page: Page, ...operations: string[]): Promise<() => Promise<void>> {
  const drop = (route: Route) =>
    operations.some((operation) => asks(route, operation)) ? route.abort() : route.fallback();
  await page.route('**/graphql', drop);
  return () => page.unroute('**/graphql', drop);
}

test('how things stood on a day that cannot be had is not told with another day’s verdicts', async () => {
  expect(await syncToTheEnd(contoso.id, 'AUTO', 'EVIDENCE')).toBe('SUCCEEDED');
  const page = await signedIn(administrator(), `${new URL(contoso.url).pathname}/evidence`);
  const verdict = page.getByRole('heading', { name: 'Second factor' }).or(page.getByText('people are not covered'));
  await verdict.first().waitFor();
  const find = await lose(page, 'Evidence');
  await page.getByLabel('How things stood').fill('2026-11-20T10:05');
  await page.getByLabel('How things stood').press('Enter');
  await page.getByRole('alert').filter({ hasText: 'Tenantry cannot be reached' }).waitFor();
  expect(await verdict.count()).toBe(0);
  expect(await page.getByText('as run', { exact: false }).count(), 'nor with another run').toBe(0);
  expect(await barriers(page)).toEqual([]);

  await find();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Nothing had been kept by then').waitFor();
});

test('what changed between two instants is not told of two others', async () => {
  const page = await signedIn(administrator(), `${new URL(contoso.url).pathname}/evidence?view=changes`);
  const objects = page.getByRole('region', { name: 'In the tenant' });
  await objects.getByText('run', { exact: false }).first().waitFor();
  const find = await lose(page, 'EvidenceChanges');
  await page.getByLabel('From', { exact: true }).fill('2026-11-01T08:00');
  await page.getByLabel('From', { exact: true }).blur();
  await objects.getByRole('alert').waitFor();
  expect(await objects.getByRole('listitem').count()).toBe(0);
  await find();
  await objects.getByRole('button', { name: 'Try again' }).click();
  await objects.getByRole('alert').waitFor({ state: 'detached' });
});

test('a search that fails shows its error, and none of the rows of another', async () => {
  const page = await signedIn(administrator(), contoso.url);
  await page.locator('.row-open').first().waitFor();
  const find = await lose(page, 'Contacts');
  await page.getByRole('searchbox').fill('nobody is called that');
  await page.getByRole('alert').filter({ hasText: 'Tenantry cannot be reached' }).waitFor();
  expect(await page.locator('.row-open').count()).toBe(0);
  await find();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Nothing matches').waitFor();
});

test('settings that could not be brought up to date say so, and then show what is saved by now', async () => {
  const page = await signedIn(administrator(), `${new URL(contoso.url).pathname}/settings`);
  const parts = ['Sync rules', 'Portal access', 'Schedule', 'Consent'].map((name) =>
    page.getByRole('region', { name }),
  );
  const percent = page.getByLabel('of a hundred');
  await percent.waitFor();
  const saved = await percent.inputValue();
  for (const part of parts) await part.getByRole('listitem').or(part.getByRole('button')).first().waitFor();
  await page.getByRole('link', { name: 'Sync runs' }).click();
  await page.locator('tbody tr').first().waitFor();

  const guard = (percent: number) =>
    ask('mutation($input: UpdateSyncGuardInput!) { updateSyncGuard(input: $input) { userErrors { message } } }', {
      input: { companyId: contoso.id, percent },
    });
  await guard(Number(saved) + 3);
  const find = await lose(page, 'SyncRules', 'PortalAccess', 'Schedule', 'Consent');
  await page.goBack();
  for (const part of parts) await part.getByRole('alert').getByText('Tenantry cannot be reached').waitFor();
  expect(await percent.inputValue(), 'what was known stays').toBe(saved);
  expect(await barriers(page)).toEqual([]);

  await find();
  for (const part of parts) await part.getByRole('button', { name: 'Try again' }).click();
  for (const part of parts) await part.getByRole('alert').waitFor({ state: 'detached' });
  await expect.poll(() => percent.inputValue()).toBe(String(Number(saved) + 3));
  await guard(Number(saved));
});

test('what is not answered in time is given up, and tried again', async () => {
  const page = await signedIn(administrator());
  await page.addInitScript(() => {
    const limit = AbortSignal.timeout;
    Object.assign(window, { limits: [] as number[] });
    AbortSignal.timeout = (milliseconds) => {
      (window as unknown as { limits: number[] }).limits.push(milliseconds);
      return limit.call(AbortSignal, milliseconds / 10);
    };
  });
  const hang = (route: Route) => (asks(route, 'Company') ? undefined : route.fallback());
  await page.route('**/graphql', hang);
  await page.goto(contoso.url);
  await page.getByRole('alert').filter({ hasText: 'Tenantry does not answer' }).waitFor();
  const limits = await page.evaluate(() => (window as unknown as { limits: number[] }).limits);
  expect(Math.max(...limits), 'a little more than the server allows itself').toBe(35_000);
  expect(await page.locator('.skeleton').count()).toBe(0);
  await page.unroute('**/graphql', hang);
  await page.getByRole('button', { name: 'Try again' }).click();
  await says(page, 'Sync complete');
});

test('a socket that is never opened is given up, and the sync is watched all the same', async () => {
  const sunk: Socket[] = [];
  const listener = silentToSockets(sunk);
  try {
    const page = await newBrowser({ proxy: { server: await addressOf(listener), bypass: '<-loopback>' } });
    const streamed = page.waitForRequest((request) => request.url().endsWith('/graphql/stream'));
    await enter(page, administrator(), contoso.url);
    await page.getByText('Reconnecting').waitFor();
    await streamed;
    expect(sunk.length, 'tried more than once').toBeGreaterThan(1);
    await page.getByText('Reconnecting').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Read everything again' }).click();
    await says(page, /Sync queued|Reading/);
    await says(page, 'Sync complete');
  } finally {
    for (const socket of sunk) socket.destroy();
    listener.closeAllConnections();
    listener.close();
  }
});

/** A proxy that hands requests on, takes the connections of websockets, and never says a word on them. */
function silentToSockets(sunk: Socket[]): Server {
  const listener = createServer((request, answer) => {
    const { method, headers } = request;
    const onward = proxied(request.url ?? '', { method, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  listener.on('connect', (_, socket: Socket) => {
    socket.on('error', () => {});
    sunk.push(socket);
  });
  return listener;
}

async function addressOf(listener: Server): Promise<string> {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

test('a socket that opens and then says nothing is given up, and the sync is watched all the same', async () => {
  const page = await newBrowser();
  // Without a server behind it, and without a word.
  await page.routeWebSocket(/\/graphql$/, () => {});
  const streamed = page.waitForRequest((request) => request.url().endsWith('/graphql/stream'));
  await enter(page, administrator(), contoso.url);
  await page.getByText('Reconnecting').waitFor();
  await streamed;
  await page.getByText('Reconnecting').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Read everything again' }).click();
  await says(page, /Sync queued|Reading/);
  await says(page, 'Sync complete');
});
