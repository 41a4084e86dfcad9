// GraphiQL from the binary: fields are ticked into an operation, and what runs in it runs as whoever is signed in.

import type { BrowserContextOptions, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { administrator, barriers, company, hold, home, PATIENCE, signedIn, syncToTheEnd } from './support.ts';

const contoso = company('Contoso');

/** Somebody in GraphiQL, with the explorer open. */
async function exploring(options: BrowserContextOptions = {}): Promise<Page> {
  const page = await signedIn(administrator(), '/', options);
  await page.goto(`${home}/graphiql`);
  await page.getByRole('button', { name: 'Show Explorer' }).click();
  await field(page, 'companies').first().waitFor();
  return page;
}

const field = (page: Page, name: string) => page.locator(`.graphiql-explorer-root [data-field-name=${name}]`);
const operation = (page: Page) => page.locator('.graphiql-query-editor .CodeMirror-code').innerText();
const run = (page: Page) => page.getByRole('button', { name: /Execute query/ }).click();
const variablesEditor = (page: Page) => page.locator('.graphiql-editor-tool .CodeMirror').first();
const write = (editor: Element, text: string) =>
  (editor as unknown as { CodeMirror: { setValue(text: string): void } }).CodeMirror.setValue(text);
const response = (page: Page) => page.locator('.result-window .CodeMirror-code');

test('a field is ticked in the explorer, and its answer comes as the one who is signed in', async () => {
  const page = await exploring();
  await page.getByRole('button', { name: 'Viewer', exact: true }).waitFor();
  await field(page, 'role').click();
  await expect.poll(() => operation(page), { timeout: PATIENCE }).not.toContain('role');
  await run(page);
  await response(page).filter({ hasText: 'Robin Sawyer' }).waitFor();
  expect(await response(page).innerText()).not.toContain('role');
  await field(page, 'role').click();
  await run(page);
  await response(page).filter({ hasText: '"role": "ADMIN"' }).waitFor();
});

test('an example runs as it stands, with a company that is there; and what one has written stays', async () => {
  const page = await exploring();
  await page.getByRole('button', { name: 'Contacts', exact: true }).click();
  // GraphiQL takes a moment to know the operation of the tab that it has turned to.
  await page.waitForFunction(() => localStorage.getItem('graphiql:operationName') === 'Contacts');
  await run(page);
  await response(page).filter({ hasText: '"displayName"' }).waitFor();
  expect(await response(page).innerText()).not.toContain('"errors"');
  await page.getByRole('button', { name: 'Disconnect', exact: true }).click();
  await variablesEditor(page).filter({ hasText: 'an id from the tab' }).waitFor();

  await variablesEditor(page).evaluate(write, '{"companyId": "mine"}');
  await page.waitForFunction(() => localStorage.getItem('graphiql:tabState')?.includes('mine'));
  await page.reload();
  await variablesEditor(page).filter({ hasText: 'mine' }).waitFor();
});

test('a subscription is extended in the explorer, and tells of a sync as it goes', async () => {
  const page = await exploring();
  await page.getByRole('button', { name: 'SyncStatus', exact: true }).click();
  await variablesEditor(page).evaluate(write, JSON.stringify({ companyId: contoso.id }));
  await field(page, 'requestedBy').click();
  await run(page);
  await response(page).filter({ hasText: 'Sync complete' }).filter({ hasText: 'requestedBy' }).waitFor();
  const letGo = await hold(contoso.tenant, 'users');
  const ended = syncToTheEnd(contoso.id, 'FULL');
  await response(page).filter({ hasText: 'Reading' }).waitFor();
  await letGo();
  expect(await ended).toBe('SUCCEEDED');
  await response(page).filter({ hasText: 'Sync complete' }).waitFor();
});

test('nothing in GraphiQL stands in the way of anybody: not at its start, nor with an answer, the explorer or the documentation open', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await exploring({ colorScheme });
    await page.getByRole('heading', { level: 1, name: 'GraphiQL' }).waitFor();
    await run(page);
    await response(page).filter({ hasText: 'Robin Sawyer' }).waitFor();
    expect(await barriers(page), `the explorer, ${colorScheme}`).toEqual([]);
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.locator('.graphiql-doc-explorer').waitFor();
    expect(await barriers(page), `the documentation, ${colorScheme}`).toEqual([]);
    expect(await page.getByRole('textbox', { name: 'Operation' }).count()).toBe(1);
  }
});
