import { beforeEach, describe, expect, it } from '@jest/globals';
import { HostTree, type Rule, type Tree } from '@angular-devkit/schematics';
import { SchematicTestRunner } from '@angular-devkit/schematics/testing';
import { fileURLToPath } from 'node:url';
import { lastValueFrom } from 'rxjs';
import ts from 'typescript';
import { nestAdd, type NestAddOptions } from './nest-add.js';

const COLLECTION = fileURLToPath(new URL('../../schematics/collection.json', import.meta.url));
const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
`;
const APP_MODULE = `import { Module } from '@nestjs/common';
import { AppController } from './app.controller';

@Module({
  imports: [],
  controllers: [AppController],
})
export class AppModule {}
`;
const CALL = 'LockModule.forRoot({ redis: process.env.REDIS_URL })';

let tree: Tree;
let runner: SchematicTestRunner;
let messages: string[];

beforeEach(() => {
  tree = new HostTree();
  tree.create('/package.json', '{\n  "dependencies": {\n    "@nestjs/common": "^12.0.0"\n  }\n}\n');
  tree.create('/src/main.ts', MAIN);
  tree.create('/src/app.module.ts', APP_MODULE);
  messages = [];
  runner = new SchematicTestRunner('nestjs-locker', COLLECTION);
  runner.logger.subscribe(({ message }) => messages.push(message));
});

const add = (options: NestAddOptions = { sourceRoot: 'src' }) => {
  // The runner gives a bare rule a logger that nobody hears.
  const rule: Rule = (host, context) =>
    nestAdd(options)(host, { ...context, logger: runner.logger });
  return lastValueFrom(runner.callRule(rule, tree));
};

const text = (path = '/src/app.module.ts') => tree.read(path)!.toString('utf8');

/** What the module's file is after the call; it has to parse. */
async function added(source: string, options?: NestAddOptions): Promise<string> {
  tree.overwrite('/src/app.module.ts', source);
  await add(options);
  const { diagnostics } = ts.transpileModule(text(), {
    reportDiagnostics: true,
    compilerOptions: { experimentalDecorators: true },
  });
  expect(diagnostics).toEqual([]);
  return text();
}

/** An import, and a module of this metadata. */
const moduleOf = (metadata: string) =>
  `import { Module } from '@nestjs/common';\n\n@Module(${metadata})\nexport class AppModule {}\n`;

const withImport = (metadata: string) =>
  `import { Module } from '@nestjs/common';\nimport { LockModule } from 'nestjs-locker';\n\n@Module(${metadata})\nexport class AppModule {}\n`;

describe('nest add', () => {
  it('adds LockModule to the module that main.ts starts, and ioredis to the dependencies', async () => {
    await add();
    expect(text()).toBe(`import { Module } from '@nestjs/common';
import { AppController } from './app.controller';
import { LockModule } from 'nestjs-locker';

@Module({
  imports: [${CALL}],
  controllers: [AppController],
})
export class AppModule {}
`);
    expect(text('/package.json')).toBe(
      '{\n  "dependencies": {\n    "@nestjs/common": "^12.0.0",\n    "ioredis": "^6.0.0"\n  }\n}\n',
    );
    expect(runner.tasks).toEqual([
      { name: 'node-package', options: expect.objectContaining({ command: 'install' }) },
    ]);
  });

  it('changes nothing the second time', async () => {
    await add();
    const [source, dependencies] = [text(), text('/package.json')];
    runner = new SchematicTestRunner('nestjs-locker', COLLECTION);
    await add();
    expect([text(), text('/package.json')]).toEqual([source, dependencies]);
    expect(runner.tasks).toEqual([]);
  });

  it.each([
    ['LockModule'],
    ['LockModule.forRoot()'],
    ["LockModule.forRootAsync({ useFactory: () => ({ store: 'memory' }) })"],
    ['process.env.REDIS_URL ? LockModule.forRoot() : OtherModule'],
    ['...(isTest ? [] : [LockModule.forRoot()])'],
    ['(LockModule as any).forRoot()'],
    ['forwardRef(() => LockModule)'],
  ])('leaves a module alone that has %s', async (entry) => {
    const source = withImport(`{ imports: [${entry}] }`);
    expect(await added(source)).toBe(source);
    expect(messages.join()).toContain('has LockModule already');
  });

  it.each([
    ['{}', `{ imports: [${CALL}] }`],
    ['{ imports: [] }', `{ imports: [${CALL}] }`],
    ['{ imports: [A, B] }', `{ imports: [A, B, ${CALL}] }`],
    ['{ imports: [A, B,] }', `{ imports: [A, B, ${CALL},] }`],
    ['{ ...base, imports: [A] }', `{ ...base, imports: [A, ${CALL}] }`],
    ["{ 'imports': [...shared] }", `{ 'imports': [...shared, ${CALL}] }`],
    ['{ providers: [A] }', `{ imports: [${CALL}], providers: [A] }`],
    ['{\n\tproviders: [A],\n}', `{\n\timports: [${CALL}],\n\tproviders: [A],\n}`],
    [
      '{\n  imports: [\n    A, // first\n    B.forRoot([1]), // last, of [these]\n  ],\n}',
      `{\n  imports: [\n    A, // first\n    B.forRoot([1]),\n    ${CALL}, // last, of [these]\n  ],\n}`,
    ],
  ])('turns %j into %j', async (metadata, expected) => {
    expect(await added(moduleOf(metadata))).toBe(withImport(expected));
  });

  it('keeps line ends, quotes and missing semicolons as they are', async () => {
    const source =
      'import { Module } from "@nestjs/common"\r\n\r\n@Module({})\r\nclass AppModule {}\r\n';
    expect(await added(`\uFEFF${source}`)).toBe(
      '\uFEFFimport { Module } from "@nestjs/common"\r\nimport { LockModule } from "nestjs-locker"\r\n\r\n' +
        `@Module({ imports: [${CALL}] })\r\nclass AppModule {}\r\n`,
    );
  });

  it('finds the module under another name, in another file, in an ES module', async () => {
    tree.overwrite(
      '/src/main.ts',
      MAIN.replaceAll('AppModule', 'ShopModule').replace('./app.module', './shop/shop.js'),
    );
    tree.create(
      '/src/shop/shop.ts',
      `${moduleOf('{}')}\n@Module({ imports: [AppModule] })\nexport class ShopModule {}\n`,
    );
    await add();
    expect(text('/src/shop/shop.ts')).toContain(
      `@Module({})\nexport class AppModule {}\n\n@Module({ imports: [AppModule, ${CALL}] })\nexport class ShopModule`,
    );
    expect(text()).toBe(APP_MODULE);
  });

  it.each(['src/billing/billing.module.ts', 'billing/billing.module.ts', './billing/billing'])(
    'takes the file that --module=%s names',
    async (module) => {
      tree.create('/src/billing/billing.module.ts', moduleOf('{}').replace('AppModule', 'Billing'));
      await add({ sourceRoot: 'src', module });
      expect(text('/src/billing/billing.module.ts')).toContain(CALL);
      expect(text()).toBe(APP_MODULE);
    },
  );

  it('works in a workspace, from the source root that the CLI tells', async () => {
    tree.create('/apps/api/src/app.module.ts', moduleOf('{}'));
    await add({ sourceRoot: 'apps/api/src' });
    expect(text('/apps/api/src/app.module.ts')).toContain(CALL);
  });

  it("uses an alias beside a LockModule of the project's own", async () => {
    const own = "import { LockModule } from './lock.module';\n";
    const source = await added(own + moduleOf('{ imports: [LockModule] }'));
    expect(source).toContain("import { LockModule as NestjsLockModule } from 'nestjs-locker';");
    expect(source).toContain(`imports: [LockModule, Nestjs${CALL}]`);
    expect(await added(source)).toBe(source);
  });

  it('uses what of the package is imported already', async () => {
    const own = "import { LockModule as Locks } from 'nestjs-locker';\n";
    const source = await added(own + moduleOf('{}'));
    expect(source.match(/nestjs-locker/g)).toHaveLength(1);
    expect(source).toContain('imports: [Locks.forRoot({');
  });

  it('adds beside what only has the same name behind a dot', async () => {
    const source = withImport('{ imports: [other.LockModule] }');
    expect(await added(source)).toBe(withImport(`{ imports: [other.LockModule, ${CALL}] }`));
  });

  it('leaves the source alone with --skip-import, and installs nothing with --skip-install', async () => {
    await add({ sourceRoot: 'src', skipImport: true, skipInstall: true });
    expect(text()).toBe(APP_MODULE);
    expect(text('/package.json')).toContain('"ioredis"');
    expect(runner.tasks).toEqual([]);
  });

  it.each([
    ['imports: shared', moduleOf('{ imports: shared }'), 'imports are not an array'],
    ['the shorthand', moduleOf('{ imports }'), 'imports are not an array'],
    ['metadata from elsewhere', moduleOf('metadata'), 'not given an object'],
    ['a spread', moduleOf('{ ...base, providers: [] }'), 'what "...base" brings'],
    ['a spread at the end', moduleOf('{ imports: [], ...base }'), 'what "...base" brings'],
    ['no module', 'export const x = 1;\n', 'no class with a @Module decorator'],
    [
      'several modules',
      `${moduleOf('{}')}@Module({}) class Other {}\n`.replace('AppModule', 'Some'),
      'several modules (Some, Other)',
    ],
  ])('says what to do about %s, and changes nothing', async (_, source, problem) => {
    tree.overwrite('/src/app.module.ts', source);
    await expect(add()).rejects.toThrow(`/src/app.module.ts: `);
    await expect(add()).rejects.toThrow(problem);
    await expect(add()).rejects.toThrow(/--module=.*--skip-import[\s\S]*import \{ LockModule \}/);
    expect(text()).toBe(source);
    expect(text('/package.json')).not.toContain('ioredis');
  });

  it.each([
    [{ sourceRoot: 'lib' }, 'there is no app.module.ts in /lib'],
    [{ sourceRoot: 'src', module: 'none.ts' }, 'there is no file none.ts'],
  ])('says that with %j no module is found', async (options, problem) => {
    await expect(add(options)).rejects.toThrow(problem);
  });
});

describe('the dependency on ioredis', () => {
  const dependencies = async (json: object) => {
    tree.overwrite('/package.json', JSON.stringify(json));
    await add({ skipImport: true });
    return JSON.parse(text('/package.json')) as unknown;
  };

  it.each([{ dependencies: { ioredis: '^5.4.0' } }, { peerDependencies: { ioredis: '^5.4.0' } }])(
    'stays as it is in %j',
    async (json) => {
      expect(await dependencies(json)).toEqual(json);
    },
  );

  it('moves to where production has it', async () => {
    const json = { dependencies: { zod: '1' }, devDependencies: { ioredis: '^5.4.0' } };
    expect(await dependencies(json)).toEqual({
      dependencies: { ioredis: '^5.4.0', zod: '1' },
      devDependencies: {},
    });
  });

  it('takes the version that is installed', async () => {
    tree.create('/node_modules/ioredis/package.json', '{ "version": "5.8.1" }');
    expect(await dependencies({})).toEqual({ dependencies: { ioredis: '^5.8.1' } });
  });

  it('is asked for in words where there is no package.json', async () => {
    tree.delete('/package.json');
    await add();
    expect(messages.join()).toContain('add ioredis to your dependencies');
    expect(text()).toContain(CALL);
  });
});
