// Lists as rows come and go under them: where one is, how they are ordered, and what is copied from them.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { administrator, ask, company, hold, microsoft, signedIn, syncToTheEnd } from './support.ts';

const contoso = company('Contoso');
const fabrikam = company('Fabrikam');
const northwind = company('Northwind');

test('where one is in a list is in its address: kept over a reload and the way back, and gone with another search', async () => {
  const page = await signedIn(administrator(), fabrikam.url);
  await page.getByText('1–50 of 10,000').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('51–100 of 10,000').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('101–150 of 10,000').waitFor();
  const first = await page.locator('.row-open').first().textContent();
  await page.reload();
  await page.locator('.row-open').first().waitFor();
  expect(await page.locator('.row-open').first().textContent()).toBe(first);
  // How many lie in front of it nobody has counted.
  await page.locator('.pager').getByText('50 of 10,000', { exact: true }).waitFor();

  await page.getByRole('navigation', { name: 'Of this company' }).getByRole('link', { name: 'Assets' }).click();
  await page.getByText('1–50 of 4,000').waitFor();
  await page.goBack();
  await expect.poll(() => page.locator('.row-open').first().textContent()).toBe(first);
  await page.getByRole('searchbox').fill('winslow');
  await page.waitForURL((url) => url.searchParams.get('q') === 'winslow' && !url.searchParams.has('after'));
  await page.getByText(/^1–/).waitFor();
});

test('the keyboard turns pages, stays where a list ends, and is not taken from whoever has gone on', async () => {
  const page = await signedIn(administrator(), `${new URL(fabrikam.url).pathname}?q=winslow`);
  const rows = page.locator('.row-open');
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await page.getByText(/^1–50 of/).waitFor();
  const first = await rows.first().textContent();
  await rows.first().focus();
  await page.keyboard.press('PageUp');
  await page.keyboard.press('PageDown');
  await page.getByText(/^51–/).waitFor();
  await expect.poll(focused).toBe(await rows.first().textContent());
  await page.keyboard.press('PageUp');
  await page.getByText(/^1–50 of/).waitFor();
  await expect.poll(focused).toBe(first);

  await page.keyboard.press('PageUp');
  await page.getByRole('searchbox').press('End');
  await page.keyboard.type(' w', { delay: 400 });
  await page.waitForURL((url) => url.searchParams.get('q') === 'winslow w');
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'));
  expect(await page.getByRole('searchbox').evaluate((box) => box === document.activeElement)).toBe(true);

  await page.goto(`${contoso.url}/assets`);
  const next = page.getByRole('button', { name: 'Next' });
  await next.focus();
  while ((await next.getAttribute('aria-disabled')) !== 'true') {
    const range = await page.locator('.pager [role=status]').textContent();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.pager [role=status]').textContent()).not.toBe(range);
    await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'));
  }
  expect(await next.evaluate((button) => button === document.activeElement), 'where the list ends').toBe(true);
});

test('an address whose place is nobody’s leads back to the start', async () => {
  const page = await signedIn(administrator(), `${new URL(fabrikam.url).pathname}?after=nonsense`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('1–50 of 10,000').waitFor();
});

test('records are ordered by when they were first seen, and clients by name', async () => {
  const page = await signedIn(administrator(), contoso.url);
  await page.getByRole('button', { name: 'First seen' }).click();
  await page.getByRole('button', { name: 'First seen' }).click();
  await page.locator('th[aria-sort=descending]').filter({ hasText: 'First seen' }).waitFor();
  expect(new URL(page.url()).searchParams.get('sort')).toBe('-created');

  await page.getByRole('link', { name: 'Clients' }).click();
  await page.getByRole('button', { name: 'Company' }).click();
  const names = () => page.locator('.row-open').allTextContents();
  await expect.poll(async () => (await names()).length).toBeGreaterThan(2);
  await page.locator('th[aria-sort=ascending]').filter({ hasText: 'Company' }).waitFor();
  const sorted = async () => JSON.stringify(await names()) === JSON.stringify((await names()).sort());
  await expect.poll(sorted).toBe(true);
});

test('a page whose rows have gone is no empty list, and where a page stands is told as it is now', async () => {
  const people = `tenants/${fabrikam.tenant}/people`;
  const { value } = await microsoft<{ value: { id: string }[] }>('GET', people);
  const call = (index: number, displayName: string) =>
    microsoft('PATCH', `${people}/${value.at(-1 - index)?.id}`, { displayName });
  for (let index = 0; index < 52; index += 1) await call(index, `Qqq ${String(index).padStart(2, '0')}`);
  expect(await syncToTheEnd(fabrikam.id)).toBe('SUCCEEDED');
  const page = await signedIn(administrator(), `${new URL(fabrikam.url).pathname}?q=qqq`);
  await page.getByText('1–50 of 52').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('51–52 of 52').waitFor();
  const names = () => page.locator('.row-open').allTextContents();
  expect(await names()).toEqual(['Qqq 50', 'Qqq 51']);

  await call(52, 'Aaa Qqq');
  expect(await syncToTheEnd(fabrikam.id)).toBe('SUCCEEDED');
  await page.getByText('52–53 of 53').waitFor();
  expect(await names(), 'the same rows, one further on').toEqual(['Qqq 50', 'Qqq 51']);

  for (const index of [50, 51]) await call(index, `Rrr ${index}`);
  expect(await syncToTheEnd(fabrikam.id)).toBe('SUCCEEDED');
  await page.getByText('1–50 of 51').waitFor();
  expect((await names())[0]).toBe('Aaa Qqq');
});

test('what is copied by keyboard is said, and what a person calls themselves is no formula', async () => {
  await microsoft('POST', `tenants/${contoso.tenant}/people`, { displayName: '=HYPERLINK("http://evil.example")' });
  await syncToTheEnd(contoso.id);
  const page = await signedIn(administrator(), `${new URL(contoso.url).pathname}?q=evil.example`, {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const row = page.locator('.row-open').filter({ hasText: 'HYPERLINK' });
  await row.waitFor();
  await page.getByRole('button', { name: 'Copy page' }).click();
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await expect.poll(copied).toContain('\'=HYPERLINK("http://evil.example")');
  await row.focus();
  await page.keyboard.press('c');
  await page.locator('.table-told').getByText('Copied').waitFor();
});

test('all clients follow their runs without being asked again, and one that failed is so until a run went well', async () => {
  const row = (page: Page, state: string) =>
    page.locator('tbody tr').filter({ hasText: northwind.name }).filter({ hasText: state }).waitFor();
  expect(await syncToTheEnd(northwind.id)).toBe('SUCCEEDED');
  const page = await signedIn(administrator());
  await row(page, 'Fine');
  const start = () =>
    ask('mutation($id: ID!) { syncCompany(input: { companyId: $id, mode: FULL }) { joined } }', { id: northwind.id });

  let letGo = await hold(northwind.tenant, 'users');
  await start();
  await row(page, 'Syncing');
  await letGo();
  await row(page, 'Fine');

  await microsoft('POST', `tenants/${northwind.tenant}/faults`, { on: '*', kind: 'foreign_link' });
  expect(await syncToTheEnd(northwind.id, 'FULL')).toBe('FAILED');
  await row(page, 'Failing');
  await microsoft('DELETE', `tenants/${northwind.tenant}/faults`);
  letGo = await hold(northwind.tenant, 'users');
  await start();
  await page.waitForResponse((response) => response.request().postData()?.includes('query Clients(') ?? false);
  await row(page, 'Failing');
  await letGo();
  await row(page, 'Fine');
});
