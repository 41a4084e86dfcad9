// What went wrong is told with its reason and what to do, wherever one looks: on the company, among all clients, as an alarm.

import type { Page } from 'playwright-core';
import { afterEach, expect, test } from 'vitest';
import {
  administrator,
  barriers,
  chooseAccount,
  company,
  hold,
  microsoft,
  PATIENCE,
  person,
  says,
  setting,
  signedIn,
  syncToTheEnd,
} from './support.ts';

const northwind = company('Northwind');
const consents = `tenants/${northwind.tenant}/consents/${setting('MICROSOFT_CLIENT_ID')}`;

// What one test broke is not the next one's trouble.
afterEach(() => microsoft('DELETE', `tenants/${northwind.tenant}/faults`));

/** Makes something go wrong at Microsoft, until it is mended. */
async function trouble(fault: { on: string; kind: string; times?: number }): Promise<() => Promise<void>> {
  const { id } = await microsoft<{ id: string }>('POST', `tenants/${northwind.tenant}/faults`, fault);
  return async () => {
    await microsoft('DELETE', `tenants/${northwind.tenant}/faults/${id}`);
  };
}

const alarm = (page: Page) =>
  page.getByRole('listitem').filter({ hasText: northwind.name }).filter({ hasText: 'Failing' });

test('a run that failed says why and what to do; failing again it is an alarm, on top of all clients, until it is over', async () => {
  expect(await syncToTheEnd(northwind.id)).toBe('SUCCEEDED');
  const page = await signedIn(administrator(), northwind.url);
  await says(page, 'Sync complete');
  const mend = await trouble({ on: '*', kind: 'foreign_link' });
  await page.getByRole('button', { name: 'Read everything again' }).click();
  await says(page, 'Sync failed');
  const panel = page.getByRole('region', { name: 'Sync failed' });
  await panel.getByText('led to another address than its own').waitFor();
  await panel.getByText('Report this to whoever runs Tenantry').waitFor();
  expect(await page.getByTestId('total-CONTACT').textContent(), 'nothing is lost').not.toBe('0');
  expect(await barriers(page)).toEqual([]);

  await page.getByRole('link', { name: 'Sync runs' }).click();
  const newest = page.locator('tbody tr').first();
  await newest.getByText('Failed').waitFor();
  await newest.getByText('led to another address').waitFor();
  await newest.locator('.row-open').click();
  await page.getByRole('dialog').getByText('Report this to whoever runs Tenantry').waitFor();
  await page.keyboard.press('Escape');

  // Whoever looks at the alarms meanwhile is told without asking again.
  const watcher = await signedIn(administrator(), '/settings/alarms');
  await watcher.locator('.alarms').or(watcher.getByText('Nothing is wrong')).first().waitFor();
  expect(await syncToTheEnd(northwind.id, 'FULL')).toBe('FAILED');
  await alarm(watcher).getByText('What to do:').waitFor();
  await page.getByRole('link', { name: 'Clients' }).click();
  const first = page.locator('tbody tr').first();
  await first
    .filter({ hasText: northwind.name })
    .filter({ hasText: 'Failing' })
    .filter({ hasText: 'led to another' })
    .waitFor();

  await mend();
  expect(await syncToTheEnd(northwind.id)).toBe('SUCCEEDED');
  await alarm(watcher).waitFor({ state: 'detached' });
  await watcher.getByLabel('Show').selectOption('over');
  await alarm(watcher).first().waitFor();
  await page.locator('tbody tr').filter({ hasText: northwind.name }).filter({ hasText: 'Fine' }).waitFor();
});

test('of a consent that lacks a permission it is told which, what stops, and one link mends it', async () => {
  const { permissions } = await microsoft<{ permissions: string[] }>('GET', consents);
  const lacking = 'DeviceManagementConfiguration.Read.All';
  await microsoft('PUT', consents, { permissions: permissions.filter((one) => one !== lacking) });
  // What was granted is read from a token: the one at hand is thrown away when Microsoft refuses it, and the next run
  // reads another.
  await trouble({ on: '*', kind: 'unauthorized', times: 1 });
  await syncToTheEnd(northwind.id, 'FULL');
  await syncToTheEnd(northwind.id);

  const page = await signedIn(administrator(), `${northwind.url}/settings`);
  const consent = page.getByRole('region', { name: 'Consent' });
  const devices = consent.getByRole('listitem').filter({ hasText: 'Evidence: devices' });
  await devices.getByText('Lacks permission').waitFor();
  await devices.getByText('Checks of devices cannot be judged.').waitFor();
  await devices.getByRole('listitem').filter({ hasText: lacking }).getByText('missing').waitFor();
  await devices
    .getByRole('listitem')
    .filter({ hasText: 'DeviceManagementManagedDevices.Read.All' })
    .getByText('granted')
    .waitFor();
  expect(await consent.getByText('Works', { exact: true }).count(), 'and nothing else stops').toBe(6);
  expect(await barriers(page)).toEqual([]);

  await consent.getByRole('button', { name: 'Reconnect' }).click();
  await chooseAccount(page, person(northwind.tenant, 'administrator'));
  await page.locator('[name=decision][value=grant]').click();
  await page.waitForURL((url) => url.href.startsWith(`${northwind.url}/settings`));
  await says(page, 'Sync complete');
  await expect.poll(() => consent.getByText('Works', { exact: true }).count(), { timeout: PATIENCE }).toBe(7);
  expect(await consent.getByRole('button', { name: 'Reconnect' }).count()).toBe(0);
});

test('disconnecting cancels a sync under way, says who did it, and loses nothing', async () => {
  expect(await syncToTheEnd(northwind.id)).toBe('SUCCEEDED');
  const page = await signedIn(administrator(), northwind.url);
  await says(page, 'Sync complete');
  const contacts = await page.getByTestId('total-CONTACT').textContent();
  const letGo = await hold(northwind.tenant, 'users');
  await page.getByRole('button', { name: 'Read everything again' }).click();
  await says(page, /Reading/);
  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  // What stands above it has its size once it is loaded.
  await page.waitForFunction(() => !document.querySelector('.skeleton'));
  await page.getByRole('button', { name: 'Disconnect…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect', exact: true }).click();
  await says(page, 'Disconnected');
  await letGo();
  expect(await page.getByTestId('total-CONTACT').textContent()).toBe(contacts);

  await page.getByRole('link', { name: 'Sync runs' }).click();
  const newest = page.locator('tbody tr').first();
  await newest.getByText('Cancelled').waitFor();
  await newest.getByText('Disconnected by Robin Sawyer').waitFor();
  await newest.locator('.row-open').click();
  await page.getByRole('dialog').getByText('Disconnected by Robin Sawyer').waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Sync With M365' }).click();
  await chooseAccount(page, person(northwind.tenant, 'administrator'));
  await page.locator('[name=decision][value=grant]').click();
  await page.waitForURL((url) => url.href.startsWith(northwind.url));
  await says(page, 'Sync complete');
});
