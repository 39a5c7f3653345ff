import { beforeEach, describe, expect, it } from '@jest/globals';
import { hasOutcomes } from './outcomes.conformance.js';
import { hasQueues } from './queues.conformance.js';
import { keepsReports } from './reports.conformance.js';
import { hasSemaphores } from './semaphores.conformance.js';
import { hasSharedLocks } from './shared-locks.conformance.js';
import { LONG, StoreProbe, type StoreUnderTest } from './store-probe.js';

const HOLDER = { service: 'billing', host: 'worker-1', pid: 4711 };

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

/** What a store may have beside exclusive locks. */
const PARTS = {
  queues: hasQueues,
  sharedLocks: hasSharedLocks,
  semaphores: hasSemaphores,
  outcomes: hasOutcomes,
  reports: keepsReports,
};

/** A token that is none of this lease: one next to it a node may have stored for a moment. */
const FAR = 1_000;

/**
 * What every `LockStore` does, run against the one that `underTest` gives for each test; and what only some
 * have, unless it is among `lacks`.
 */
export function behavesAsLockStore(
  underTest: () => StoreUnderTest,
  lacks: readonly (keyof typeof PARTS)[] = [],
): void {
  let probe: StoreProbe;
  beforeEach(async () => {
    probe = new StoreProbe({ ...underTest(), handsOver: !lacks.includes('queues') });
    await probe.start();
  });

  describe('acquire', () => {
    it('grants a free name, and tells others who has it', async () => {
      const reply = await probe.acquire('a', { holder: HOLDER });
      expect(reply).toMatchObject({ status: 'granted', isWaitedFor: false });
      const { fencingToken } = reply as { fencingToken: number };
      expect(await probe.acquire('b')).toEqual({
        status: 'busy',
        place: 0,
        lease: {
          holder: HOLDER,
          fencingToken,
          since: expect.any(Date),
          remainingMs: expect.any(Number),
          units: 0,
        },
      });
    });

    it('is idempotent for one owner: it keeps the token and counts the ttl anew', async () => {
      const fencingToken = await probe.granted('a', { ttlMs: 300 });
      expect(await probe.granted('a', { ttlMs: LONG })).toBe(fencingToken);
      await probe.pass(350);
      expect(await probe.leaseOf('a')).toMatchObject({ fencingToken });
      expect(await probe.acquire('b')).toMatchObject({ status: 'busy' });
    });

    it('grants a name whose lease has ended', async () => {
      await probe.granted('a', { ttlMs: 50 });
      await probe.pass(100);
      expect(await probe.holders()).toEqual([]);
      await probe.granted('b');
    });

    it('gives tokens that grow: at a release, an expiry, a force, and for an owner that comes again', async () => {
      const tokens = [await probe.granted('a')];
      await probe.release('a');
      tokens.push(await probe.granted('b', { ttlMs: 50 }));
      await probe.pass(100);
      tokens.push(await probe.granted('c'));
      await probe.store.forceRelease(probe.subject);
      tokens.push(await probe.granted('a'));
      expect(tokens.every(Number.isSafeInteger)).toBe(true);
      expect(tokens).toEqual([...new Set(tokens)].sort((x, y) => x - y));
    });

    it('gives a block of tokens, none of which it gives again', async () => {
      await probe.pass(20); // no block is given while tokens are ahead of the clock
      const reply = await probe.acquire('a', { tokens: 64 });
      if (reply.status !== 'granted') throw new Error('it was expected to be granted');
      expect(reply.lastToken).toBe(reply.fencingToken + 63);
      await probe.release('a');
      const next = await probe.acquire('b');
      if (next.status !== 'granted') throw new Error('it was expected to be granted');
      expect(next.fencingToken).toBeGreaterThan(reply.lastToken);
      expect(next.lastToken).toBe(next.fencingToken);
    });
  });

  describe('renew', () => {
    it('sets the lease to its ttl from now, longer or shorter', async () => {
      const fencingToken = await probe.granted('a', { ttlMs: 300 });
      expect(await probe.renew('a', fencingToken)).toBe('renewed');
      await probe.pass(350);
      const { remainingMs } = await probe.leaseOf('a');
      expect(remainingMs).toBeGreaterThan(300);
      expect(remainingMs).toBeLessThanOrEqual(LONG);
      await probe.renew('a', fencingToken, 50);
      await probe.pass(100);
      expect(await probe.holders()).toEqual([]);
    });

    it('never creates a lease', async () => {
      const fencingToken = await probe.granted('a', { ttlMs: 50 });
      await probe.pass(100);
      expect(await probe.renew('a', fencingToken)).toBe('expired');
      expect(await probe.holders()).toEqual([]);
    });

    it('compares the owner and the token, and leaves the lease of others as it is', async () => {
      const fencingToken = await probe.granted('a', { ttlMs: 1_000 });
      for (const [owner, token] of [
        ['b', fencingToken],
        ['a', fencingToken - FAR],
        ['a', fencingToken + FAR],
      ] as const) {
        expect(await probe.renew(owner, token)).toBe('taken-over');
      }
      expect((await probe.leaseOf('a')).remainingMs).toBeLessThanOrEqual(1_000);
    });

    it('answers a batch in its order, each for itself', async () => {
      const names = [1, 2, 3, 4, 5].map((n) => `{${probe.name}}:${n}`);
      const [held, , taken, forced, heldToo] = names as [string, string, string, string, string];
      const tokens = new Map<string, number>();
      for (const name of [held, forced, heldToo]) {
        tokens.set(name, await probe.granted('a', { name }));
      }
      await probe.granted('b', { name: taken });
      await probe.store.forceRelease({ name: forced, kind: 'lock' });
      const request = (name: string) => ({
        name,
        kind: 'lock' as const,
        owner: probe.ownerOf('a', name),
        fencingToken: tokens.get(name) ?? 1,
        ttlMs: LONG,
      });
      const replies = await probe.store.renew(names.map(request));
      expect(replies).toEqual(['renewed', 'expired', 'taken-over', 'forced', 'renewed']);
      expect(await probe.store.renew([])).toEqual([]);
    });
  });

  describe('transfer', () => {
    it('gives the lease to another owner, with its token and a whole ttl', async () => {
      const fencingToken = await probe.granted('a', { ttlMs: 1_000 });
      expect(await probe.transfer('a', fencingToken, 'b')).toBe('renewed');
      const lease = await probe.leaseOf('b');
      expect(lease).toMatchObject({ fencingToken, holder: { host: 'worker-2', pid: 4712 } });
      expect(lease.remainingMs).toBeGreaterThan(1_000);
      expect(await probe.renew('b', fencingToken)).toBe('renewed');
      expect(await probe.release('b', fencingToken)).toBe('released');
      expect(await probe.holders()).toEqual([]);
    });

    it('leaves the former owner nothing', async () => {
      const fencingToken = await probe.granted('a');
      await probe.transfer('a', fencingToken, 'b');
      expect(await probe.renew('a', fencingToken)).toBe('taken-over');
      expect(await probe.transfer('a', fencingToken, 'c')).toBe('taken-over');
      expect(await probe.release('a', fencingToken)).toBe('taken-over');
      expect(await probe.leaseOf('b')).toMatchObject({ fencingToken });
    });

    it('keeps the time of the acquisition', async () => {
      const fencingToken = await probe.granted('a');
      const { since } = await probe.leaseOf('a');
      await probe.pass(30);
      await probe.transfer('a', fencingToken, 'b');
      // Several nodes have clocks of their own.
      const lease = await probe.leaseOf('b');
      expect(Math.abs(lease.since.getTime() - since.getTime())).toBeLessThan(20);
    });

    it('compares the owner and the token, and leaves the lease as it is', async () => {
      const fencingToken = await probe.granted('a', { ttlMs: 1_000 });
      for (const [owner, token] of [
        ['b', fencingToken],
        ['a', fencingToken - FAR],
        ['a', fencingToken + FAR],
      ] as const) {
        expect(await probe.transfer(owner, token, 'c')).toBe('taken-over');
      }
      const lease = await probe.leaseOf('a');
      expect(lease).toMatchObject({ fencingToken });
      expect(lease.remainingMs).toBeLessThanOrEqual(1_000);
    });

    it('never creates a lease, and tells what has become of it', async () => {
      const fencingToken = await probe.granted('a', { ttlMs: 50 });
      await probe.pass(100);
      expect(await probe.transfer('a', fencingToken, 'b')).toBe('expired');
      const next = await probe.granted('c');
      await probe.store.forceRelease(probe.subject);
      expect(await probe.transfer('c', next, 'b')).toBe('forced');
      expect(await probe.holders()).toEqual([]);
    });
  });

  describe('release', () => {
    it('gives the name back, once', async () => {
      const fencingToken = await probe.granted('a');
      expect(await probe.release('a', fencingToken)).toBe('released');
      expect(await probe.holders()).toEqual([]);
      expect(await probe.release('a', fencingToken)).toBe('expired');
    });

    it('gives back whatever the owner holds, when no token was ever told', async () => {
      await probe.granted('a');
      expect(await probe.release('a')).toBe('released');
    });

    it('tells of a lease that has ended', async () => {
      const fencingToken = await probe.granted('a', { ttlMs: 50 });
      await probe.pass(100);
      expect(await probe.release('a', fencingToken)).toBe('expired');
    });

    it('compares the owner and the token, and never frees the lease of others', async () => {
      const fencingToken = await probe.granted('a');
      expect(await probe.release('b', fencingToken)).toBe('taken-over');
      expect(await probe.release('b')).toBe('taken-over');
      const wrong = probe.ownersAreNew ? [] : [fencingToken - 1, fencingToken + 1];
      for (const token of wrong) expect(await probe.release('a', token)).toBe('taken-over');
      expect(await probe.leaseOf('a')).toMatchObject({ fencingToken });
    });

    it('that comes late never frees the next lease of the same owner', async () => {
      const first = await probe.granted('a');
      const former = probe.ownerOf('a');
      await probe.store.forceRelease(probe.subject);
      const fencingToken = await probe.granted('a', { owner: 'a' }); // a new acquisition
      const late = { ...probe.subject, owner: former, fencingToken: first };
      expect(await probe.store.release(late)).toBe('taken-over');
      expect(await probe.leaseOf('a')).toMatchObject({ fencingToken });
    });

    it('keeps the name taken until the shortest hold has passed since the acquisition', async () => {
      const fencingToken = await probe.granted('a');
      expect(await probe.release('a', fencingToken, 500)).toBe('released');
      const reply = await probe.acquire('b');
      expect(reply).toMatchObject({ status: 'busy', lease: { fencingToken } });
      expect((await probe.leaseOf('a')).remainingMs).toBeLessThanOrEqual(500);
      await probe.pass(510);
      expect(await probe.holders()).toEqual([]);
      await probe.granted('b');
    });

    it('frees the name at once where the shortest hold has passed already', async () => {
      const fencingToken = await probe.granted('a');
      await probe.pass(100);
      expect(await probe.release('a', fencingToken, 50)).toBe('released');
      await probe.granted('b');
    });
  });

  describe('inspect', () => {
    it('tells who holds the name, and for how long yet', async () => {
      const before = Date.now();
      const fencingToken = await probe.granted('a', { ttlMs: 10_000, holder: HOLDER });
      await probe.pass(100);
      const record = await probe.inspect();
      expect(record).toMatchObject({ waiting: 0, permits: 0 });
      const [lease] = record.holders;
      expect(lease).toMatchObject({ holder: HOLDER, fencingToken, units: 0 });
      expect(Math.abs(lease!.since.getTime() - before)).toBeLessThan(60_000);
      expect(lease!.remainingMs).toBeGreaterThan(0);
      // A timer may be a moment early.
      expect(lease!.remainingMs).toBeLessThanOrEqual(9_910);
      expect(Object.values(lease!)).not.toContain('a'); // the owner is a secret
      expect(lease).not.toHaveProperty('owner');
    });

    it('tells nothing of a free name', async () => {
      expect(await probe.inspect()).toEqual({ holders: [], waiting: 0, permits: 0 });
    });

    it('tells the holder exactly as it was given', async () => {
      const holder = { service: `"it's" {a} \0 🔒`, host: 'höst', pid: 1 };
      await probe.granted('a', { holder });
      expect((await probe.inspect()).holders[0]!.holder).toEqual(holder);
    });
  });

  describe('forceRelease', () => {
    const force = (fencingToken?: number) => probe.store.forceRelease(probe.subject, fencingToken);

    it('takes the lease away, tells whose it was, and lets that one know', async () => {
      const fencingToken = await probe.granted('a', { holder: HOLDER });
      expect(await force()).toMatchObject([{ holder: HOLDER, fencingToken }]);
      expect(await probe.holders()).toEqual([]);
      expect(await probe.renew('a', fencingToken)).toBe('forced');
      await probe.granted('b');
      expect(await probe.renew('a', fencingToken)).toBe('forced');
      expect(await probe.release('a', fencingToken)).toBe('taken-over');
    });

    it('tells only the one that it was taken from', async () => {
      await probe.granted('a');
      await force();
      const fencingToken = await probe.granted('b');
      expect(await probe.renew('c', fencingToken)).toBe('taken-over');
      expect(await probe.renew('b', fencingToken)).toBe('renewed');
    });

    it('lets the former holder know also after a shorter lease of somebody else', async () => {
      const fencingToken = await probe.granted('a');
      await force();
      await probe.granted('b', { ttlMs: 50 });
      await probe.pass(100);
      expect(await probe.renew('a', fencingToken)).toBe('forced');
    });

    it('takes only the lease with the token that it is given', async () => {
      const fencingToken = await probe.granted('a');
      expect(await force(fencingToken + 1)).toEqual([]);
      expect(await probe.holders()).toEqual(['a']);
      expect(await force(fencingToken)).toHaveLength(1);
      expect(await probe.holders()).toEqual([]);
    });

    it('tells nobody for a free name', async () => {
      expect(await force()).toEqual([]);
    });
  });

  for (const part of Object.keys(PARTS) as (keyof typeof PARTS)[]) {
    if (!lacks.includes(part)) PARTS[part](() => probe, !lacks.includes('queues'));
  }

  describe.each(ODD_NAMES)('a name with %s', (_what, odd) => {
    it('is a name like any other', async () => {
      probe.name = odd;
      await probe.untilTold();
      const fencingToken = await probe.granted('a');
      const variants = [`${odd} `, `${odd}:lease`, odd.normalize('NFC'), odd.toUpperCase()];
      for (const name of variants.filter((near) => near !== odd)) {
        expect((await probe.store.inspect({ name, kind: 'lock' })).holders).toEqual([]);
      }
      expect(await probe.leaseOf('a')).toMatchObject({ fencingToken });
      expect(await probe.renew('a', fencingToken)).toBe('renewed');
      expect(await probe.wait('b')).toBe(1);
      expect(await probe.release('a', fencingToken)).toBe('released');
      await probe.expectItsTurn('b');
      expect(await probe.store.forceRelease(probe.subject)).toHaveLength(1);
      expect(await probe.inspect()).toMatchObject({ holders: [], waiting: 0 });
    });
  });
}
