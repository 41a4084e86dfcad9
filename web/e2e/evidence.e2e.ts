// Evidence as it is worked with: collected while one looks, of now and of then, explained, declared, verified, taken away.

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import {
  administrator,
  ageConsent,
  ask,
  auditor,
  company,
  hold,
  home,
  isForEverybody,
  microsoft,
  person,
  setting,
  signedIn,
  syncToTheEnd,
} from './support.ts';

const contoso = company('Contoso');
const evidence = `${contoso.url}/evidence`;
const at = (query: string) => `${new URL(evidence).pathname}?${query}`;
const told = (page: Page) => page.getByTestId('evidence-message');
const technician = () => person(setting('STAFF_TENANT_ID'), 'Tenantry.Technician');

interface Run {
  number: number;
  keptAt: string;
}

/** The kept runs, newest first. */
async function runs(): Promise<Run[]> {
  const { company } = await ask<{ company: { evidenceRuns: { edges: { node: Run }[] } } }>(
    'query($id: ID!) { company(id: $id) { evidenceRuns { edges { node { number keptAt } } } } }',
    { id: contoso.id },
  );
  return company.evidenceRuns.edges.map(({ node }) => node);
}

const collect = () => syncToTheEnd(contoso.id, 'AUTO', 'EVIDENCE');

interface Uncovered {
  name: string;
  lineage: { policies: { name: string; user: { excluded?: { path: string[] } } }[] };
}

/** Whom no policy covers, as the API names them. */
async function uncovered(): Promise<Uncovered[]> {
  const { company } = await ask<{
    company: { evidence: { mfaCoverage: { findings: { edges: { node: Uncovered }[] } } } };
  }>(
    'query($id: ID!) { company(id: $id) { evidence { mfaCoverage { findings(kind: FAILED) { edges { node { name lineage } } } } } } }',
    { id: contoso.id },
  );
  return company.evidence.mfaCoverage.findings.edges.map(({ node }) => node);
}

async function groupName(entraId: string): Promise<string> {
  const { company } = await ask<{
    company: { groups: { edges: { node: { entraId: string; displayName: string } }[] } };
  }>('query($id: ID!) { company(id: $id) { groups(first: 100) { edges { node { entraId displayName } } } } }', {
    id: contoso.id,
  });
  const found = company.groups.edges.find(({ node }) => node.entraId === entraId);
  if (!found) throw new Error(`there is no group ${entraId}`);
  return found.node.displayName;
}

let before: Run;

beforeAll(async () => {
  // The clock may have been there first.
  if ((await runs()).length === 0) await collect();
  const [newest] = await runs();
  if (!newest) throw new Error('nothing was kept');
  before = newest;
});

test('evidence is collected while one looks, and arrives without a reload', async () => {
  const page = await signedIn(technician(), evidence);
  await page.getByText(`as run ${before.number} saw it`).waitFor();
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  const letGo = await hold(contoso.tenant, 'users');
  await page.getByRole('button', { name: 'Collect evidence now' }).click();
  await told(page).filter({ hasText: 'Reading evidence' }).waitFor();
  await page.getByRole('progressbar', { name: 'Progress of the evidence' }).waitFor();
  await page.getByRole('button', { name: 'Collect evidence now' }).click();
  await page.getByText('Joined the run').waitFor();
  const back = await signedIn(auditor(), at(`at=${encodeURIComponent(before.keptAt)}`));
  await back.getByRole('progressbar', { name: 'Progress of the evidence' }).waitFor();
  expect(await told(back).textContent(), 'what is shown is of then').toBe('Looking back');
  await letGo();
  await page.getByText(`as run ${before.number + 1} saw it`).waitFor();
  expect(await page.evaluate(() => 'sameDocument' in window), 'the page was not loaded again').toBe(true);
});

test('whoever is asked for no second factor is named, with the groups through which that came', async () => {
  const page = await signedIn(auditor(), evidence);
  const mfa = page.getByTestId('mfa');
  const people = await uncovered();
  expect(people.length).toBeGreaterThan(0);
  for (const { name, lineage } of people) {
    const row = mfa.getByRole('listitem').filter({ hasText: name });
    await row.first().waitFor();
    for (const { name: policy, user } of lineage.policies) {
      const path = user.excluded?.path ?? [];
      if (path.length === 0) continue;
      const groups = await Promise.all(path.map(groupName));
      await row.getByText(`${policy} leaves them out through a group: ${groups.join(' › ')}`).waitFor();
    }
  }
  expect(await page.getByRole('button', { name: 'Collect evidence now' }).count(), 'an auditor only looks').toBe(0);
  expect(await page.getByRole('button', { name: 'Declare an exception' }).count()).toBe(0);
});

test('a moment of the past has an address, and what changed since is told by name', async () => {
  await microsoft('POST', `tenants/${contoso.tenant}/people`, { displayName: 'Nora Newhire' });
  await collect();
  const after = (await runs())[0];
  const page = await signedIn(auditor(), at(`at=${encodeURIComponent(before.keptAt)}`));
  await told(page).filter({ hasText: 'Looking back' }).waitFor();
  await page.getByText(`as run ${before.number} saw it`).waitFor();
  await page.getByRole('link', { name: 'Checks' }).click();
  await page.locator('.row-open').first().waitFor();
  expect(new URL(page.url()).searchParams.get('at'), 'the moment goes along').toBe(before.keptAt);
  await page.getByRole('button', { name: 'Now', exact: true }).click();
  await page.getByText(`as run ${after?.number} saw it`).waitFor();

  const between = new URLSearchParams({ view: 'changes', from: before.keptAt, to: after?.keptAt ?? '' });
  await page.goto(`${evidence}?${between}`);
  const changed = page.getByRole('region', { name: 'What changed in the tenant' });
  await changed.getByText(`Run ${before.number}`).waitFor();
  const row = changed.getByRole('listitem').filter({ hasText: 'Nora Newhire' });
  await row.first().getByText('New', { exact: true }).waitFor();
});

test('where nothing had been kept by then, that is said; and nobody looks ahead', async () => {
  const page = await signedIn(auditor(), at('at=2020-01-01T00:00:00Z'));
  await page.getByText('Nothing had been kept by then').waitFor();
  await page.getByRole('link', { name: 'Changes' }).click();
  await page.getByRole('region', { name: 'What changed in the tenant' }).getByText('Nothing').first().waitFor();
  await page.goto(`${evidence}?at=2099-01-01T00:00:00Z`);
  await page.getByText('That is yet to come').waitFor();
  expect(await page.locator('.skeleton').count()).toBe(0);
  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.getByTestId('mfa').waitFor();
  await page.getByLabel('How things stood').fill('2999-01-01T00:00');
  await page.getByLabel('How things stood').press('Enter');
  await page.getByText('That is yet to come.').waitFor();
  expect(new URL(page.url()).search).toBe('');
});

test('a check that could not look says at what, and what it said when it could', async () => {
  const fault = await microsoft<{ id: string }>('POST', `tenants/${contoso.tenant}/faults`, {
    on: 'identity/conditionalAccess/policies',
    kind: 'status',
    status: 403,
    code: 'Authorization_RequestDenied',
  });
  // A consent that is fresh may be on its way still, and would be waited for.
  ageConsent(contoso.tenant);
  try {
    await collect();
  } finally {
    await microsoft('DELETE', `tenants/${contoso.tenant}/faults/${fault.id}`);
  }
  const page = await signedIn(auditor(), at('check=entra.ca.mfa_all_users'));
  const panel = page.getByRole('dialog');
  await panel.getByText('Could not look', { exact: true }).first().waitFor();
  const missing = panel.getByTestId('missing');
  await missing.getByText('conditional access policies').first().waitFor();
  await missing.getByText('What it said when it could look').waitFor();
  await missing.getByText('Not met').waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('stale').getByText('could not be read whole').waitFor();
  await collect();
});

test('an exception is declared by somebody who answers for it, and withdrawn', async () => {
  const page = await signedIn(technician(), evidence);
  const [somebody] = await uncovered();
  const row = page
    .getByTestId('mfa')
    .getByRole('listitem')
    .filter({ hasText: somebody?.name ?? '' });
  await row.getByRole('button', { name: 'Declare an exception' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Declare' });
  await expect.poll(() => dialog.getByLabel('Check', { exact: true }).inputValue()).toBe('entra.ca.mfa_all_users');
  await dialog.getByLabel('Why').fill('A kiosk that signs in by certificate');
  await dialog.getByLabel('Who answers for it').fill('Dana Marsh');
  const month = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
  await dialog.getByLabel('Until').fill(month);
  await dialog.getByRole('button', { name: 'Declare' }).click();
  await dialog.getByText('The next run says what became of it').waitFor();
  await page.keyboard.press('Escape');

  // The next run counts it apart, by name, and takes nobody out of who is judged.
  await collect();
  await row.getByText('Excepted').first().waitFor();
  await row.getByText('A kiosk that signs in by certificate').waitFor();

  await page.getByRole('link', { name: 'Declarations' }).click();
  const declared = page.getByRole('listitem').filter({ hasText: 'A kiosk that signs in by certificate' });
  await declared.getByText('Dana Marsh').first().waitFor();
  await declared.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await declared.waitFor({ state: 'detached' });
});

test('a framework shows which checks support which control, and rates nothing', async () => {
  const page = await signedIn(auditor(), at('view=frameworks'));
  await page.getByText('none satisfies one').waitFor();
  const control = page.getByRole('listitem').filter({ hasText: 'CC6.1' });
  await control
    .first()
    .getByRole('button', { name: /^MFA is enforced for every enabled member/ })
    .waitFor();
  expect(await page.locator('#main').textContent()).not.toContain('%');
  await page.getByLabel('Framework', { exact: true }).selectOption('cisa_scuba_entra');
  await page.getByRole('heading', { name: /CISA SCuBA/ }).waitFor();
});

test('evidence is taken away as a file, and verified here', async () => {
  const page = await signedIn(administrator(), at('view=record'));
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Bundle (ZIP)' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/^evidence-.*\.zip$/);
  expect(
    readFileSync(await file.path())
      .subarray(0, 2)
      .toString(),
  ).toBe('PK');
  await page.getByText('is saved').waitFor();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('Everything is as it was kept.').waitFor();

  // A period that cannot be had is told of before anybody is asked.
  await page.getByLabel('From').fill('2999-01-01');
  await page.getByText('The period has to end after it begins.').waitFor();
});

test('evidence that does not come is given up, and can be asked for again', async () => {
  const page = await signedIn(administrator());
  await page.addInitScript(() => {
    // The page waits for half a minute; nobody needs to wait as long for the first time, which is in vain.
    const later = window.setTimeout;
    Object.assign(window, {
      setTimeout: (what: TimerHandler, milliseconds?: number) => {
        if (milliseconds !== 35_000) return later(what, milliseconds);
        window.setTimeout = later;
        return later(what, 1_000);
      },
    });
  });
  const hang = () => {};
  await page.route('**/bundle?*', hang);
  await page.goto(`${home}${at('view=record')}`);
  await page.getByRole('button', { name: 'Bundle (ZIP)' }).click();
  await page.getByText('Tenantry cannot be reached').waitFor();
  await page.unroute('**/bundle?*', hang);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Bundle (ZIP)' }).click();
  await download;
});

test('no view of the evidence stands in the way of anybody', async () => {
  const page = await signedIn(administrator(), evidence);
  const views = ['overview', 'checks', 'frameworks', 'changes', 'declarations', 'record'];
  for (const query of [...views.map((view) => `view=${view}`), 'check=entra.ca.mfa_all_users'])
    await isForEverybody(page, query, async () => {
      await page.goto(`${evidence}?${query}`);
      await page.getByTestId('evidence-message').waitFor();
      await page.waitForFunction(() => !document.querySelector('[aria-busy=true], .skeleton'));
    });
});
