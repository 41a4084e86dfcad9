// What people do without thinking of it: press Escape, click beside, go back, and find their place by the tab's title.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { administrator, ask, barriers, company, home, microsoft, signedIn, syncToTheEnd } from './support.ts';

const contoso = company('Contoso');

/** What the keyboard stands on. */
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? '');

/** Of those on the first page of the company's contacts. */
async function somebodyInAGroup(): Promise<string> {
  const { contacts } = await ask<{
    contacts: { edges: { node: { displayName: string; groups: { totalCount: number } } }[] };
  }>(
    `query($id: ID!) { contacts(companyId: $id, state: ACTIVE, first: 50, orderBy: {field: NAME, direction: ASC}) {
      edges { node { displayName groups(first: 0) { totalCount } } } } }`,
    { id: contoso.id },
  );
  const found = contacts.edges.find(({ node }) => node.groups.totalCount > 0);
  if (!found) throw new Error('nobody is in a group');
  return found.node.displayName;
}

test('from record to record the keyboard stays in the panel, and comes back to its row; Back leads to before', async () => {
  const page = await signedIn(administrator(), '/');
  await page.getByRole('button', { name: contoso.name }).click();
  const person = await somebodyInAGroup();
  const row = page.locator('.row-open', { hasText: person }).first();
  await row.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  const group = dialog.locator('.related button').first();
  const name = (await group.textContent()) ?? '';
  await group.focus();
  await page.keyboard.press('Enter');
  await dialog.getByRole('heading', { name, level: 2 }).waitFor();
  await expect.poll(() => focused(page)).toBe(name);
  expect(await page.getByRole('dialog').count()).toBe(1);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await focused(page)).toBe(person);
  await page.waitForURL((url) => url.search === '');
  await page.goBack();
  await page.getByRole('heading', { name: 'Clients' }).waitFor();
});

test('a secret that is shown once is not lost by Escape or a click beside it, nor what was typed', async () => {
  const page = await signedIn(administrator(), '/settings/tokens');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog');
  const beside = () => page.mouse.click(5, 5);
  // Nothing is lost by closing what was only opened.
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'New token' }).click();
  const name = dialog.getByRole('textbox', { name: /^Name/ });
  await name.fill('The PSA');
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  await dialog.getByText('Choose at least one company').waitFor();
  await beside();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await dialog.getByText('It stays open').waitFor();
  expect(await name.inputValue()).toBe('The PSA');

  await dialog.getByRole('radio', { name: /Every company/ }).check();
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  const secret = await page.getByTestId('secret').textContent();
  await beside();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await dialog.getByText('never shown again').waitFor();
  expect(await page.getByTestId('secret').textContent()).toBe(secret);
  expect(await barriers(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  await dialog.waitFor({ state: 'detached' });
});

test('every page and tab has a title of its own, which is said when one comes to it, and a heading', async () => {
  const page = await signedIn(administrator(), '/');
  const title = (text: string) => page.waitForFunction((wanted) => document.title === wanted, text);
  const arrived = (text: string) => page.getByTestId('arrival').filter({ hasText: text }).waitFor();
  await title('Clients · Tenantry');
  await page.getByRole('button', { name: contoso.name }).focus();
  await page.keyboard.press('Enter');
  await title('Contacts · Contoso · Tenantry');
  await arrived('Contacts · Contoso');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  await page.getByRole('link', { name: 'Evidence' }).click();
  await title('Evidence · Contoso · Tenantry');
  await page.getByRole('link', { name: 'Frameworks' }).click();
  await title('Frameworks · Evidence · Contoso · Tenantry');
  await page.getByRole('link', { name: 'Sync runs' }).click();
  await title('Sync runs · Contoso · Tenantry');
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await title('Alarms · Settings · Tenantry');
  await arrived('Alarms · Settings');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  await page.goto(`${home}/companies/bm9uZQ`);
  await page.getByRole('heading', { level: 1, name: 'There is nothing here' }).waitFor();
  await title('There is nothing here · Tenantry');
});

test('what a run changed is told in words, and a name opens its record', async () => {
  const { value } = await microsoft<{ value: { id: string; displayName: string }[] }>(
    'GET',
    `tenants/${contoso.tenant}/people`,
  );
  const [somebody] = value;
  if (!somebody) throw new Error('Contoso has people');
  await microsoft('PATCH', `tenants/${contoso.tenant}/people/${somebody.id}`, { accountEnabled: false });
  expect(await syncToTheEnd(contoso.id)).toBe('SUCCEEDED');
  const page = await signedIn(administrator(), `${contoso.url}/runs`);
  await page.locator('.row-open').first().click();
  const dialog = page.getByRole('dialog');
  const change = dialog.getByRole('listitem').filter({ hasText: somebody.displayName });
  await change.getByText('May sign in:').waitFor();
  expect(await change.textContent()).toContain('Yes → No');
  await change.getByRole('link', { name: somebody.displayName }).click();
  await page.getByRole('dialog').getByRole('heading', { name: somebody.displayName, level: 2 }).waitFor();
  await microsoft('PATCH', `tenants/${contoso.tenant}/people/${somebody.id}`, { accountEnabled: true });
});
