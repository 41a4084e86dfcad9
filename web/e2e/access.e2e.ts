// Who sees what, and what whoever may not is told.

import { expect, test } from 'vitest';
import {
  administrator,
  barriers,
  company,
  enter,
  home,
  isForEverybody,
  newBrowser,
  person,
  says,
  signedIn,
} from './support.ts';

const contoso = company('Contoso');
const fabrikam = company('Fabrikam');

test('a portal user sees one company, and of the others not even that they are there', async () => {
  const page = await signedIn(person(contoso.tenant, 'member'));
  await page.locator('.who-name').filter({ hasText: 'Rowan Whitfield' }).waitFor();
  const answers: string[] = [];
  page.on('response', async (response) => {
    if (response.url().endsWith('/graphql')) answers.push(await response.text());
  });
  await page.goto(fabrikam.url);
  await page.getByText('There is nothing here').waitFor();
  expect(await page.locator('body').textContent()).not.toContain('Fabrikam');
  expect(answers.join()).not.toContain('Fabrikam');
});

test('a company that is not there looks like one that is hidden', async () => {
  const page = await signedIn(administrator(), '/companies/bm9uZQ');
  await page.getByText('There is nothing here').waitFor();
  await page.goto(`${home}/companies/${contoso.id}/nonsense`);
  await page.getByText('There is nothing here').waitFor();
});

test('a session that is ended elsewhere ends here too, in words, and leads back to where one was', async () => {
  const page = await signedIn(administrator(), contoso.url);
  await says(page, 'Sync complete');
  // The browser's own cookie proves who it is; the page is not asked.
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const end = async (query: string, variables: object) =>
    (
      await fetch(`${home}/graphql`, {
        method: 'POST',
        headers: { Cookie: cookie, Origin: home, 'Content-Type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
    ).json();
  const own = await end('{ viewer { sessions { id current } } }', {});
  const id = own.data.viewer.sessions.find((session: { current: boolean }) => session.current).id;
  await end('mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { revokedSessionId } }', { id });
  await page.getByText('You have been signed out').waitFor();
  expect(await page.getByRole('link', { name: 'Sign in with Microsoft' }).getAttribute('href')).toContain(
    encodeURIComponent(new URL(contoso.url).pathname),
  );
});

test('signing out ends the session and comes back to the start', async () => {
  const page = await signedIn(administrator());
  await page.getByRole('button', { name: 'Sign out' }).click();
  const signIn = page.getByRole('link', { name: 'Sign in with Microsoft' });
  await signIn.waitFor();
  expect(new URL(page.url()).origin).toBe(home);

  // Whoever signs in in another tab is signed in here as soon as they look.
  await enter(await page.context().newPage(), administrator(), '/');
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.locator('.who-name').waitFor();
});

test('the page stands on every address of its own, under a policy without exceptions, and nowhere else', async () => {
  const html = { headers: { Accept: 'text/html' } };
  for (const path of ['/', `/companies/${contoso.id}/assets`, '/settings']) {
    const response = await fetch(home + path, html);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy, path).toContain("script-src 'self';");
    expect(policy, path).not.toContain('unsafe');
    expect(response.headers.get('cache-control'), path).toBe('no-cache');
    const script = /src="(\/assets\/[^"]+)"/.exec(await response.text())?.[1];
    const file = await fetch(home + script);
    expect(file.headers.get('cache-control'), path).toContain('immutable');
  }
  expect((await fetch(`${home}/nowhere`, html)).status).toBe(404);
  expect((await fetch(`${home}/companies/x`, { headers: { Accept: 'application/json' } })).status).toBe(404);
});

test('a part of the page that is gone since is not a blank page', async () => {
  const page = await signedIn(administrator(), contoso.url, {}, { mayBreak: true });
  await page.route(/assets\/settings-page/, (route) => route.fulfill({ status: 404, body: '' }));
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await page.getByText('This part of the page cannot be had').waitFor();
  await page.unrouteAll();
  await page.getByRole('button', { name: 'Load the page again' }).click();
  await page.locator('#main').waitFor();
});

const pages: [string, string][] = [
  ['the clients', '/'],
  ['a company', `/companies/${contoso.id}`],
  ['its groups', `/companies/${contoso.id}/groups`],
  ['its assets', `/companies/${contoso.id}/assets`],
  ['its runs', `/companies/${contoso.id}/runs`],
  ['its evidence', `/companies/${contoso.id}/evidence`],
  ['its settings', `/companies/${contoso.id}/settings`],
  ['a company that is not connected', `/companies/${company('Adventure Works').id}`],
  ['the alarms', '/settings/alarms'],
  ['the service tokens', '/settings/tokens'],
  ['the sessions', '/settings/sessions'],
  ['the audit trail', '/settings/audit'],
];

test('nothing on any page stands in the way of anybody, in light or dark, wide or narrow', async () => {
  const page = await signedIn(administrator());
  for (const [name, path] of pages)
    await isForEverybody(page, name, async () => {
      await page.goto(home + path);
      await page.locator('#main :not([aria-busy])').first().waitFor();
      await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'));
    });
});

test('the sign-in and a record stand in nobody\u2019s way either', async () => {
  const stranger = await newBrowser();
  await stranger.goto(contoso.url);
  await stranger.getByRole('link', { name: 'Sign in with Microsoft' }).waitFor();
  expect(await barriers(stranger)).toEqual([]);

  const page = await signedIn(administrator(), contoso.url);
  await page.locator('.row-open').first().click();
  await page.getByRole('dialog').getByText('user.mail', { exact: true }).waitFor();
  expect(await barriers(page)).toEqual([]);
});
