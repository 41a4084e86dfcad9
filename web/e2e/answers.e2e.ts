// An answer is shown with the question that it answers, and with no other.

import type { Page, Route } from 'playwright-core';
import { expect, test } from 'vitest';
import { administrator, barriers, company, enter, newBrowser, says, signedIn, syncToTheEnd } from './support.ts';

const contoso = company('Contoso');

/** Lets what asks this operation fail, as if the network were gone, until it is let through. */
async function lose(page: Page, operation: string): Promise<() => Promise<void>> {
  const drop = (route: Route) =>
    route.request().postData()?.includes(`query ${operation}(`) ? route.abort() : route.fallback();
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
