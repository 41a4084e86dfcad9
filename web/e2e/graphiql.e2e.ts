// GraphiQL from the binary: fields are ticked into an operation, and what runs in it runs as whoever is signed in.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { administrator, company, hold, home, PATIENCE, signedIn, syncToTheEnd } from './support.ts';

const contoso = company('Contoso');

/** Somebody in GraphiQL, with the explorer open. */
async function exploring(): Promise<Page> {
  const page = await signedIn(administrator());
  await page.goto(`${home}/graphiql`);
  await page.getByRole('button', { name: 'Show Explorer' }).click();
  await field(page, 'companies').first().waitFor();
  return page;
}

const field = (page: Page, name: string) => page.locator(`.graphiql-explorer-root [data-field-name=${name}]`);
const operation = (page: Page) => page.locator('.graphiql-query-editor .CodeMirror-code').innerText();
const run = (page: Page) => page.getByRole('button', { name: /Execute query/ }).click();
const response = (page: Page) => page.locator('.result-window .CodeMirror-code');

test('a field is ticked in the explorer, and its answer comes as the one who is signed in', async () => {
  const page = await exploring();
  await page.getByRole('tab', { name: 'Viewer' }).waitFor();
  await field(page, 'role').click();
  await expect.poll(() => operation(page), { timeout: PATIENCE }).not.toContain('role');
  await run(page);
  await response(page).filter({ hasText: 'Robin Sawyer' }).waitFor();
  expect(await response(page).innerText()).not.toContain('role');
  await field(page, 'role').click();
  await run(page);
  await response(page).filter({ hasText: '"role": "ADMIN"' }).waitFor();
});

test('a subscription is extended in the explorer, and tells of a sync as it goes', async () => {
  const page = await exploring();
  await page.getByRole('tab', { name: 'SyncStatus' }).click();
  await page
    .locator('.graphiql-editor-tool .CodeMirror')
    .first()
    .evaluate(
      (editor, variables) =>
        (editor as unknown as { CodeMirror: { setValue(text: string): void } }).CodeMirror.setValue(variables),
      JSON.stringify({ companyId: contoso.id }),
    );
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
