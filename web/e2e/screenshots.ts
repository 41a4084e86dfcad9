// Photographs the page in each of its states: light, dark, and 380 pixels wide. They are for looking at.

import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import {
  administrator,
  ageConsent,
  ask,
  chooseAccount,
  company,
  hold,
  home,
  microsoft,
  newBrowser,
  person,
  says,
  setting,
  signedIn,
  syncToTheEnd,
} from './support.ts';

const FOLDER = 'screenshots';
mkdirSync(FOLDER, { recursive: true });

const looks = [
  { name: 'light', colorScheme: 'light', width: 1240, height: 860 },
  { name: 'dark', colorScheme: 'dark', width: 1240, height: 860 },
  { name: 'narrow', colorScheme: 'light', width: 380, height: 800 },
] as const;

async function shoot(page: Page, state: string) {
  for (const { name, colorScheme, width, height } of looks) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    // Two frames: one in which the layout changes, one in which it is painted.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.screenshot({ path: `${FOLDER}/${state}-${name}.png` });
  }
  await page.setViewportSize({ width: 1240, height: 860 });
}

const sync = (page: Page) => page.getByRole('button', { name: 'Sync With M365' }).click();

async function consent(page: Page, tenant: string, url: string) {
  await chooseAccount(page, person(tenant, 'administrator'));
  await page.locator('[name=decision][value=grant]').click();
  await page.waitForURL((at) => at.href.startsWith(url));
}

test('the states of a sync', async () => {
  const { url, tenant, id } = company('Adventure Works');
  const page = await signedIn(administrator(), url);
  await says(page, 'Not connected');
  await page.getByText('Nothing here yet').waitFor();
  await shoot(page, 'not-connected');

  await ask('mutation($id: ID!) { connect(input: {companyId: $id}) { consentUrl } }', { id });
  await page.reload();
  await says(page, 'Waiting for an administrator');
  await shoot(page, 'consent-pending');

  let letGo = await hold(tenant, 'users');
  await sync(page);
  await consent(page, tenant, url);
  await says(page, 'Reading contacts');
  await page.getByText('On their way').waitFor();
  await shoot(page, 'running');
  await letGo();
  await says(page, 'Sync complete');
  await page.locator('.row-open').nth(10).waitFor();
  await shoot(page, 'complete');

  letGo = await hold(tenant, 'users');
  await page.getByRole('button', { name: 'Read everything again' }).click();
  await says(page, 'Reading contacts');
  await sync(page);
  await page.getByTestId('joined').waitFor();
  await shoot(page, 'joined');
  await letGo();
  await says(page, 'Sync complete');

  // Everything that is asked of Microsoft waits, and so does the worker.
  const fault = await microsoft<{ id: string }>('POST', `tenants/${tenant}/faults`, {
    on: 'users',
    kind: 'throttle',
    retryAfter: 120,
  });
  await sync(page);
  await says(page, 'Waiting for Microsoft');
  await shoot(page, 'waiting');
  await microsoft('DELETE', `tenants/${tenant}/faults/${fault.id}`);

  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  await page.getByRole('button', { name: 'Disconnect…' }).click();
  await shoot(page, 'disconnect');
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect', exact: true }).click();
  await says(page, 'Disconnected');
  await page.getByRole('link', { name: 'Sync runs' }).click();
  await page.locator('tbody tr').first().getByText('Cancelled').waitFor();
  await shoot(page, 'cancelled');
  await page.locator('.row-open').first().click();
  await page.getByRole('dialog').getByText('Disconnected by').waitFor();
  await shoot(page, 'run-cancelled');
});

test('what goes wrong with a sync', async () => {
  const { url, tenant, id } = company('Northwind');
  const page = await signedIn(administrator(), url);
  await says(page, 'Sync complete');
  await microsoft('POST', `tenants/${tenant}/faults`, {
    on: 'users',
    kind: 'status',
    status: 403,
    code: 'Authorization_RequestDenied',
  });
  ageConsent(tenant);
  await page.getByRole('button', { name: 'Read everything again' }).click();
  await says(page, /part|Partly|fail/i);
  await shoot(page, 'partial');
  await microsoft('DELETE', `tenants/${tenant}/faults`);

  await microsoft('POST', `tenants/${tenant}/faults`, { on: '*', kind: 'foreign_link' });
  await page.getByRole('button', { name: 'Read everything again' }).click();
  await says(page, 'Sync failed');
  await shoot(page, 'failed');
  await page.goto(`${url}/runs`);
  await page.locator('.row-open').first().click();
  await page.getByRole('dialog').getByText('What to do:').waitFor();
  await shoot(page, 'run-failed');
  await microsoft('DELETE', `tenants/${tenant}/faults`);
  await page.goto(url);

  const { value } = await microsoft<{ value: { id: string }[] }>('GET', `tenants/${tenant}/people`);
  for (const { id } of value.slice(-20)) await microsoft('DELETE', `tenants/${tenant}/people/${id}`);
  await sync(page);
  await page.getByTestId('held').waitFor();
  await shoot(page, 'held');
  await page.getByRole('button', { name: 'Look and decide' }).click();
  await page.getByRole('dialog').getByText('no longer in the tenant').first().waitFor();
  await shoot(page, 'held-dialog');
  await page.keyboard.press('Escape');

  const consents = `tenants/${tenant}/consents/${setting('MICROSOFT_CLIENT_ID')}`;
  const { permissions } = await microsoft<{ permissions: string[] }>('GET', consents);
  const lacking = ['DeviceManagementConfiguration.Read.All', 'AuditLog.Read.All'];
  await microsoft('PUT', consents, { permissions: permissions.filter((one) => !lacking.includes(one)) });
  await microsoft('POST', `tenants/${tenant}/faults`, { on: '*', kind: 'unauthorized', times: 1 });
  await syncToTheEnd(id, 'FULL');
  await syncToTheEnd(id);
  await page.goto(`${url}/settings`);
  const consent = page.getByRole('region', { name: 'Consent' });
  await consent.getByText('Lacks permission').first().waitFor();
  await consent.evaluate((section) => section.scrollIntoView());
  await shoot(page, 'consent-missing');
  await page.goto(url);

  await microsoft('DELETE', consents);
  await sync(page);
  await says(page, 'Reconnect needed');
  await shoot(page, 'reconnect');
});

test('records and runs', async () => {
  const { url, tenant, id } = company('Contoso');
  await microsoft('POST', `tenants/${tenant}/shuffle`, { count: 37 });
  await syncToTheEnd(id);
  const page = await signedIn(administrator(), url);
  await page.locator('.row-open').nth(10).waitFor();
  await shoot(page, 'contacts');
  await page.locator('.row-open').nth(3).click();
  await page.getByRole('dialog').getByText('user.mail', { exact: true }).waitFor();
  await shoot(page, 'record');
  await page.goto(`${url}?q=nobody`);
  await page.getByText('Nothing matches').waitFor();
  await shoot(page, 'no-match');
  await page.goto(`${url}/groups`);
  await page.locator('.row-open').nth(10).waitFor();
  await shoot(page, 'groups');
  await page.goto(`${url}/assets`);
  await page.locator('.row-open').nth(10).waitFor();
  await shoot(page, 'assets');
  await page.goto(`${url}/runs`);
  await page.locator('.row-open').nth(1).waitFor();
  await shoot(page, 'runs');
  await page.locator('.row-open').first().click();
  await page.getByRole('dialog').locator('.change-list li').first().waitFor();
  await shoot(page, 'run');
});

test('evidence', async () => {
  const { url, tenant, id } = company('Contoso');
  const evidence = `${url}/evidence`;
  const page = await signedIn(administrator(), evidence);
  // The clock may have been there first; else it is photographed too that there is nothing yet.
  if (await page.getByText('No evidence has been kept yet').first().isVisible()) await shoot(page, 'evidence-none');
  await syncToTheEnd(id, 'AUTO', 'EVIDENCE');
  await page.getByText('people are not covered').waitFor();
  await shoot(page, 'evidence');
  await page.getByRole('button', { name: 'Declare an exception' }).first().click();
  await page
    .getByRole('dialog')
    .getByRole('option', { name: 'MFA is enforced' })
    .first()
    .waitFor({ state: 'attached' });
  await shoot(page, 'evidence-declare');
  for (const view of ['checks', 'frameworks', 'changes', 'declarations', 'record']) {
    await page.goto(`${evidence}?view=${view}`);
    await settled(page);
    await shoot(page, `evidence-${view}`);
  }

  const letGo = await hold(tenant, 'users');
  await page.goto(evidence);
  await page.getByRole('button', { name: 'Collect evidence now' }).click();
  await page.getByTestId('evidence-message').filter({ hasText: 'Reading evidence' }).waitFor();
  await shoot(page, 'evidence-running');
  await letGo();
  await page.getByTestId('evidence-message').filter({ hasText: 'Newest evidence' }).waitFor();

  const fault = await microsoft<{ id: string }>('POST', `tenants/${tenant}/faults`, {
    on: 'identity/conditionalAccess/policies',
    kind: 'status',
    status: 403,
    code: 'Authorization_RequestDenied',
  });
  ageConsent(tenant);
  await syncToTheEnd(id, 'AUTO', 'EVIDENCE');
  await page.getByTestId('stale').waitFor();
  await settled(page);
  await shoot(page, 'evidence-stale');
  await page.goto(`${evidence}?check=entra.ca.mfa_all_users`);
  await page.getByRole('dialog').getByTestId('missing').waitFor();
  await shoot(page, 'evidence-check');
  await microsoft('DELETE', `tenants/${tenant}/faults/${fault.id}`);
  await page.goto(`${evidence}?at=2020-01-01T00:00:00Z`);
  await page.getByText('Nothing had been kept by then').waitFor();
  await shoot(page, 'evidence-before');
});

/** Waits until nothing is on its way any more. */
async function settled(page: Page) {
  await page.getByTestId('evidence-message').waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true], .skeleton'));
}

test('the portal', async () => {
  const page = await signedIn(person(company('Contoso').tenant, 'member'));
  await page.getByRole('heading', { name: 'Your groups' }).waitFor();
  await shoot(page, 'portal');
});

test('around it', async () => {
  const stranger = await newBrowser();
  await stranger.goto(home);
  await stranger.getByRole('link', { name: 'Sign in with Microsoft' }).waitFor();
  await shoot(stranger, 'signed-out');

  const page = await signedIn(administrator());
  await page.locator('.row-open').first().waitFor();
  await shoot(page, 'clients');
  await page.goto(`${home}/companies/bm9uZQ`);
  await page.getByText('There is nothing here').waitFor();
  await shoot(page, 'not-found');

  await page.goto(`${home}/graphiql`);
  await page.getByRole('button', { name: 'Show Explorer' }).click();
  await page.locator('.graphiql-explorer-root [data-field-name=companies]').first().waitFor();
  await page.getByRole('button', { name: /Execute query/ }).click();
  await page.locator('.result-window').filter({ hasText: 'Robin Sawyer' }).waitFor();
  await shoot(page, 'graphiql');

  // How it looks before anything has been answered, and when nothing can be.
  await page.route('**/graphql', () => {});
  await page.goto(company('Contoso').url);
  await page.locator('[aria-busy=true]').first().waitFor();
  await shoot(page, 'loading');
  await page.unrouteAll();
  await page.route('**/graphql', (route) => route.abort());
  await page.goto(company('Contoso').url);
  await page.getByText('Tenantry cannot be reached').waitFor();
  await shoot(page, 'unreachable');
});

test('the clients and the settings', async () => {
  const { url } = company('Contoso');
  const page = await signedIn(administrator());
  await page.locator('.row-open').first().waitFor();
  await page.getByRole('button', { name: 'Add a client' }).click();
  await page.getByRole('dialog').waitFor();
  await shoot(page, 'client-add');
  await page.goto(`${home}/?q=nobody`);
  await page.getByText('Nothing matches').waitFor();
  await shoot(page, 'clients-no-match');

  await page.goto(`${url}/settings`);
  await page.getByLabel('Leave out whoever matches').fill('a*');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByTestId('preview').getByRole('listitem').first().waitFor();
  await page.getByRole('region', { name: 'Sync rules' }).evaluate((section) => section.scrollIntoView());
  await shoot(page, 'rules-preview');
  const portal = page.getByRole('region', { name: 'Portal access' });
  await portal.getByRole('searchbox').click();
  await portal.locator('.picker-option').first().waitFor();
  await shoot(page, 'portal-access');
  await page.keyboard.press('Escape');
  await page.getByRole('region', { name: 'Schedule' }).evaluate((section) => section.scrollIntoView());
  await shoot(page, 'schedule');
  await page.getByRole('button', { name: 'Delete…' }).click();
  await shoot(page, 'company-delete');

  await page.goto(`${home}/settings/tokens`);
  await page.getByRole('row').nth(1).waitFor();
  await shoot(page, 'tokens');
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByRole('dialog').waitFor();
  await shoot(page, 'token-new');
  await page.goto(`${home}/settings/sessions`);
  await page.getByText('This is you').waitFor();
  await shoot(page, 'sessions');
  // The consent of Northwind is broken since.
  await page.goto(`${home}/settings/alarms`);
  await page.locator('.alarms li').filter({ hasText: 'Northwind' }).first().waitFor();
  await shoot(page, 'alarms');
  await page.goto(`${home}/settings/audit`);
  await page.locator('.row-open').first().waitFor();
  await shoot(page, 'audit');
  await page.locator('.row-open').first().click();
  await page.getByRole('dialog').waitFor();
  await shoot(page, 'audit-event');
});
