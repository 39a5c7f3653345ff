import { beforeEach, describe, expect, it } from '@jest/globals';
import { TestLockStore } from '../../testing/test-lock.store.js';
import type { AcquireRequest, ReleaseRequest } from '../lock-store.interface.js';
import { MemoryLockStore } from './memory-lock.store.js';
import { MemoryOutcomes } from './memory-outcomes.js';

const HOLDER = { service: 'billing', host: 'worker-1', pid: 4711 };
const SUBJECT = { name: 'invoice:42', kind: 'lock' } as const;

const request = (keepMs = Infinity): AcquireRequest => ({
  ...SUBJECT,
  units: 0,
  permits: 0,
  tokens: 1,
  owner: 'a',
  ttlMs: 50,
  holder: HOLDER,
  once: { job: 'invoice', onUnknown: 'hold', keepMs },
});

// What every store does with outcomes is in test/conformance/outcomes.conformance.ts.
describe('outcomes in memory', () => {
  it('forget expired records that nobody asks for, when there are twice as many', () => {
    let time = 0;
    const outcomes = new MemoryOutcomes({ now: () => time, leasesOf: () => undefined });
    const begin = (name: string, keepMs: number) => {
      const asked = { ...request(keepMs), name };
      outcomes.begin(asked, asked.once!, 1);
    };
    for (let i = 0; i < 1_000; i++) begin(`${i}`, i < 10 ? Infinity : 50);
    time = 50;
    expect(outcomes['records'].size).toBe(1_000);
    begin('another', Infinity);
    expect(outcomes['records'].size).toBe(11);
  });

  it('see one time in one step, also where a lease ends just then', async () => {
    for (let startsAt = 40; startsAt < 55; startsAt++) {
      let time = 0;
      const clock = { now: () => time++, setTimer: () => ({ clear() {} }) };
      const store = new MemoryLockStore(clock);
      const first = await store.acquire(request());
      time = startsAt;
      const second = await store.acquire(request());
      // It has not ended yet, and is renewed; or it has, and then its outcome is unknown.
      const isRenewed = 'fencingToken' in second && 'fencingToken' in first;
      expect(isRenewed ? second.fencingToken - first.fencingToken : second.status).toBe(
        isRenewed ? 0 : 'unknown',
      );
    }
  });
});

describe('outcomes in the store for tests', () => {
  let store: TestLockStore;
  beforeEach(() => {
    store = new TestLockStore();
  });
  const state = async () => (await store.outcomes.read(SUBJECT.name))?.state;

  it('are unknown after a loss', async () => {
    await store.acquire(request());
    await store.forceLose(SUBJECT.name);
    expect(await state()).toBe('unknown');
    await store.free(SUBJECT.name);
    expect(await store.acquire(request())).toMatchObject({ status: 'unknown' });
  });

  it('are told by steps that fail only if these are applied', async () => {
    store.fail('acquire');
    await expect(store.acquire(request())).rejects.toThrow('acquire was made to fail');
    expect(await state()).toBeUndefined();
    store.fail('acquire', { applied: true });
    await expect(store.acquire(request())).rejects.toThrow('acquire was made to fail');
    expect(await state()).toBe('running');
    const outcome = { kind: 'processed', job: 'invoice', holder: HOLDER, retentionMs: 1 } as const;
    const release: ReleaseRequest = { ...SUBJECT, owner: 'a', outcome };
    store.fail('release');
    await expect(store.release(release)).rejects.toThrow('release was made to fail');
    expect(await state()).toBe('running');
    store.fail('release', { applied: true });
    await expect(store.release(release)).rejects.toThrow('release was made to fail');
    expect(await store.outcomes.read(SUBJECT.name)).toMatchObject({
      state: 'processed',
      attempts: [{ outcome: 'processed' }], // what the owner holds, as it tells no token
    });
  });
});
