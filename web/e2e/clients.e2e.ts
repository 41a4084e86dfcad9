// All clients: the worst on top, found, opened by keyboard, added and deleted.

import { expect, test } from 'vitest';
import {
  administrator,
  ageConsent,
  ask,
  auditor,
  chooseAccount,
  company,
  microsoft,
  PATIENCE,
  person,
  says,
  setting,
  signedIn,
  syncToTheEnd,
} from './support.ts';

const northwind = company('Northwind');

test('a client whose consent is broken stands on top, with why, until it is connected again', async () => {
  ageConsent(northwind.tenant);
  await microsoft('DELETE', `tenants/${northwind.tenant}/consents/${setting('MICROSOFT_CLIENT_ID')}`);
  expect(await syncToTheEnd(northwind.id)).toBe('FAILED');
  const page = await signedIn(administrator());
  const rows = page.locator('tbody tr');
  await rows.filter({ hasText: northwind.name }).filter({ hasText: 'Reconnect needed' }).waitFor();
  // It comes to the top once the alarm is open; what is fine stands below all that is not.
  await rows.first().filter({ hasText: northwind.name }).filter({ hasText: 'consent' }).waitFor();
  await rows.last().filter({ hasText: 'Fine' }).waitFor();

  await page.getByLabel('Show').selectOption('RECONNECT_NEEDED');
  const shown = () => page.locator('.row-open').allTextContents();
  await expect.poll(shown, { timeout: PATIENCE }).toEqual([northwind.name]);
  await page.reload();
  await expect.poll(shown, { timeout: PATIENCE }).toEqual([northwind.name]);

  await page.locator('.row-open').click();
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await chooseAccount(page, person(northwind.tenant, 'administrator'));
  await page.locator('[name=decision][value=grant]').click();
  await page.waitForURL((url) => url.href.startsWith(northwind.url));
  await says(page, 'Sync complete');
  await page.getByRole('link', { name: 'Clients' }).click();
  await rows.filter({ hasText: northwind.name }).filter({ hasText: 'Fine' }).waitFor();
});

test('a client is found by a part of its name, and opened by keyboard', async () => {
  const page = await signedIn(administrator());
  await page.locator('.row-open').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('fabri');
  await page.waitForURL(/[?&]q=fabri/);
  await expect.poll(() => page.locator('.row-open').allTextContents(), { timeout: PATIENCE }).toEqual(['Fabrikam']);
  await page.locator('.row-open').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Fabrikam' }).waitFor();
});

test('a client is added, and deleted only by whoever types its name', async () => {
  const page = await signedIn(administrator());
  await page.getByRole('button', { name: 'Add a client' }).click();
  const dialog = page.getByRole('dialog');
  expect(await page.evaluate(() => document.activeElement?.tagName), 'one types at once').toBe('INPUT');
  await dialog.getByLabel('Company', { exact: true }).fill('Wingtip Toys');
  await dialog.getByLabel('Number in the PSA').fill('wingtip-1');
  await dialog.getByRole('button', { name: 'Add a client' }).click();
  await page.getByRole('heading', { name: 'Wingtip Toys' }).waitFor();
  const { company: added } = await ask<{ company: { name: string } }>(
    'query($psa: String!) { company(externalId: $psa) { name } }',
    { psa: 'wingtip-1' },
  );
  expect(added.name).toBe('Wingtip Toys');

  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  await page.getByRole('button', { name: 'Delete…' }).click();
  const forGood = dialog.getByRole('button', { name: 'Delete for good' });
  await dialog.getByRole('textbox').fill('Wingtip');
  expect(await forGood.getAttribute('aria-disabled')).toBe('true');
  await dialog.getByRole('textbox').fill('Wingtip Toys');
  await forGood.click();
  await page.getByRole('heading', { name: 'Clients' }).waitFor();
  await page.locator('.row-open').filter({ hasText: 'Contoso' }).waitFor();
  await expect.poll(() => page.getByText('Wingtip Toys').count(), { timeout: PATIENCE }).toBe(0);
});

test('what cannot be is refused in words, and nothing is lost', async () => {
  const page = await signedIn(administrator());
  await page.getByRole('button', { name: 'Add a client' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Company', { exact: true }).fill('Another Contoso');
  const { company: contoso } = await ask<{ company: { externalId: string } }>(
    'query($id: ID!) { company(id: $id) { externalId } }',
    { id: company('Contoso').id },
  );
  await dialog.getByLabel('Number in the PSA').fill(contoso.externalId);
  await dialog.getByRole('button', { name: 'Add a client' }).click();
  await dialog.getByRole('alert').waitFor();
  expect(await dialog.getByLabel('Company', { exact: true }).inputValue()).toBe('Another Contoso');
});

test('an auditor looks at the clients, and is offered nothing else', async () => {
  const page = await signedIn(auditor());
  await page.locator('.row-open').first().waitFor();
  expect(await page.getByRole('button', { name: 'Add a client' }).count()).toBe(0);
  await page.goto(`${company('Contoso').url}/settings`);
  await page.getByText('Your role may look at this, not change it.').first().waitFor();
  for (const name of ['Preview', 'Save', 'Delete…']) expect(await page.getByRole('button', { name }).count()).toBe(0);
});
