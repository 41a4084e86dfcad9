// What the tests in a browser share: the demo's people and companies, a way to change its Microsoft, and browsers.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, expect, inject } from 'vitest';

/** Longer than anything here takes on the slowest machine. */
export const PATIENCE = 60_000;

const { settings, token, socket } = inject('demo');

export function setting(name: string): string {
  const value = settings[name];
  if (value === undefined) throw new Error(`demo.env has no ${name}`);
  return value;
}

export const home = setting('TENANTRY_URL');

interface Client {
  id: string;
  name: string;
  tenant: string;
  url: string;
}

/** A company of the demo by its name. */
export function company(name: string): Client {
  const key = Object.keys(settings).find((key) => /^COMPANY_\d+_NAME$/.test(key) && settings[key] === name);
  const number = key?.split('_')[1];
  if (!number) throw new Error(`the demo has no ${name}`);
  const id = setting(`COMPANY_${number}_ID`);
  return { id, name, tenant: setting(`TENANT_${number}_ID`), url: `${home}/companies/${id}` };
}

/** The object id of somebody of a tenant. */
export function person(tenant: string, role: string): string {
  const found = Object.entries(settings).find(
    ([key, value]) => key.startsWith('PERSON_') && value.startsWith(`${tenant}/`) && value.split(' ')[1] === role,
  );
  if (!found) throw new Error(`the demo has no ${role} of ${tenant}`);
  return found[1].slice(tenant.length + 1).split(' ')[0] ?? '';
}

export const administrator = () => person(setting('STAFF_TENANT_ID'), 'Tenantry.Admin');
export const auditor = () => person(setting('STAFF_TENANT_ID'), 'Tenantry.Auditor');

/** Asks the API as the PSA's back end. */
export async function ask<Answer>(query: string, variables: Record<string, unknown>): Promise<Answer> {
  const response = await fetch(`${home}/graphql`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const answer = (await response.json()) as { data: Answer; errors?: unknown };
  expect(answer.errors).toBeUndefined();
  return answer.data;
}

/** Changes the simulated Microsoft. */
export async function microsoft<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${setting('SIMULATOR_URL')}/_control/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  expect(response.ok, `${method} ${path}: ${response.status} ${text}`).toBe(true);
  return (text ? JSON.parse(text) : undefined) as Answer;
}

/** Moves the consent of a tenant into the past. One that is fresh may still be on its way to all of Microsoft, and is waited for. */
export function ageConsent(tenant: string): void {
  const age = `update tenant set connected_at = connected_at - interval '1 day' where entra_tenant_id = '${tenant}'`;
  execFileSync('psql', ['-h', socket, '-U', 'tenantry', '-v', 'ON_ERROR_STOP=1', '-qc', age, 'tenantry'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Makes Microsoft wait with its answers to some requests of a tenant, until it is let go. */
export async function hold(tenant: string, on: string): Promise<() => Promise<void>> {
  const { id } = await microsoft<{ id: string }>('POST', `tenants/${tenant}/faults`, { on, kind: 'hold' });
  return async () => {
    await microsoft('DELETE', `tenants/${tenant}/faults/${id}`);
  };
}

/** Syncs a company to the end, from outside of any page. */
export async function syncToTheEnd(id: string, mode = 'AUTO', kind = 'IDENTITY'): Promise<string> {
  await ask(
    'mutation($id: ID!, $mode: SyncMode!, $kind: SyncKind!) { syncCompany(input: {companyId: $id, mode: $mode, kind: $kind}) { joined } }',
    { id, mode, kind },
  );
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    const { company } = await ask<{ company: { latestSync: { status: string } } }>(
      'query($id: ID!, $kind: SyncKind!) { company(id: $id) { latestSync(kind: $kind) { status } } }',
      { id, kind },
    );
    if (!['QUEUED', 'RUNNING', 'WAITING'].includes(company.latestSync.status)) return company.latestSync.status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the sync does not end');
}

let browser: Browser | undefined;
let rememberingBrowser: Browser | undefined;
const open = new Set<BrowserContext>();
const complaints: string[] = [];

afterEach(async () => {
  for (const context of open) await context.close();
  open.clear();
  // No test may pass on a page that broke, or that wanted what its policy forbids.
  expect(complaints.splice(0)).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await rememberingBrowser?.close();
  browser = undefined;
  rememberingBrowser = undefined;
});

function chromiumOfThisMachine(): string {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const folders = (process.env.PATH ?? '').split(':');
  const found = folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
  const path = process.env.CHROMIUM ?? found;
  if (!path) throw new Error('there is no Chromium: apt-get install chromium');
  return path;
}

interface Manner {
  /** Whether the test breaks the page on purpose. */
  mayBreak?: boolean;
  /** Whether Back finds a page as it was left, as people's browsers do and playwright's does not. */
  remembers?: boolean;
}

function launch(ignoreDefaultArgs: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumOfThisMachine(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    ignoreDefaultArgs,
  });
}

/** A browser of its own, with nothing in it. */
export async function newBrowser(
  options: BrowserContextOptions = {},
  { mayBreak = false, remembers = false }: Manner = {},
): Promise<Page> {
  if (remembers) rememberingBrowser ??= await launch(['--disable-back-forward-cache']);
  else browser ??= await launch();
  const used = remembers ? rememberingBrowser : browser;
  if (!used) throw new Error('a browser has been launched');
  const context = await used.newContext({ viewport: { width: 1240, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  open.add(context);
  const page = await context.newPage();
  if (mayBreak) return page;
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|Warning:|Error:/.test(message.text())) complaints.push(message.text());
  });
  return page;
}

/** Chooses an account on the page that stands in for Microsoft's. */
export async function chooseAccount(page: Page, oid: string): Promise<void> {
  await page.locator(`button[value="${oid}"], input[value="${oid}"]`).first().click();
}

/** Signs in on a page, from an address of ours and back to it. */
export async function enter(page: Page, oid: string, at: string): Promise<void> {
  const to = new URL(at, home);
  await page.goto(to.href);
  await page.getByRole('link', { name: 'Sign in with Microsoft' }).click();
  await chooseAccount(page, oid);
  await page.waitForURL((url) => url.origin === to.origin && url.pathname === to.pathname);
  await page.locator('#main').waitFor();
}

/** Somebody who is signed in, in a browser of their own. */
export async function signedIn(
  oid: string,
  at = '/',
  options: BrowserContextOptions = {},
  manner: Manner = {},
): Promise<Page> {
  const page = await newBrowser(options, manner);
  await enter(page, oid, at);
  return page;
}

/** What the sync panel says. */
export const message = (page: Page) => page.getByTestId('sync-message');

/** Waits until the sync panel says this. */
export async function says(page: Page, text: string | RegExp): Promise<void> {
  await message(page).filter({ hasText: text }).waitFor();
}

/** Writes down everything that the sync panel says and how far its bar is, from now on. */
export async function listen(page: Page): Promise<() => Promise<{ said: string[]; progress: number[] }>> {
  await message(page).waitFor();
  await page.evaluate(() => {
    const heard = { said: [] as string[], progress: [] as number[] };
    Object.assign(window, { heard });
    const note = () => {
      const said = document.querySelector('[data-testid=sync-message]')?.textContent ?? '';
      if (said !== heard.said.at(-1)) heard.said.push(said);
      const bar = document.querySelector('[role=progressbar]');
      const now = bar?.getAttribute('aria-hidden') === 'true' ? null : bar?.getAttribute('aria-valuenow');
      if (now) heard.progress.push(Number(now));
    };
    note();
    new MutationObserver(note).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
  });
  return () => page.evaluate(() => (window as unknown as { heard: { said: string[]; progress: number[] } }).heard);
}

/** What axe finds that is serious, by rule and place. */
export async function barriers(page: Page): Promise<string[]> {
  // What is on its way to another colour has no contrast to speak of.
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((animation) => animation.effect?.getTiming().iterations !== Number.POSITIVE_INFINITY)
        .map((animation) => animation.finished),
    ),
  );
  // The policy of the page lets no script in; the debugger's own way is not held to it.
  await page.evaluate(axe.source);
  const results = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  );
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

/** Opens a page light and dark, wide and narrow: it has to be for everybody, and to fit. */
export async function isForEverybody(page: Page, name: string, open: () => Promise<void>): Promise<void> {
  for (const [colorScheme, width] of [
    ['light', 1240],
    ['dark', 380],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await open();
    expect(await barriers(page), `${name}, ${colorScheme}`).toEqual([]);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, `${name} fits ${width} pixels`).toBeLessThanOrEqual(0);
  }
}

/** How much of the page moves from now on without anybody's doing, as browsers measure it. */
export async function shifts(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const moved = { sum: 0 };
    Object.assign(window, { moved });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
        if (!entry.hadRecentInput) moved.sum += entry.value;
    }).observe({ type: 'layout-shift' });
  });
  return () => page.evaluate(() => (window as unknown as { moved: { sum: number } }).moved.sum);
}
