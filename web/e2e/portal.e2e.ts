// The portal: a contact of a client sees what is kept of themselves, or of their one company where that was granted.

import { afterAll, expect, test } from 'vitest';
import { ask, company, enter, home, isForEverybody, newBrowser, person, signedIn } from './support.ts';

const contoso = company('Contoso');
const northwind = company('Northwind');

async function open(groups: { groupId: string; role: string }[]): Promise<void> {
  const { setPortalAccessGroups } = await ask<{ setPortalAccessGroups: { userErrors: unknown[] } }>(
    'mutation($input: SetPortalAccessGroupsInput!) { setPortalAccessGroups(input: $input) { userErrors { message } } }',
    { input: { companyId: northwind.id, groups } },
  );
  expect(setPortalAccessGroups.userErrors).toEqual([]);
}

afterAll(() => open([]));

/** The groups of the company, each with its direct members as Microsoft knows them; null for a group within it. */
async function membersByGroup(): Promise<[string, (string | null)[]][]> {
  type Group = { id: string; members: { edges: { node: { entraId?: string } }[] } };
  const { company } = await ask<{ company: { groups: { edges: { node: Group }[] } } }>(
    `query($id: ID!) { company(id: $id) { groups(first: 50) { edges { node {
      id members(first: 100) { edges { node { __typename ... on Contact { entraId } } } }
    } } } } }`,
    { id: northwind.id },
  );
  return company.groups.edges.map(({ node }) => [
    node.id,
    node.members.edges.map((member) => member.node.entraId ?? null),
  ]);
}

test('whoever signs in sees their own record, their devices and the name of their company', async () => {
  const page = await signedIn(person(contoso.tenant, 'member'));
  await page.getByRole('heading', { name: 'Hello, Rowan Whitfield' }).waitFor();
  await page.getByText('Contoso', { exact: true }).waitFor();
  await page.getByText('rowan.whitfield@contoso.example').first().waitFor();
  await page.getByRole('heading', { name: 'Your devices' }).waitFor();
  await page.getByRole('heading', { name: 'Your groups' }).waitFor();
  for (const name of ['Clients', 'Settings']) expect(await page.getByRole('link', { name }).count(), name).toBe(0);

  // Their own company opens for them at its address too, but not what they may not see of it.
  await page.goto(contoso.url);
  await page.getByRole('heading', { name: 'Hello, Rowan Whitfield' }).waitFor();
  for (const part of ['contacts', 'evidence']) {
    await page.goto(`${contoso.url}/${part}`);
    await page.getByText('There is nothing here').waitFor();
  }
});

test('of more devices and groups than are shown at once one sees the rest when one asks', async () => {
  const member = person(northwind.tenant, 'member');
  const page = await newBrowser();
  // As if a single group were as many as fifty.
  await page.route('**/graphql', (route) => {
    const asked = route.request().postData() ?? '';
    return route.continue({ postData: asked.replaceAll('groups(first: 50', 'groups(first: 1') });
  });
  await enter(page, member, '/');
  const groups = page.getByRole('region', { name: 'Your groups' });
  const shown = () => groups.locator('.pill').count();
  await expect.poll(shown).toBe(1);
  await groups.getByRole('button', { name: 'Show more' }).focus();
  await page.keyboard.press('Enter');
  await expect.poll(shown).toBe(2);
  expect(await page.evaluate(() => document.activeElement?.className), 'the keyboard is not lost').toBe('pill');
});

test('a manager sees the whole of their company with its evidence, and changes nothing', async () => {
  const member = person(northwind.tenant, 'member');
  const groups = await membersByGroup();
  const [theirs] = groups.find(([, members]) => members.includes(member)) ?? [];
  const [others] =
    groups.find(([, members]) => !members.includes(member) && members.every((one) => one !== null)) ?? [];
  if (!theirs || !others) throw new Error('there are no groups to choose between');
  await open([{ groupId: theirs, role: 'MANAGER' }]);

  const page = await signedIn(member);
  await page.getByRole('heading', { name: 'Northwind' }).waitFor();
  await page.locator('.row-open').first().waitFor();
  await page.getByRole('link', { name: /^Groups/ }).click();
  await page.locator('.row-open').first().waitFor();
  await page.getByRole('link', { name: 'Evidence' }).click();
  await page.getByTestId('evidence-message').waitFor();
  for (const name of ['Sync With M365', 'Collect evidence now', 'Sign in with Microsoft'])
    expect(await page.getByRole('button', { name }).count(), name).toBe(0);
  for (const part of ['runs', 'settings']) {
    await page.goto(`${northwind.url}/${part}`);
    await page.getByText('There is nothing here').waitFor();
  }
  await page.goto(contoso.url);
  await page.getByText('There is nothing here').waitFor();

  // Whoever may no longer enter is signed out at once.
  await page.goto(home);
  await page.getByRole('heading', { name: 'Northwind' }).waitFor();
  await open([{ groupId: others, role: 'MANAGER' }]);
  await page.getByText('You have been signed out').waitFor();
});

test('the portal stands in nobody’s way', async () => {
  const page = await signedIn(person(contoso.tenant, 'member'));
  await isForEverybody(page, 'the portal', async () => {
    await page.goto(home);
    await page.getByRole('heading', { name: /^Hello/ }).waitFor();
  });
});
