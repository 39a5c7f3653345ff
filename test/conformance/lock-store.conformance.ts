import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { LockStore } from 'nestjs-locker';

/** A store under test, and how its time passes. */
export interface StoreUnderTest {
  readonly store: LockStore;
  /** Lets at least so many milliseconds of the store's time pass. */
  readonly pass: (ms: number) => Promise<unknown>;
}

const LONG = 60_000;
const HOLDER = { service: 'billing', host: 'worker-1', pid: 4711 };
const OTHER = { service: 'reports', host: 'worker-2', pid: 42 };

const ODD_NAMES: [string, string][] = [
  ['quotes', `it's "quoted" \`here\` \\`],
  ['braces', '{'],
  ['a tag of its own', 'order:{42}:pay'],
  ['an empty tag', 'order:{}:pay'],
  ['reversed braces', '}{'],
  ['NUL', 'a\0b'],
  ['a newline', 'a\r\nb'],
  ['an emoji', '🔒:👩‍👩‍👧'],
  ['decomposed', 'e\u0301'],
  ['a property of every object', '__proto__'],
  ['4 KiB', 'ü'.repeat(2048)],
];

/** What every `LockStore` does, run against the one that `underTest` gives for each test. */
export function behavesAsLockStore(underTest: () => StoreUnderTest): void {
  let store: LockStore;
  let pass: StoreUnderTest['pass'];
  let name: string;
  beforeEach(async () => {
    ({ store, pass } = underTest());
    name = `conformance:${randomUUID()}`;
    await store.connect();
  });

  const acquire = (owner: string, options: { ttlMs?: number; name?: string } = {}) =>
    store.acquire({ name, owner, ttlMs: LONG, holder: HOLDER, ...options });

  const granted = async (...args: Parameters<typeof acquire>): Promise<number> => {
    const reply = await acquire(...args);
    if (reply.status !== 'granted') throw new Error('it was expected to be granted');
    return reply.fencingToken;
  };

  describe('acquire', () => {
    it('grants a free name, and tells others who has it', async () => {
      const fencingToken = await granted('a');
      const reply = await store.acquire({ name, owner: 'b', ttlMs: LONG, holder: OTHER });
      expect(reply).toEqual({
        status: 'busy',
        lease: {
          holder: HOLDER,
          fencingToken,
          since: expect.any(Date),
          remainingMs: expect.any(Number),
        },
      });
    });

    it('is idempotent for one owner: it keeps the token and counts the ttl anew', async () => {
      const fencingToken = await granted('a', { ttlMs: 200 });
      expect(await granted('a', { ttlMs: LONG })).toBe(fencingToken);
      await pass(250);
      expect(await store.inspect(name)).toMatchObject({ fencingToken });
      expect(await acquire('b')).toMatchObject({ status: 'busy' });
    });

    it('grants a name whose lease has ended', async () => {
      await granted('a', { ttlMs: 50 });
      await pass(60);
      expect(await store.inspect(name)).toBeNull();
      await granted('b');
    });

    it('gives tokens that grow: at a release, an expiry, a force, and for an owner that comes again', async () => {
      const tokens = [await granted('a')];
      await store.release({ name, owner: 'a' });
      tokens.push(await granted('b', { ttlMs: 50 }));
      await pass(60);
      tokens.push(await granted('c'));
      await store.forceRelease(name);
      tokens.push(await granted('a'));
      expect(tokens.every(Number.isSafeInteger)).toBe(true);
      expect(tokens).toEqual([...new Set(tokens)].sort((x, y) => x - y));
    });
  });

  describe('renew', () => {
    it('sets the lease to its ttl from now, longer or shorter', async () => {
      const fencingToken = await granted('a', { ttlMs: 200 });
      expect(await store.renew([{ name, owner: 'a', fencingToken, ttlMs: LONG }])).toEqual([
        'renewed',
      ]);
      await pass(250);
      const lease = await store.inspect(name);
      expect(lease!.remainingMs).toBeGreaterThan(200);
      expect(lease!.remainingMs).toBeLessThanOrEqual(LONG);
      await store.renew([{ name, owner: 'a', fencingToken, ttlMs: 50 }]);
      await pass(60);
      expect(await store.inspect(name)).toBeNull();
    });

    it('never creates a lease', async () => {
      const fencingToken = await granted('a', { ttlMs: 50 });
      await pass(60);
      const claim = { name, owner: 'a', fencingToken };
      expect(await store.renew([{ ...claim, ttlMs: LONG }])).toEqual(['expired']);
      expect(await store.inspect(name)).toBeNull();
    });

    it('compares the owner and the token, and leaves the lease of others as it is', async () => {
      const fencingToken = await granted('a', { ttlMs: 1_000 });
      const others = [
        { name, owner: 'b', fencingToken, ttlMs: LONG },
        { name, owner: 'a', fencingToken: fencingToken - 1, ttlMs: LONG },
        { name, owner: 'a', fencingToken: fencingToken + 1, ttlMs: LONG },
      ];
      expect(await store.renew(others)).toEqual(['taken-over', 'taken-over', 'taken-over']);
      expect((await store.inspect(name))!.remainingMs).toBeLessThanOrEqual(1_000);
    });

    it('answers a batch in its order, each for itself', async () => {
      const [held, never, taken, forced, heldToo] = [1, 2, 3, 4, 5].map((n) => `{${name}}:${n}`);
      const tokens = new Map<string, number>();
      for (const each of [held!, forced!, heldToo!]) {
        tokens.set(each, await granted('a', { name: each }));
      }
      await granted('b', { name: taken! });
      await store.forceRelease(forced!);
      const request = (each: string) => ({
        name: each,
        owner: 'a',
        fencingToken: tokens.get(each) ?? 1,
        ttlMs: LONG,
      });
      const replies = await store.renew([held!, never!, taken!, forced!, heldToo!].map(request));
      expect(replies).toEqual(['renewed', 'expired', 'taken-over', 'forced', 'renewed']);
      expect(await store.renew([])).toEqual([]);
    });
  });

  describe('release', () => {
    it('gives the name back, once', async () => {
      const fencingToken = await granted('a');
      expect(await store.release({ name, owner: 'a', fencingToken })).toBe('released');
      expect(await store.inspect(name)).toBeNull();
      expect(await store.release({ name, owner: 'a', fencingToken })).toBe('expired');
    });

    it('gives back whatever the owner holds, when no token was ever told', async () => {
      await granted('a');
      expect(await store.release({ name, owner: 'a' })).toBe('released');
    });

    it('tells of a lease that has ended', async () => {
      const fencingToken = await granted('a', { ttlMs: 50 });
      await pass(60);
      expect(await store.release({ name, owner: 'a', fencingToken })).toBe('expired');
    });

    it('compares the owner and the token, and never frees the lease of others', async () => {
      const fencingToken = await granted('a');
      for (const claim of [
        { owner: 'b', fencingToken },
        { owner: 'b' },
        { owner: 'a', fencingToken: fencingToken - 1 },
        { owner: 'a', fencingToken: fencingToken + 1 },
      ]) {
        expect(await store.release({ name, ...claim })).toBe('taken-over');
      }
      expect(await store.inspect(name)).toMatchObject({ fencingToken });
    });
  });

  describe('inspect', () => {
    it('tells who holds the name, and for how long yet', async () => {
      const before = Date.now();
      const fencingToken = await granted('a', { ttlMs: 10_000 });
      await pass(100);
      const lease = await store.inspect(name);
      expect(lease).toMatchObject({ holder: HOLDER, fencingToken });
      expect(Math.abs(lease!.since.getTime() - before)).toBeLessThan(60_000);
      expect(lease!.remainingMs).toBeGreaterThan(0);
      expect(lease!.remainingMs).toBeLessThanOrEqual(9_900);
      expect(Object.values(lease!)).not.toContain('a'); // the owner is a secret
      expect(lease).not.toHaveProperty('owner');
    });

    it('answers null for a free name', async () => {
      expect(await store.inspect(name)).toBeNull();
    });
  });

  describe('forceRelease', () => {
    it('takes the lease away, tells whose it was, and lets that one know', async () => {
      const fencingToken = await granted('a');
      expect(await store.forceRelease(name)).toMatchObject({ holder: HOLDER, fencingToken });
      expect(await store.inspect(name)).toBeNull();
      const renewal = { name, owner: 'a', fencingToken, ttlMs: LONG };
      expect(await store.renew([renewal])).toEqual(['forced']);
      await granted('b');
      expect(await store.renew([renewal])).toEqual(['forced']);
      expect(await store.release({ name, owner: 'a', fencingToken })).toBe('taken-over');
    });

    it('tells only the one that it was taken from', async () => {
      await granted('a');
      await store.forceRelease(name);
      const fencingToken = await granted('b');
      expect(await store.renew([{ name, owner: 'c', fencingToken, ttlMs: LONG }])).toEqual([
        'taken-over',
      ]);
      expect(await store.renew([{ name, owner: 'b', fencingToken, ttlMs: LONG }])).toEqual([
        'renewed',
      ]);
    });

    it('answers null for a free name', async () => {
      expect(await store.forceRelease(name)).toBeNull();
    });
  });

  describe.each(ODD_NAMES)('a name with %s', (_what, odd) => {
    it('is a name like any other', async () => {
      const fencingToken = await granted('a', { name: odd });
      const variants = [`${odd} `, `${odd}:lease`, odd.normalize('NFC'), odd.toUpperCase()];
      for (const near of variants.filter((name) => name !== odd)) {
        expect(await store.inspect(near)).toBeNull();
      }
      expect(await store.inspect(odd)).toMatchObject({ holder: HOLDER, fencingToken });
      const renewal = { name: odd, owner: 'a', fencingToken, ttlMs: LONG };
      expect(await store.renew([renewal])).toEqual(['renewed']);
      expect(await store.release({ name: odd, owner: 'a', fencingToken })).toBe('released');
      await granted('a', { name: odd });
      expect(await store.forceRelease(odd)).toMatchObject({ holder: HOLDER });
      expect(await store.inspect(odd)).toBeNull();
    });
  });

  it('tells the holder exactly as it was given', async () => {
    const holder = { service: `"it's" {a} \0 🔒`, host: 'höst', pid: 1 };
    await store.acquire({ name, owner: 'a', ttlMs: LONG, holder });
    expect((await store.inspect(name))!.holder).toEqual(holder);
  });
}
