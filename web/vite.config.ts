import { defineConfig } from 'vitest/config';

// `npm run dev` serves the page with a running demo behind it: TENANTRY_URL names it.
const tenantry = process.env.TENANTRY_URL ?? 'http://127.0.0.1:8080';
// The server takes requests with a session only from its own origin.
const behind = { target: tenantry, changeOrigin: true, ws: true, headers: { origin: tenantry } };

export default defineConfig({
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
