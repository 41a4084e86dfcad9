import { defineConfig } from 'vitest/config';
import tests from './vitest.config.ts';

export default defineConfig({ test: { ...tests.test, include: ['e2e/screenshots.ts'], testTimeout: 600_000 } });
