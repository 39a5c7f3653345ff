import { spawnSync } from 'node:child_process';
import { beforeAll, expect, it, jest } from '@jest/globals';
import { recipes } from '../../sample-app/recipes/recipes.js';
import { printedOnPage } from '../support/recipe.js';
import { ROOT } from './support/markdown.js';

jest.setTimeout(120_000);

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

beforeAll(() => {
  const { status, stderr } = npmRun('prerecipe');
  if (status !== 0) throw new Error(`npm run prerecipe: ${stderr}`);
});

it.each(Object.keys(recipes))('npm run recipe -- %s prints what its page says', (name) => {
  const page = name === 'getting-started' ? `docs/${name}.md` : `docs/recipes/${name}.md`;
  const { status, lines } = npmRun('recipe', '--ignore-scripts', '--', name);
  expect({ status, lines }).toEqual({ status: 0, lines: printedOnPage(page, name) });
});

it('tells which recipes there are', () => {
  const { status, stderr } = npmRun('recipe', '--ignore-scripts', '--', 'nothing');
  expect(status).toBe(2);
  for (const name of Object.keys(recipes)) expect(stderr).toContain(name);
});
