import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import * as lua from './lua.js';
import { RedisScript, type ScriptClient } from './redis-script.js';

const SOURCE = 'return KEYS[1] .. ARGV[1]';
const SHA1 = createHash('sha1').update(SOURCE).digest('hex');

describe('RedisScript', () => {
  const clientOf = (evalsha: ScriptClient['evalsha'], evaluate?: ScriptClient['eval']) => ({
    evalsha: jest.fn(evalsha),
    eval: jest.fn(evaluate ?? (async () => 'from eval')),
  });

  it('is sent by its hash', async () => {
    const client = clientOf(async () => 'from evalsha');
    expect(await new RedisScript(SOURCE).run(client, ['k'], ['v'])).toBe('from evalsha');
    expect(client.evalsha.mock.calls).toEqual([[SHA1, 1, 'k', 'v']]);
    expect(client.eval).not.toHaveBeenCalled();
  });

  it('is sent in full where the server does not know it', async () => {
    const client = clientOf(() => Promise.reject(new Error('NOSCRIPT No matching script.')));
    expect(await new RedisScript(SOURCE).run(client, ['k'], ['v'])).toBe('from eval');
    expect(client.eval.mock.calls).toEqual([[SOURCE, 1, 'k', 'v']]);
  });

  it.each(['OOM command not allowed', 'Connection is closed.'])(
    'is not sent again after any other error (%s)',
    async (message) => {
      const error = new Error(message);
      const client = clientOf(() => Promise.reject(error));
      await expect(new RedisScript(SOURCE).run(client, ['k'])).rejects.toBe(error);
      expect(client.eval).not.toHaveBeenCalled();
    },
  );

  it('leaves no arguments on its errors: owners are secrets', async () => {
    const fail = (message: string) => () =>
      Promise.reject(Object.assign(new Error(message), { command: { args: ['secret'] } }));
    for (const client of [clientOf(fail('OOM')), clientOf(fail('NOSCRIPT'), fail('WRONGTYPE'))]) {
      const failure = new RedisScript(SOURCE).run(client, ['k'], ['secret']);
      await expect(failure).rejects.toThrow(/OOM|WRONGTYPE/);
      await expect(failure).rejects.not.toHaveProperty('command');
    }
  });
});

describe('lua.ts', () => {
  const root = new URL('../../../', import.meta.url);

  it('is what scripts/embed-lua.mjs makes of the .lua files', async () => {
    const embed = (await import(new URL('scripts/embed-lua.mjs', root).href)) as {
      render(): string;
    };
    const made = await readFile(new URL('lib/stores/redis/lua.ts', root), 'utf8');
    expect(made).toBe(embed.render());
  });

  it.each(Object.entries(lua))('%s opens with what it does and its arguments', (_name, source) => {
    expect(source).toMatch(/^\n-- [A-Z].*\n(-- .*\n)*--\n-- KEYS .*\n(-- .*\n)*-- reply /);
  });

  it.each(Object.entries(lua))(
    '%s neither leaves its database nor reads other keys',
    (_name, source) => {
      expect(source).not.toMatch(/SELECT|\bSCAN|'KEYS'|redis\.call\('\w+', '/);
    },
  );
});
