import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { afterTest } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { server } from './preludes/base.js';
import { compile } from './support/compile.js';
import { type Excerpt, excerptOf, namesIn } from './support/excerpt.js';
import { problemOfExcerpt } from './support/from-file.js';
import { type Block, blocksOf, PAGES, read, ROOT } from './support/markdown.js';
import { parserOf } from './support/parsers.js';
import { problemsOfCommands } from './support/shell.js';

/** Of all that pages show, so many are taken on trust; what is added here needs as good a reason as these. */
const NOT_CHECKED = 5;
/** And so many are compiled, and not run. */
const NOT_RUN = 1;

jest.setTimeout(60_000);

const where = ({ file, line }: Block): string => `${file}:${line}`;
// The reference is made of docstrings, which have a test of their own.
const all = PAGES.filter((page) => !page.startsWith('docs/api/')).flatMap(blocksOf);
const unchecked = all.filter(({ notes }) => notes.has('not checked'));
const checked = all.filter(({ notes }) => !notes.has('not checked'));
const taken = checked.filter(({ notes }) => notes.has('from'));
const printed = checked.filter(({ notes }) => notes.has('printed by'));
const written = checked.filter((block) => !taken.includes(block) && !printed.includes(block));
const code = written.filter(({ language }) => language === 'ts');
const commands = written.filter(({ language }) => ['sh', 'console'].includes(language));
const data = written.filter((block) => !code.includes(block) && !commands.includes(block));

const excerpts = code.map((block) => excerptOf(block));
const directory = mkdtempSync(join(ROOT, 'test/docs/.excerpts-'));
const { problems, fileOf } = compile(excerpts, directory);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let redis: RedisServer;
const { REDIS_URL } = process.env;
beforeAll(async () => {
  redis = await RedisServer.start();
  server.url = process.env['REDIS_URL'] = redis.url;
});
afterAll(async () => {
  process.env['REDIS_URL'] = REDIS_URL;
  await redis.stop();
});

it('leaves few blocks unchecked, each with its reason', () => {
  expect(unchecked.map(where)).toHaveLength(NOT_CHECKED);
  for (const { notes } of unchecked) expect(notes.get('not checked')!.length).toBeGreaterThan(20);
});

it('runs nearly all that compiles', () => {
  const notRun = code.filter(({ notes }) => notes.has('not run'));
  expect(notRun.map(where)).toHaveLength(NOT_RUN);
  expect(code.length).toBeGreaterThan(50);
});

describe('a block of TypeScript', () => {
  it.each(excerpts.map((excerpt) => [where(excerpt.block), excerpt] as const))(
    '%s compiles',
    (_, excerpt) => expect(problems.get(excerpt)).toEqual([]),
  );
});

describe('a block that is run', () => {
  const runnable = excerpts.filter(({ block }) => !block.notes.has('not run'));
  it.each(runnable.map((excerpt) => [where(excerpt.block), excerpt] as const))(
    '%s does so on a real Redis',
    async (_, excerpt) => {
      afterTest(() => redis.client().flushall());
      await expect(run(excerpt)).resolves.toBeUndefined();
    },
  );

  async function run(excerpt: Excerpt): Promise<void> {
    const context = {};
    for (const name of ['base', ...namesIn(excerpt.block)]) {
      const prelude = (await import(`./preludes/${name}.js`)) as {
        default: (context: object) => Promise<object>;
      };
      Object.assign(context, await prelude.default(context));
    }
    const module = (await import(fileOf(excerpt))) as {
      run(this: object, context: object): Promise<void>;
    };
    await module.run.call(context, context);
  }
});

describe('a block from a file', () => {
  it.each(taken.map((block) => [where(block), block] as const))(
    '%s is as it is there',
    (_, block) => expect(problemOfExcerpt(block)).toBeUndefined(),
  );
});

describe('a block that a recipe prints', () => {
  it.each(printed.map((block) => [where(block), block] as const))(
    '%s is compared by the test of that recipe',
    (_, { file, notes }) => {
      const recipe = notes.get('printed by')!;
      const spec = read(`sample-app/recipes/${recipe}/recipe.spec.ts`);
      expect(spec).toContain(`printedOnPage('${file}', '${recipe}')`);
    },
  );
});

describe('a block of commands', () => {
  it.each(commands.map((block) => [where(block), block] as const))(
    '%s has commands that there are',
    async (_, block) => expect(await problemsOfCommands(block, server.url)).toEqual([]),
  );
});

describe('a block of data', () => {
  it.each(data.map((block) => [where(block), block] as const))(
    '%s can be read',
    async (_, block) => {
      await expect((async () => parserOf(block)(block.text))()).resolves.toBeDefined();
    },
  );
});
