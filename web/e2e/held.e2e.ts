// Many who left at once are held until a person decides: found wherever one looks, decided once, and nobody is misled.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  administrator,
  auditor,
  barriers,
  company,
  microsoft,
  PATIENCE,
  person,
  says,
  setting,
  shifts,
  signedIn,
  syncToTheEnd,
} from './support.ts';

const northwind = company('Northwind');
const technician = () => person(setting('STAFF_TENANT_ID'), 'Tenantry.Technician');
const total = async (page: Page) => Number(await page.getByTestId('total-CONTACT').textContent());

interface Person {
  id: string;
  displayName: string;
}

/** Takes so many people out of the tenant. */
async function leave(count: number): Promise<Person[]> {
  const { value } = await microsoft<{ value: Person[] }>('GET', `tenants/${northwind.tenant}/people`);
  const people = value.slice(-count);
  for (const { id } of people) await microsoft('DELETE', `tenants/${northwind.tenant}/people/${id}`);
  return people;
}

const LEAVING = 20;

test('they are held for as long as nobody decides, on the company, among all clients and with their run', async () => {
  const left = await leave(LEAVING);
  const page = await signedIn(administrator(), northwind.url);
  await page.locator('.row-open').first().waitFor();
  const before = await total(page);
  const moved = await shifts(page);
  await page.getByRole('button', { name: 'Sync With M365' }).click();
  const held = page.getByTestId('held');
  await held.getByText(`${LEAVING} deactivations held`).waitFor();
  expect(await moved(), 'nothing jumps when they are').toBeLessThan(0.01);
  expect(await total(page), 'nobody is gone yet').toBe(before);

  for (let later = 0; later < 6; later += 1) {
    await microsoft('POST', `tenants/${northwind.tenant}/people`, { displayName: `Later Arrival ${later}` });
    expect(await syncToTheEnd(northwind.id)).toBe('SUCCEEDED');
  }
  await page.reload();
  await held.getByRole('button', { name: 'Look and decide' }).click();
  const dialog = page.getByRole('dialog', { name: `${LEAVING} records would be deactivated` });
  for (const { displayName } of left.slice(0, 3))
    await dialog.getByText(displayName, { exact: true }).first().waitFor();
  expect(await barriers(page)).toEqual([]);
  const list = dialog.getByRole('list', { name: 'Who and what would be deactivated' });
  await list.focus();
  await page.keyboard.press('End');
  await expect.poll(() => list.evaluate((element) => element.scrollTop)).toBeGreaterThan(0);
  await page.keyboard.press('Escape');

  await page.getByRole('link', { name: 'Clients' }).click();
  await page.locator('tbody tr').filter({ hasText: northwind.name }).filter({ hasText: 'Changes held' }).waitFor();

  await page.goto(`${northwind.url}/runs`);
  await page
    .locator('tbody tr')
    .filter({ hasText: `${LEAVING} held` })
    .last()
    .locator('.row-open')
    .click();
  await page.getByRole('dialog', { name: 'Sync run' }).getByRole('button', { name: 'Look and decide' }).click();
  await dialog
    .getByText(left[0]?.displayName ?? '', { exact: true })
    .first()
    .waitFor();
});

test('who decides second is told that nothing was done, and everybody sees what was decided', async () => {
  const first = await signedIn(administrator(), northwind.url);
  const second = await signedIn(technician(), northwind.url);
  const before = await total(first);
  for (const page of [first, second]) await page.getByRole('button', { name: 'Look and decide' }).click();
  await first.getByRole('button', { name: 'Keep them' }).click();
  await first.getByTestId('held').waitFor({ state: 'detached' });
  expect(await first.evaluate(() => document.activeElement?.id), 'the keyboard is not lost').toBe('main');

  // It is taken from who looks on, but not their question.
  await expect.poll(() => second.getByTestId('held').count(), { timeout: PATIENCE }).toBe(0);
  const dialog = second.getByRole('dialog');
  await dialog.getByRole('button', { name: /Deactivate/ }).click();
  await dialog.getByRole('alert').filter({ hasText: 'Nothing was done now' }).waitFor();
  expect(await total(second)).toBe(before);
  await second.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await second.getByTestId('held').count()).toBe(0);
});

test('what was kept is looked at anew, and released it is done at once, on every page that shows it', async () => {
  const page = await signedIn(administrator(), northwind.url);
  const other = await signedIn(auditor(), northwind.url);
  const before = await total(page);
  await page.getByRole('button', { name: 'Read everything again' }).click();
  const held = page.getByTestId('held');
  await other.getByTestId('held').getByRole('button', { name: 'Look at them' }).waitFor();
  expect(await total(other)).toBe(before);
  await held.getByRole('button', { name: 'Look and decide' }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Deactivate/ })
    .click();
  await held.waitFor({ state: 'detached' });
  await expect.poll(() => total(page)).toBe(before - LEAVING);
  await other.getByTestId('held').waitFor({ state: 'detached' });
  await expect.poll(() => total(other)).toBe(before - LEAVING);
  await expect.poll(() => other.locator('.row-open').count()).toBe(before - LEAVING);
  await says(page, 'Sync complete');
  expect(await page.getByTestId('total-CONTACT').locator('..').textContent(), 'none is said to be held').not.toContain(
    'held',
  );
  await page.getByRole('link', { name: 'Sync runs' }).click();
  await page.locator('tbody tr').first().getByText(`${LEAVING} held, decided since`).waitFor();
});
