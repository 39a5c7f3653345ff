import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../support/redis-server.js';
import { npmInstall, pack, ROOT, run, runForBoth } from './support/packed-package.js';
import { PackageRegistry } from './support/package-registry.js';

jest.setTimeout(300_000);

const TEMPLATE = join(ROOT, 'test/package/apps/nest-add');
const APPS = {
  'cjs-nest-11': { type: 'commonjs', nest: '^11.0.0', schematics: '^11.0.0', typescript: '~5.9.0' },
  'esm-nest-12': { type: 'module', nest: '^12.0.0', schematics: '^12.0.0', typescript: '~6.0.0' },
};

let directory: string;
let redis: RedisServer;
let registry: PackageRegistry;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-nest-add-'));
  redis = await RedisServer.start();
  await pack(directory);
  registry = await PackageRegistry.start(join(directory, 'nestjs-locker.tgz'));
});

afterAll(async () => {
  await registry?.stop();
  await redis?.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe.each(Object.keys(APPS) as (keyof typeof APPS)[])(
  'nest add nestjs-locker in %s',
  (name) => {
    const nest = (...args: string[]) =>
      runForBoth(join(directory, name), 'npx', ['nest', ...args], {
        npm_config_registry: registry.url,
        npm_config_audit: 'false',
      });
    const file = (path: string) => readFileSync(join(directory, name, path), 'utf8');
    const dependencies = () =>
      (JSON.parse(file('package.json')) as { dependencies: Record<string, string> }).dependencies;

    beforeAll(() => makeApp(name));

    it('installs the package, and makes an application that compiles, starts and locks', async () => {
      await nest('add', 'nestjs-locker');

      expect(file('src/app.module.ts')).toContain(
        'imports: [LockModule.forRoot({ redis: process.env.REDIS_URL })]',
      );
      expect(dependencies()).toMatchObject({
        'nestjs-locker': expect.any(String),
        ioredis: expect.stringMatching(/^\^[56]\./),
      });
      await nest('build');
      const told = await run(join(directory, name), process.execPath, ['dist/main.js'], {
        REDIS_URL: redis.url,
      });
      expect(JSON.parse(told)).toEqual({ isHeldHere: true });
    });

    it('changes nothing the second time', async () => {
      const before = [file('src/app.module.ts'), dependencies()];
      expect((await nest('add', 'nestjs-locker', '--skip-install')).stdout).toContain(
        'has LockModule already',
      );
      expect([file('src/app.module.ts'), dependencies()]).toEqual(before);
    });

    it('adds it to another module, or to none', async () => {
      const other =
        "import { Module } from '@nestjs/common';\n\n@Module({})\nexport class Jobs {}\n";
      writeFileSync(join(directory, name, 'src/jobs.module.ts'), other);
      await nest('add', 'nestjs-locker', '--skip-install', '--skip-import');
      expect(file('src/jobs.module.ts')).toBe(other);
      await nest('add', 'nestjs-locker', '--skip-install', '--module=src/jobs.module.ts');
      expect(file('src/jobs.module.ts')).toContain('imports: [LockModule.forRoot(');
    });

    it('says what to write where it finds no module', async () => {
      // Nest 11's CLI ends with 0 all the same, Nest 12's with 1.
      const ended = await nest(
        'add',
        'nestjs-locker',
        '--skip-install',
        '--module=src/none.ts',
      ).catch((error: Error) => ({ stderr: error.message }));
      expect(ended.stderr).toMatch(/no file src\/none\.ts[\s\S]*import \{ LockModule \}/);
    });
  },
);

/** What `nest new` makes, as far as it matters here. */
async function makeApp(name: keyof typeof APPS): Promise<void> {
  const { type, nest, schematics, typescript } = APPS[name];
  const app = join(directory, name);
  cpSync(TEMPLATE, app, { recursive: true });
  const manifest = {
    name: 'shop',
    version: '0.0.1',
    private: true,
    type,
    dependencies: {
      '@nestjs/common': nest,
      '@nestjs/core': nest,
      'reflect-metadata': '^0.2.2',
      rxjs: '^7.8.2',
    },
    devDependencies: {
      '@nestjs/cli': nest,
      '@nestjs/schematics': schematics,
      '@types/node': '^20.0.0',
      typescript,
    },
  };
  writeFileSync(join(app, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await npmInstall(app);
}
