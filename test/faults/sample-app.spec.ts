import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, jest } from '@jest/globals';
import { afterTest } from '../support/lock-service.js';
import { until } from '../support/until.js';

// It is compiled first, and starts a dozen processes.
jest.setTimeout(240_000);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Overview {
  readonly processes: readonly { readonly pid: number }[];
}

/** What a person types in a terminal, stopped with all that it has started. */
function npmStart(...args: string[]): { out: () => string; child: ChildProcess } {
  const child = spawn('npm', ['start', '--', ...args], { cwd: ROOT, detached: true });
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (out += data.toString()));
  afterTest(() => {
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGTERM');
  });
  return { out: () => out, child };
}

describe('npm start', () => {
  it('tells the address of a page on which the replicas can be watched at work, and being killed', async () => {
    const { out, child } = npmStart('--invoices', '40', '--seed', '7');
    const address = () => /Watch its locks at (http:\/\/\S+)/.exec(out())?.[1];
    await until(() => address() !== undefined, { what: 'it is told', timeoutMs: 90_000 });
    const url = address()!;
    expect(await (await fetch(url)).text()).toContain('<!doctype html>');

    const overview = async (): Promise<Overview> => {
      const answer = await fetch(`${url}/api/overview`).catch(() => undefined);
      return answer?.ok ? ((await answer.json()) as Overview) : { processes: [] };
    };
    // Three work at a time: a fourth has taken the place of one that was killed.
    const pids = new Set<number>();
    const isReplaced = async () => {
      for (const { pid } of (await overview()).processes) pids.add(pid);
      return pids.size > 3;
    };
    const what = 'replicas are shown, and those that follow them';
    await until(isReplaced, { what, timeoutMs: 90_000, intervalMs: 100 });

    expect(child.exitCode).toBeNull(); // it is stopped here: the rest takes a minute more
  });
});
