// Settings: rules are tried before they are saved, the portal is opened, and tokens and sessions come and go.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  administrator,
  ask,
  auditor,
  barriers,
  company,
  home,
  microsoft,
  PATIENCE,
  signedIn,
  syncToTheEnd,
} from './support.ts';

const contoso = company('Contoso');
const fabrikam = company('Fabrikam');

/** What the keyboard stands on. */
const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id);

test('rules are tried, tell by name who would leave, and are saved', async () => {
  await microsoft('POST', `tenants/${contoso.tenant}/people`, { displayName: 'Zora Rulebreaker' });
  expect(await syncToTheEnd(contoso.id)).toBe('SUCCEEDED');
  const page = await signedIn(administrator(), `/companies/${contoso.id}/settings`);
  const patterns = page.getByLabel('Leave out whoever matches');
  await patterns.fill('zora rule*');
  await page.getByRole('button', { name: 'Preview' }).click();
  const preview = page.getByTestId('preview');
  await preview.getByText('0 people would be added, 1 deactivated.').waitFor();
  await preview.getByRole('listitem').filter({ hasText: 'Zora Rulebreaker' }).waitFor();
  expect(await page.getByTestId('sync-message').textContent(), 'a dry run is no sync').toBe('Sync complete');
  const saved = 'query($id: ID!) { company(id: $id) { syncRules { excludePatterns } } }';
  type Saved = { company: { syncRules: { excludePatterns: string[] } } };
  expect((await ask<Saved>(saved, { id: contoso.id })).company.syncRules.excludePatterns, 'nothing is saved').toEqual(
    [],
  );

  await page.getByRole('region', { name: 'Sync rules' }).getByRole('button', { name: 'Save' }).click();
  await page.getByText('The rules take effect at the next sync.').waitFor();
  expect((await ask<Saved>(saved, { id: contoso.id })).company.syncRules.excludePatterns).toEqual(['zora rule*']);

  await patterns.fill('');
  await page.getByRole('region', { name: 'Sync rules' }).getByRole('button', { name: 'Save' }).click();
  await expect
    .poll(async () => (await ask<Saved>(saved, { id: contoso.id })).company.syncRules.excludePatterns, {
      timeout: PATIENCE,
    })
    .toEqual([]);
});

test('a group is found, opens the portal, and is taken away again', async () => {
  const page = await signedIn(administrator(), `/companies/${contoso.id}/settings`);
  const portal = page.getByRole('region', { name: 'Portal access' });
  await portal.getByText('No group is chosen').waitFor();
  await portal.getByRole('searchbox').fill('department');
  await portal.locator('.picker-list[aria-busy=false] .picker-option').first().waitFor();
  await page.keyboard.press('Enter');
  await portal.getByRole('combobox').selectOption('MANAGER');
  await portal.getByRole('button', { name: 'Save' }).click();
  await portal.getByText('Saved.').waitFor();
  await page.reload();
  expect(await portal.getByRole('combobox').inputValue()).toBe('MANAGER');
  await portal.getByRole('button', { name: /^Remove/ }).press('Enter');
  expect(await focused(page), 'what comes next is not saved by a second Enter').toBe('Find a group by its name');
  await portal.getByRole('button', { name: 'Save' }).click();
  await portal.getByText('No group is chosen').waitFor();
  await portal.getByText('Saved.').waitFor();
});

test('of many groups all can be found, and one that is chosen is called by its name wherever it stands among them', async () => {
  const { groups } = (
    await ask<{ company: { groups: { edges: { node: { entraId: string; displayName: string } }[] } } }>(
      'query($id: ID!) { company(id: $id) { groups(last: 1) { edges { node { entraId displayName } } } } }',
      { id: fabrikam.id },
    )
  ).company;
  const last = groups.edges[0]?.node;
  if (!last) throw new Error('Fabrikam has groups');
  const page = await signedIn(administrator());
  // As if it were in the rules, under which a sync by the clock would deactivate nearly everybody.
  await page.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('query SyncRules(')) return route.fallback();
    const response = await route.fetch();
    const answer = await response.json();
    answer.data.company.syncRules.onlyGroups = [last.entraId, '00000000-0000-4000-8000-000000000000'];
    await route.fulfill({ response, json: answer });
  });
  await page.goto(`${fabrikam.url}/settings`);
  const rules = page.getByRole('region', { name: 'Sync rules' });
  await rules.locator('.chosen li').filter({ hasText: last.displayName }).waitFor();
  await rules.locator('.chosen li').filter({ hasText: 'A group that is not known here' }).waitFor();

  await rules.getByRole('searchbox').click();
  const options = rules.locator('.picker-option');
  await expect.poll(() => options.count(), { timeout: PATIENCE }).toBe(10);
  await rules.getByRole('button', { name: 'Show more' }).focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => options.count(), { timeout: PATIENCE }).toBe(20);
  expect(await page.evaluate(() => document.activeElement?.className), 'the keyboard is not lost').toBe(
    'picker-option',
  );
  await rules.getByRole('button', { name: 'Show more' }).click();
  await expect.poll(() => options.count(), { timeout: PATIENCE }).toBe(30);
});

test('a schedule is chosen, paused and resumed, and more may leave unasked', async () => {
  const page = await signedIn(administrator(), `/companies/${contoso.id}/settings`);
  const schedule = page.getByRole('region', { name: 'Schedule' });
  await schedule.getByLabel('How often: Records').focus();
  await schedule.getByLabel('How often: Records').selectOption('24');
  await page.waitForResponse((response) => response.request().postData()?.includes('query Schedule(') ?? false);
  expect(await focused(page), 'the keyboard is not lost').toBe('How often: Records');
  await schedule.getByRole('button', { name: 'Pause: Records' }).click();
  await schedule.getByText('Paused').waitFor();
  const asked = 'query($id: ID!) { company(id: $id) { nextSyncAt syncSchedules { kind everyHours paused } } }';
  type Asked = { company: { nextSyncAt: string | null; syncSchedules: object[] } };
  const { company: paused } = await ask<Asked>(asked, { id: contoso.id });
  expect(paused.syncSchedules).toContainEqual({ kind: 'IDENTITY', everyHours: 24, paused: true });
  expect(paused.nextSyncAt).toBeNull();
  await page.getByRole('link', { name: 'Syncs by the clock are paused' }).waitFor();
  await schedule.getByRole('button', { name: 'Resume: Records' }).click();
  await schedule.getByRole('button', { name: 'Pause: Records' }).waitFor();

  const guard = page.getByRole('region', { name: 'When to ask first' });
  await guard.getByLabel('of a hundred').fill('25');
  await guard.getByText('Not saved yet.').waitFor();
  // What is not saved is not lost by looking at something else.
  await page.getByRole('link', { name: 'Sync runs' }).click();
  await page.locator('tbody tr').first().waitFor();
  await page.goBack();
  await guard.getByText('Not saved yet.').waitFor();
  expect(await guard.getByLabel('of a hundred').inputValue()).toBe('25');
  await guard.getByRole('button', { name: 'Save' }).click();
  await guard.getByText('Saved.').waitFor();
  await page.reload();
  await expect.poll(() => guard.getByLabel('of a hundred').inputValue(), { timeout: PATIENCE }).toBe('25');
  await guard.getByLabel('of a hundred').fill('10');
  await guard.getByRole('button', { name: 'Save' }).click();
  await guard.getByText('Saved.').waitFor();

  // What somebody else has saved since is what stands there.
  await ask('mutation($id: ID!) { updateSyncGuard(input: { companyId: $id, percent: 25 }) { userErrors { code } } }', {
    id: contoso.id,
  });
  await schedule.getByLabel('How often: Records').selectOption('8');
  await expect.poll(() => guard.getByLabel('of a hundred').inputValue(), { timeout: PATIENCE }).toBe('25');
  await guard.getByLabel('of a hundred').fill('10');
  await guard.getByRole('button', { name: 'Save' }).click();
  await guard.getByText('Saved.').waitFor();
});

const works = async (secret: string) =>
  (
    await fetch(`${home}/graphql`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
      body: '{"query": "{ viewer { name companies { totalCount } } }"}',
    })
  ).json();

test('a token is made, its secret shown once, and revoked', async () => {
  const page = await signedIn(administrator(), '/settings/tokens');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('The PSA’s import');
  await dialog.getByRole('searchbox').fill('contoso');
  await dialog.getByRole('button', { name: 'Contoso' }).click();
  await dialog.getByLabel('Sync company').check();
  expect(await barriers(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  const secret = (await page.getByTestId('secret').textContent()) ?? '';
  expect((await works(secret)).data.viewer).toEqual({ name: 'The PSA’s import', companies: { totalCount: 1 } });
  expect(await barriers(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'I have kept it' }).click();

  const row = page.getByRole('row').filter({ hasText: 'The PSA’s import' });
  await row.getByText('Works').waitFor();
  await row.getByRole('cell', { name: 'Contoso', exact: true }).waitFor();
  expect(await page.content(), 'it is shown once').not.toContain(secret);
  await row.getByRole('button', { name: 'Revoke' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await row.getByText('Revoked').waitFor();
  expect(await focused(page), 'the keyboard is not lost with the button').toBe('main');
  expect((await works(secret)).errors[0].extensions.code).toBe('UNAUTHENTICATED');

  await page.getByRole('link', { name: 'Audit trail' }).click();
  await page.getByLabel('What').selectOption('REVOKE_SERVICE_TOKEN');
  await page.getByRole('row').filter({ hasText: 'Robin Sawyer' }).first().waitFor();
  await page.locator('.row-open').first().click();
  await dialog.getByText('Robin Sawyer').waitFor();
  expect(await barriers(page)).toEqual([]);
});

test('a session is ended from outside, at once', async () => {
  const other = await signedIn(auditor(), contoso.url);
  const name = (await other.locator('.who-name').textContent()) ?? '';
  const page = await signedIn(administrator(), '/settings/sessions');
  await page.getByText('This is you').waitFor();
  const theirs = page.getByRole('button', { name: `Sign out ${name}` });
  await theirs.first().waitFor();
  // Other tests have left sessions of theirs behind; the newest stands first.
  await theirs.first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await other.getByText('You have been signed out').waitFor();
});

test('an auditor sees their own sessions and the trail, and no tokens', async () => {
  const page = await signedIn(auditor(), '/settings');
  await page.getByText('This is you').waitFor();
  expect(await page.getByRole('link', { name: 'Service tokens' }).count()).toBe(0);
  await page.goto(`${home}/settings/tokens`);
  await page.getByText('There is nothing here').waitFor();
});
