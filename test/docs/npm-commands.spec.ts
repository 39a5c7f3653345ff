import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { recipes } from '../../sample-app/recipes/recipes.js';
import { afterTest } from '../support/lock-service.js';
import { printedOnPage } from '../support/recipe.js';
import { until } from '../support/until.js';
import { ROOT } from './support/markdown.js';

// All of these compile the sample application to one place, so that they are one file, and run one after the other.
jest.setTimeout(240_000);

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

/** As a reader runs it, with a Redis that it starts by itself. */
function npmRun(...args: string[]) {
  // What the test runner tells its own processes is none of npm's business.
  const { REDIS_URL: _url, NODE_OPTIONS: _options, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env,
    timeout: 60_000,
  });
  return { status, lines: stdout.trimEnd().split('\n'), stderr };
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

describe('npm run recipe', () => {
  beforeAll(() => {
    const { status, stderr } = npmRun('prerecipe');
    if (status !== 0) throw new Error(`npm run prerecipe: ${stderr}`);
  });

  it.each(Object.keys(recipes))('-- %s prints what its page says', (name) => {
    const page = name === 'getting-started' ? `docs/${name}.md` : `docs/recipes/${name}.md`;
    const { status, lines } = npmRun('recipe', '--ignore-scripts', '--', name);
    expect({ status, lines }).toEqual({ status: 0, lines: printedOnPage(page, name) });
  });

  it('tells which recipes there are', () => {
    const { status, stderr } = npmRun('recipe', '--ignore-scripts', '--', 'nothing');
    expect(status).toBe(2);
    for (const name of Object.keys(recipes)) expect(stderr).toContain(name);
  });
});
