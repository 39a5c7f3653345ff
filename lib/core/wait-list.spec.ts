import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WaitingProcess } from '../../test/support/waiting-process.js';
import { ManualClock } from '../testing/manual.clock.js';
import { TestLockStore } from '../testing/test-lock.store.js';
import type { LeaseGrant } from './lease.js';
import type { WaitListener } from './wait.js';

describe('WaitList', () => {
  let clock: ManualClock;
  let store: TestLockStore;
  let process: WaitingProcess;
  let acquire: jest.SpiedFunction<TestLockStore['acquire']>;
  let granted: string[];
  beforeEach(() => {
    granted = [];
    clock = new ManualClock();
    store = new TestLockStore(clock);
    process = new WaitingProcess(store, clock);
    acquire = jest.spyOn(store, 'acquire');
  });

  const start = async (name: string) => {
    await store.busy(name);
    const listener: WaitListener = {
      hasFollowers: false,
      granted: (grant: LeaseGrant) => granted.push(grant.name),
      answered: () => undefined,
      failed: () => undefined,
    };
    const exclusive = { name, kind: 'lock', units: 0, permits: 0 } as const;
    return process.startWait({ ...exclusive, ttlMs: 30_000 }, listener);
  };
  const askedAt = () => {
    const times: Record<string, number[]> = {};
    acquire.mockImplementation((request) => {
      (times[request.name] ??= []).push(clock.now());
      return TestLockStore.prototype.acquire.call(store, request);
    });
    return times;
  };

  it('has those ask together that would ask soon after each other', async () => {
    const times = askedAt();
    await start('a');
    await clock.advance(100);
    await start('b');
    await clock.advance(1_950);
    expect(times['a']!.slice(1)).toEqual(times['b']!.slice(1));
    expect(times['a']).toHaveLength(3);
  });

  it('hands on what the store tells, to the one that it is for', async () => {
    await start('a');
    await start('b');
    await clock.advance(0);
    await store.free('b');
    await clock.advance(0);
    expect(granted).toEqual(['b']);
  });

  it('bears a hand-over that nobody waits for', () => {
    const handOver = { owner: 'nobody', registrationNumber: 1, fencingToken: 1, lastToken: 1 };
    expect(() => process.waits.onHandOver({ ...handOver, isWaitedFor: false })).not.toThrow();
  });

  it('has all ask at once when hand-overs may have been missed', async () => {
    await start('a');
    await start('b');
    await clock.advance(100);
    acquire.mockClear();
    process.waits.onReconnect();
    expect(acquire.mock.calls.map(([{ name }]) => name)).toEqual(['a', 'b']);
  });

  it('has those ask soon that wait for a name that became free, and no others', async () => {
    const times = askedAt();
    await start('a');
    await start('b');
    await clock.advance(100);
    process.waits.onFreed('a');
    await clock.advance(10);
    expect(times['a']).toHaveLength(2);
    expect(times['b']).toHaveLength(1);
  });

  it('does not miss a name that becomes free before the first answer has come', async () => {
    const times = askedAt();
    await start('a');
    process.waits.onFreed('a');
    await clock.advance(10);
    expect(times['a']).toHaveLength(2);
  });

  it('tells once and for all that the store tells nothing', () => {
    const error = new Error('NOPERM');
    process.waits.onSilence(error);
    expect(process.events).toEqual([{ type: 'polling', error }]);
  });

  it('sleeps when nobody waits any more', async () => {
    const waits = [await start('a'), await start('b')];
    await clock.advance(0);
    for (const wait of waits) wait.stop();
    await clock.advance(5_000);
    acquire.mockClear();
    const setTimer = jest.spyOn(clock, 'setTimer');
    await clock.advance('1 hour');
    expect(acquire).not.toHaveBeenCalled();
    expect(setTimer).not.toHaveBeenCalled();
  });
});
