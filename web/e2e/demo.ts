// A demo of its own for a run of the tests: `target/debug/tenantry demo` on free ports, in a folder that is gone afterwards.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    demo: { settings: Record<string, string>; token: string; socket: string };
  }
}

const PATIENCE = 240_000;

export default async function setup(project: TestProject) {
  const binary = resolve(process.env.TENANTRY_BINARY ?? '../target/debug/tenantry');
  if (!existsSync(binary)) throw new Error(`${binary} is not there: cargo build`);
  if (!existsSync('dist/index.html')) throw new Error('dist/index.html is not there: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-e2e-'));
  const any = '127.0.0.1:0';
  const demo = spawn(
    binary,
    [
      'demo',
      '--listen',
      any,
      '--simulator-listen',
      any,
      '--simulator-tls-listen',
      any,
      '--data-dir',
      join(folder, 'data'),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await ready(demo);
  const data = join(folder, 'data');
  const settings = Object.fromEntries(
    readFileSync(join(data, 'demo.env'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  project.provide('demo', {
    settings,
    token: readFileSync(join(data, 'service-token'), 'utf8').trim(),
    socket: join(data, 'postgres'),
  });
  return async () => {
    const ended = new Promise((resolve) => demo.once('exit', resolve));
    if (demo.exitCode === null) {
      demo.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
}

/** Waits until the demo says that it is ready; its last lines are told where it ends instead. */
function ready(demo: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const timer = setTimeout(() => reject(new Error(`the demo is not ready:\n${said.join('\n')}`)), PATIENCE);
    demo.once('exit', () => reject(new Error(`the demo ended:\n${said.join('\n')}`)));
    demo.once('error', reject);
    if (!demo.stderr) throw new Error('the demo has a pipe');
    createInterface({ input: demo.stderr }).on('line', (line) => {
      said.push(line);
      if (!line.includes('Ctrl-C ends everything')) return;
      clearTimeout(timer);
      resolve();
    });
  });
}
