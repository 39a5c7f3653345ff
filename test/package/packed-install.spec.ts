import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../support/redis-server.js';
import { MODULES, npmInstall, pack, ROOT, run } from './support/packed-package.js';

jest.setTimeout(240_000);

const APPS = join(ROOT, 'test/package/apps');

let directory: string;
let redis: RedisServer;
let packedFiles: string[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-package-'));
  // One of its own, since the counters of tokens stay where they are.
  redis = await RedisServer.start();
  packedFiles = await pack(directory);
  await Promise.all([install('cjs-nest-11'), install('esm-nest-12')]);
});

afterAll(async () => {
  await redis?.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('the package', () => {
  it('holds both builds with their types, and no tests', () => {
    const isExpected =
      /^(dist\/(esm|cjs)\/.+\.(js|d\.ts)|dist\/cjs\/package\.json|monitoring\/[a-z-]+\.(json|yml)|schematics\/[a-z.-]+\.json)$/;
    const others = packedFiles.filter((path) => !isExpected.test(path));
    expect(others.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
    expect(packedFiles.filter((path) => /\.spec\./.test(path))).toEqual([]);
    const entries = ['esm', 'cjs'].flatMap((format) =>
      [
        '',
        'fencing/',
        'monitoring/otel/',
        'monitoring/prometheus/',
        'monitoring/terminus/',
        'testing/',
      ].flatMap((entry) => [
        `dist/${format}/${entry}index.js`,
        `dist/${format}/${entry}index.d.ts`,
      ]),
    );
    expect(packedFiles).toEqual(expect.arrayContaining(entries));
  });
});

describe.each([
  { template: 'cjs-nest-11', nest: '11.', ioredis: '5.' },
  { template: 'esm-nest-12', nest: '12.', ioredis: '6.' },
])('the package in the app $template', ({ template, nest, ioredis }) => {
  it('locks under node, with one copy for import and require', async () => {
    expect(await runApp(join(directory, template))).toEqual({
      ...outcome,
      nest: expect.stringContaining(nest),
      ioredis: expect.stringContaining(ioredis),
    });
  });

  it('has the command', async () => {
    const npx = (...args: string[]) =>
      run(join(directory, template), 'npx', ['nestjs-locker', ...args], { REDIS_URL: redis.url });
    expect(await npx('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    // What is not persistent ends it with 1, as everything that should be changed.
    const { message } = (await npx('doctor', '--json', '--timeout', '20s').catch(
      (error: Error) => error,
    )) as Error;
    expect(message).toContain('"role":"master"');
    expect(message).toContain('"handOvers":{"how":"push","error":null}');
  });

  it('locks under jest', async () => {
    const config = {
      roots: ['<rootDir>/dist'],
      transform: {},
      cacheDirectory: join(directory, 'jest-cache'),
    };
    const flags = template.startsWith('esm') ? ['--experimental-vm-modules'] : [];
    const args = ['--json', '--rootDir', '.', '--config', JSON.stringify(config)];
    const told = await node(
      join(directory, template),
      ...flags,
      join(MODULES, 'jest/bin/jest.js'),
      ...args,
    );
    expect(JSON.parse(told)).toMatchObject({ success: true, numPassedTests: 1 });
  });
});

it('locks in a CommonJS app on Nest 12 under node', async () => {
  // Not under jest: Nest 12 is an ES module, which jest cannot require on Node 20 and 22.
  const app = join(directory, 'esm-nest-12', 'commonjs');
  cpSync(join(directory, 'cjs-nest-11', 'dist'), join(app, 'dist'), { recursive: true });
  writeFileSync(join(app, 'package.json'), '{ "type": "commonjs" }');
  expect(await runApp(app)).toMatchObject({ ...outcome, nest: expect.stringContaining('12.') });
});

/** What src/main.ts prints. */
const issued = { token: expect.any(Number), second: 'LOCK_REENTRY', after: null };
const outcome = {
  byUrl: issued,
  byClient: issued,
  inTests: issued,
  isOneCopy: true,
  entry: 'dist/esm/index.js',
};

/** Makes an app of a template, compiled against the types of the package that npm installed in it. */
async function install(template: string): Promise<void> {
  const app = join(directory, template);
  cpSync(join(APPS, template), app, { recursive: true });
  cpSync(join(APPS, 'src'), join(app, 'src'), { recursive: true });
  await npmInstall(app);
  const types = ['--typeRoots', join(MODULES, '@types'), '--types', 'node,jest'];
  await node(app, join(MODULES, 'typescript/bin/tsc'), ...types);
}

async function runApp(app: string): Promise<unknown> {
  return JSON.parse(await node(app, 'dist/main.js'));
}

function node(cwd: string, ...args: string[]): Promise<string> {
  return run(cwd, process.execPath, args, { REDIS_URL: redis.url });
}
