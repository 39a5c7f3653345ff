import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { keysOf } from './redis-keys.js';
import { StepBatcher } from './step-batcher.js';

const STEP_ARGUMENTS_BEGIN_AT = 3;

describe('StepBatcher', () => {
  /** Keys and arguments of each script call. */
  let sent: { keys: string[]; args: string[] }[];
  let batcher: StepBatcher;
  const answer = jest.fn<(args: string[]) => Promise<unknown>>();
  beforeEach(() => {
    sent = [];
    batcher = batcherOn({});
    answer.mockReset();
    answer.mockImplementation(async (args) => args.slice(STEP_ARGUMENTS_BEGIN_AT));
  });

  const batcherOn = (part: Partial<Redis>) => {
    const evalsha = (_sha: string, count: number, ...rest: string[]) => {
      const [keys, args] = [rest.slice(0, count), rest.slice(count)];
      sent.push({ keys, args });
      return answer(args);
    };
    const client = { evalsha, isCluster: false, ...part } as unknown as Redis;
    return new StepBatcher(client, (group) => `channel${group}`);
  };

  // As if every step had one argument, with which the script answers.
  const run = (name: string, { group = '', holder = '' } = {}) =>
    batcher.run(group, keysOf('lock', { name, kind: 'lock' }), [name], (reply) => reply, holder);

  it('sends the steps of one turn in one call, in their order', async () => {
    expect(await Promise.all(['a', 'b', 'c'].map((name) => run(name)))).toEqual(['a', 'b', 'c']);
    expect(sent).toHaveLength(1);
    const [{ keys, args }] = sent as [(typeof sent)[0]];
    expect(args).toEqual(['PUBLISH', 'channel', '', 'a', 'b', 'c']);
    const a = keysOf('lock', { name: 'a', kind: 'lock' });
    expect(keys.slice(0, 4)).toEqual([a.lease, a.queue, a.waiters, a.tokenCounter]);
    expect(keys).toHaveLength(12);
  });

  it('sends what is started in another turn in another call', async () => {
    const first = run('a');
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([first, run('b')]);
    expect(sent).toHaveLength(2);
  });

  it('has what comes while the server is at work travel together, whatever started it', async () => {
    let reply: (value: unknown) => void = () => undefined;
    answer.mockImplementationOnce(() => new Promise((resolve) => (reply = resolve)));
    const busy = run('busy');
    const started = ['a', 'b'].map(
      (name) => new Promise((resolve) => setImmediate(() => resolve(run(name)))),
    );
    expect(await Promise.all(started)).toEqual(['a', 'b']);
    reply(['busy']);
    expect(await busy).toBe('busy');
    expect(sent.map(({ args }) => args.slice(STEP_ARGUMENTS_BEGIN_AT))).toEqual([
      ['busy'],
      ['a', 'b'],
    ]);
  });

  it('asks a server that has nothing to do at the end of the callback, not of the turn', async () => {
    const first = run('a');
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(sent).toHaveLength(1);
    expect(await first).toBe('a');
  });

  it('also takes along what is started by the end of the turn', async () => {
    const first = run('a');
    await Promise.resolve();
    await Promise.all([first, run('b')]);
    expect(sent).toHaveLength(1);
  });

  it('sends the groups of a Cluster apart, each with its own channel', async () => {
    batcher = batcherOn({ isCluster: true } as never);
    const steps = [run('a', { group: '1' }), run('b', { group: '2' }), run('c', { group: '1' })];
    expect(await Promise.all(steps)).toEqual(['a', 'b', 'c']);
    expect(sent.map(({ args }) => args)).toEqual([
      ['SPUBLISH', 'channel1', '', 'a', 'c'],
      ['SPUBLISH', 'channel2', '', 'b'],
    ]);
  });

  it('sends no more than a few hundred steps at once, and full calls without delay', async () => {
    const steps = Array.from({ length: 601 }, (_, i) => run(`n${i}`));
    const sizes = () => sent.map(({ keys }) => keys.length / 4);
    const before = sizes();
    expect(before.length).toBeGreaterThan(1);
    expect(new Set(before).size).toBe(1);
    expect(before[0]).toBeLessThanOrEqual(256);
    expect(await Promise.all(steps)).toEqual(steps.map((_step, i) => `n${i}`));
    expect(sizes().reduce((sum, size) => sum + size)).toBe(601);
    expect(sizes()).toHaveLength(before.length + 1);
  });

  it('names the holder once for all steps, and those of another one apart', async () => {
    await Promise.all([
      run('a'),
      run('b', { holder: 'me' }),
      run('c', { holder: 'me' }),
      run('d'),
      run('e', { holder: 'you' }),
      run('f'),
    ]);
    expect(sent.map(({ args }) => args.slice(2))).toEqual([
      ['me', 'a', 'b', 'c', 'd'],
      ['you', 'e', 'f'],
    ]);
  });

  it('fails a step alone where the script says so', async () => {
    answer.mockResolvedValue(['a', [-2, 'WRONGTYPE of somebody else'], 'c']);
    const [a, b, c] = await Promise.allSettled([run('a'), run('b'), run('c')]);
    expect([a, c]).toMatchObject([{ value: 'a' }, { value: 'c' }]);
    expect(b).toMatchObject({ reason: new Error('WRONGTYPE of somebody else') });
  });

  it('fails all with the error of the call, and goes on with the next', async () => {
    const error = new Error('Connection is closed.');
    answer.mockRejectedValueOnce(error);
    const results = await Promise.allSettled([run('a'), run('b')]);
    expect(results.map((each) => (each as PromiseRejectedResult).reason)).toEqual([error, error]);
    expect(await run('c')).toBe('c');
  });

  it('fails a step alone whose reply cannot be read', async () => {
    const keys = keysOf('lock', { name: 'a', kind: 'lock' });
    const unreadable = batcher.run('', keys, ['a'], () => {
      throw new TypeError('not JSON');
    });
    const [a, b] = await Promise.allSettled([unreadable, run('b')]);
    expect(a).toMatchObject({ reason: new TypeError('not JSON') });
    expect(b).toMatchObject({ value: 'b' });
  });
});
