import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// `npm run dev` serves the page with a running demo behind it: TENANTRY_URL names it.
const tenantry = process.env.TENANTRY_URL ?? 'http://127.0.0.1:8080';
// The server takes requests with a session only from its own origin.
const behind = { target: tenantry, changeOrigin: true, ws: true, headers: { origin: tenantry } };

/** Lays a compressed file beside each, which the server sends to whoever takes it. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    closeBundle() {
      for (const name of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
        const path = join('dist', name);
        if (!statSync(path).isFile() || !/\.(html|js|css|svg)$/.test(name)) continue;
        const plain = readFileSync(path);
        const compressed = brotliCompressSync(plain);
        if (compressed.length < plain.length * 0.9) writeFileSync(`${path}.br`, compressed);
      }
    },
  };
}

export default defineConfig({
  plugins: [compress()],
  build: {
    target: 'es2022',
    // Inlined files would be data: addresses, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(
      ['/graphql', '/auth', '/connect', '/evidence', '/graphiql'].map((path) => [path, behind]),
    ),
  },
  test: { include: ['src/**/*.test.ts'] },
});
