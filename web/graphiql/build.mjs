// Bundles GraphiQL into the files that the server carries, with the licences of everything in them.
//
// The output is committed, so that the server builds without Node. Run `npm ci && npm run build` after a change here.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../../src/http/assets/graphiql');

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { graphiql: 'main.jsx' },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  jsx: 'automatic',
  loader: { '.woff2': 'dataurl', '.woff': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"' },
  // The licences of all that is bundled are in one file beside it.
  legalComments: 'none',
  metafile: true,
});

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const folder = input.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/);
  if (folder) packages.add(folder[0]);
}

const licences = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(here, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(here, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(here, folder, file), 'utf8').trim() : `Licensed under ${license}.`;
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(join(out, 'LICENCES.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
console.log(`${licences.length} packages bundled`);
