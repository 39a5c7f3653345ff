import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../../lock.errors.js';
import { FencedScript, type FencedScriptCall, type FencingRedis } from './fenced-script.js';
import { fencedSet, type FencedSetOptions } from './fenced-set.js';
import * as lua from './lua.js';

const unused = async (): Promise<never> => {
  throw new Error('it was sent');
};
const client: FencingRedis = { evalsha: unused, eval: unused };
const script = new FencedScript('return 1');

/** What is wrong is told before anything is sent. */
async function refusal(run: Promise<unknown>): Promise<string> {
  const error = await run.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LockOptionsError);
  return (error as Error).message;
}

describe('a fenced script', () => {
  it.each(['', ' \n', undefined, null, 7, Buffer.from('return 1')])('is not %p', (source) => {
    expect(() => new FencedScript(source as string)).toThrow(LockOptionsError);
  });

  it('may write', () => {
    expect(() => new FencedScript('#!lua flags=allow-oom,no-writes\nreturn 1')).toThrow(
      /no-writes/,
    );
    expect(() => new FencedScript('#!lua flags=allow-oom\nreturn "no-writes"')).not.toThrow();
  });

  it('has nothing of the guard but its first line', () => {
    expect(lua.guard.match(/--/g)!.length).toBeGreaterThan(3);
    const { source } = (new FencedScript('a\nb') as unknown as { script: { source: string } })
      .script;
    expect(source).toMatch(/^do local .* end a\nb$/);
    expect(source).not.toContain('--');
  });

  it.each<[Partial<FencedScriptCall>, RegExp]>([
    [{ keys: [] }, /has no keys; say with "fence"/],
    [{ keys: [''] }, /A key of a fenced write is ""/],
    [{ keys: ['a', undefined as unknown as string] }, /A key of a fenced write is undefined/],
    [{ keys: ['a'], fence: '' }, /is ""; pass a text that is not empty/],
    [{ keys: 'a' as unknown as string[] }, /keys of a fenced script are "a"; pass a list/],
    [{ keys: undefined as unknown as string[] }, /are undefined; pass a list/],
    [{ args: ['x', undefined as unknown as string] }, /args\[1\] of a fenced script is undefined/],
    [{ args: [{} as unknown as string] }, /is \{\}; .*JSON\.stringify/],
    [{ args: [Number.NaN] }, /is NaN/],
    [{ by: undefined as unknown as number }, /fenced by undefined/],
    [{ by: 0 }, /fencing token is 0/],
    [{ keepFence: 0 }, /Option "keepFence" is 0.*or Infinity/],
    [{ keys: ['a}b'] }, /braces/],
    [{ keys: ['a', 'a}b'] }, /"a}b" cannot be fenced/],
    [{ keys: Array(1) as string[] }, /A key of a fenced write is undefined/],
  ])('does not run with %p', async (part, message) => {
    expect(await refusal(script.run(client, { keys: ['a'], by: 1, ...part }))).toMatch(message);
  });

  it.each([undefined, {}, 'redis://localhost', { evalsha: unused, isPipeline: true }])(
    'does not run on %p',
    async (redis) => {
      const run = script.run(redis as unknown as FencingRedis, { keys: ['a'], by: 1 });
      expect(await refusal(run)).toMatch(/client of ioredis.*pipeline/);
    },
  );
});

describe('a fenced value', () => {
  it.each([undefined, null, 1, 'FINE'])(
    'is not taken for written by the answer %p',
    async (answer) => {
      const odd: FencingRedis = { evalsha: async () => answer, eval: unused };
      expect(await refusal(fencedSet(odd, 'a', 'x', 1))).toMatch(
        /to the fenced write of "a", not "OK"/,
      );
    },
  );

  it.each([undefined, null, {}, true, 7n, Infinity, new Uint8Array(1)])(
    'is not %p',
    async (value) => {
      expect(await refusal(fencedSet(client, 'a', value as string, 1))).toMatch(
        /The value of a fenced write is/,
      );
    },
  );

  it.each<[FencedSetOptions, RegExp]>([
    [{ ttl: 0 }, /Option "ttl" is 0/],
    [{ ttl: 'kept' as '1s' }, /Option "ttl" is "kept", not a duration/],
    [{ keepFence: -1 }, /Option "keepFence" is -1/],
  ])('is not written with %p', async (options, message) => {
    expect(await refusal(fencedSet(client, 'a', 'x', 1, options))).toMatch(message);
  });

  it.each(['', undefined, 7])('has no key %p', async (key) => {
    expect(await refusal(fencedSet(client, key as string, 'x', 1))).toMatch(
      /A key of a fenced write is/,
    );
  });
});

describe('lua.ts', () => {
  it('is what scripts/embed-lua.mjs makes of the .lua files', async () => {
    const root = new URL('../../../', import.meta.url);
    const embed = (await import(new URL('scripts/embed-lua.mjs', root).href)) as {
      render(place: string): string;
    };
    const made = await readFile(new URL('lib/fencing/redis/lua.ts', root), 'utf8');
    expect(made).toBe(embed.render('lib/fencing/redis'));
  });

  it.each(Object.entries(lua))('%s opens with what it does and its arguments', (_name, source) => {
    expect(source).toMatch(/^\n-- [A-Z].*\n(-- .*\n)*--\n-- KEYS .*\n-- ARGV .*\n-- reply /);
  });
});
