import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { HOLDER, WaitingProcess } from '../../test/support/waiting-process.js';
import { LockStoreError } from '../lock.errors.js';
import type { AcquireReply, HandOver } from '../stores/lock-store.interface.js';
import { ManualClock } from '../testing/manual.clock.js';
import { TestLockStore } from '../testing/test-lock.store.js';
import { driftOf } from './clock.js';
import { type LeaseGrant } from './lease.js';
import { WaitList } from './wait-list.js';
import type { WaitAnswer, WaitListener } from './wait.js';

const CLAIM = 3_000;
const A = { name: 'a', kind: 'lock' } as const;
const EXCLUSIVE = { ...A, units: 0, permits: 0 };

describe('Wait', () => {
  let clock: ManualClock;
  let store: TestLockStore;
  let process: WaitingProcess;
  let acquire: jest.SpiedFunction<TestLockStore['acquire']>;
  const granted = jest.fn<(grant: LeaseGrant) => void>();
  const answered = jest.fn<(answer: WaitAnswer) => void>();
  const failed = jest.fn<(error: LockStoreError) => void>();
  beforeEach(() => {
    for (const mock of [granted, answered, failed]) mock.mockReset();
    clock = new ManualClock();
    store = new TestLockStore(clock);
    process = new WaitingProcess(store, clock);
    acquire = jest.spyOn(store, 'acquire');
  });

  const start = (hasFollowers = false, ttlMs = 30_000) => {
    const listener: WaitListener = { hasFollowers, granted, answered, failed };
    return process.startWait({ ...EXCLUSIVE, ttlMs }, listener);
  };
  const grant = () => granted.mock.calls[0]?.[0];
  const numbers = () => acquire.mock.calls.map(([{ registration }]) => registration?.number);
  const holders = async () => (await store.inspect(A)).holders.map(({ holder }) => holder.service);

  /** What the store does at once is answered so much later. */
  const answerLate = (ms: number) =>
    acquire.mockImplementationOnce(async (request) => {
      const reply = await TestLockStore.prototype.acquire.call(store, request);
      await new Promise<void>((resolve) => clock.setTimer(resolve, ms));
      return reply;
    });

  it('is granted a free name for its ttl, counted from before the question', async () => {
    answerLate(500);
    start();
    await clock.advance(500);
    expect(grant()).toMatchObject({ sentAt: 0, lengthMs: 30_000, beganAt: 0, isWaitedFor: false });
    expect(acquire).toHaveBeenCalledTimes(1);
    expect(answered).not.toHaveBeenCalled();
  });

  it('asks for a block of tokens if others of the process wait, too', async () => {
    start(true);
    start(false);
    expect(acquire.mock.calls.map(([{ tokens }]) => tokens)).toEqual([64, 1]);
  });

  it('asks for a block for later in any case: others may have come by then', async () => {
    start(false);
    expect(acquire.mock.calls[0]![0].registration).toMatchObject({ tokens: 64 });
  });

  it('registers again, each time with a new number, every third of what a place lasts', async () => {
    await store.busy('a');
    start();
    await clock.advance(CLAIM * 2 - 1);
    expect(numbers()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(answered.mock.calls.at(-1)![0]).toMatchObject({
      place: 1,
      lease: { holder: { pid: 1 } },
    });
  });

  it('keeps its place for no longer than its ttl', async () => {
    await store.busy('a');
    start(false, 600);
    await clock.advance(1_000);
    expect(acquire.mock.calls[0]![0].registration!.claimMs).toBe(600);
    expect(numbers().length).toBeGreaterThanOrEqual(5);
  });

  it('asks when the lease in its way ends', async () => {
    await store.acquire({ ...EXCLUSIVE, owner: 'x', ttlMs: 400, tokens: 1, holder: HOLDER });
    start();
    await clock.advance(402);
    expect(grant()).toMatchObject({ lengthMs: CLAIM });
    expect(acquire.mock.calls.length).toBeLessThanOrEqual(3);
  });

  it('asks often where nobody tells of hand-overs, at times of its own', async () => {
    store.tellsHandOvers = () => false;
    await store.busy('a');
    start();
    await clock.advance(2_000);
    expect(acquire.mock.calls.length).toBeGreaterThan(10);
    expect(acquire.mock.calls.length).toBeLessThan(40);
  });

  describe('that is handed the name', () => {
    beforeEach(async () => {
      await store.busy('a');
    });

    it('counts it from when the registration was sent that it rests on, and holds it from now', async () => {
      start();
      await clock.advance(1_400);
      const sentAt = 1_000 - CLAIM / 3 / 12; // the second, sent a little early or in time
      await store.free('a');
      await clock.advance(0);
      expect(grant()).toMatchObject({ lengthMs: CLAIM, beganAt: 1_400 });
      expect(grant()!.sentAt).toBeGreaterThanOrEqual(sentAt);
      expect(grant()!.sentAt).toBeLessThanOrEqual(1_000);
    });

    it('asks no more', async () => {
      start();
      await clock.advance(0);
      await store.free('a');
      await clock.advance('1 minute');
      expect(acquire).toHaveBeenCalledTimes(1);
      expect(granted).toHaveBeenCalledTimes(1);
    });

    it('keeps it, although the answer to a registration from before comes after', async () => {
      start();
      await clock.advance(0);
      answerLate(500);
      await clock.advance(1_200); // registered again, not answered yet
      await store.free('a');
      await clock.advance(0);
      expect(granted).toHaveBeenCalledTimes(1);
      await clock.advance(1_000);
      expect(await holders()).toEqual(['billing']);
    });

    it('learns it from the answer if it was not told', async () => {
      const wait = start();
      await clock.advance(0);
      process.waits.onHandOver = () => undefined;
      await store.free('a');
      await clock.advance(CLAIM / 3);
      expect(grant()).toMatchObject({ owner: wait.owner, lengthMs: CLAIM });
      expect(granted).toHaveBeenCalledTimes(1);
    });

    /** Frees the name; the message about it is delivered when it is told to be. */
    const freeAndHoldBackMessage = async () => {
      let handOver!: HandOver;
      const { waits } = process;
      waits.onHandOver = (told) => (handOver = told);
      await store.free('a');
      await Promise.resolve();
      return () => WaitList.prototype.onHandOver.call(waits, handOver);
    };

    it('has it confirmed first when it is told too late', async () => {
      start();
      await clock.advance(0);
      const renew = jest.spyOn(store, 'renew');
      const deliver = await freeAndHoldBackMessage();
      clock.freeze(CLAIM - driftOf(CLAIM) + 1);
      deliver();
      await new Promise((resolve) => setImmediate(resolve));
      expect(renew).toHaveBeenCalledTimes(1);
      expect(grant()).toMatchObject({
        sentAt: clock.now(),
        lengthMs: 30_000,
        beganAt: clock.now(),
      });
    });

    it('lets those go first whose time is over', async () => {
      const wait = start();
      await clock.advance(0);
      const renew = jest.spyOn(store, 'renew');
      const deliver = await freeAndHoldBackMessage();
      clock.freeze(CLAIM - driftOf(CLAIM) + 1);
      answered.mockImplementation(() => wait.stop());
      deliver();
      await new Promise((resolve) => setImmediate(resolve));
      expect(renew).not.toHaveBeenCalled();
      expect(await holders()).toEqual([]);
    });

    it('begins again as another where the store has it no more', async () => {
      const wait = start();
      const { owner } = wait;
      await clock.advance(0);
      const deliver = await freeAndHoldBackMessage();
      clock.freeze(CLAIM * 2);
      deliver();
      await clock.advance(3_000);
      expect(grant()!.owner).toBe(wait.owner);
      expect(wait.owner).not.toBe(owner);
      expect(await holders()).toEqual(['billing']);
    });
  });

  it('begins again as another when its first grant came after the ttl', async () => {
    acquire.mockImplementationOnce(async (request) => {
      const reply = await TestLockStore.prototype.acquire.call(store, request);
      clock.freeze(1_200);
      return reply;
    });
    start(false, 1_000);
    await clock.advance(100);
    const [first, second] = acquire.mock.calls.map(([{ owner }]) => owner);
    expect(grant()).toMatchObject({ owner: second });
    expect(second).not.toBe(first);
    expect(await holders()).toEqual(['billing']);
  });

  describe('that cannot ask', () => {
    it('is over if that was the first time, and leaves nothing behind', async () => {
      store.fail('acquire', { applied: true });
      start();
      await clock.advance(0);
      expect(failed.mock.calls[0]![0]).toBeInstanceOf(LockStoreError);
      expect(await holders()).toEqual([]);
      await clock.advance('1 minute');
      expect(acquire).toHaveBeenCalledTimes(1);
    });

    it('tells it, and asks again soon, if it was asked before', async () => {
      await store.busy('a');
      start();
      await clock.advance(0);
      store.fail('acquire', { times: 3 });
      await clock.advance(CLAIM / 3 + 700);
      expect(answered.mock.calls.slice(1, 4).map(([answer]) => answer)).toEqual([
        expect.any(LockStoreError),
        expect.any(LockStoreError),
        expect.any(LockStoreError),
      ]);
      expect(failed).not.toHaveBeenCalled();
      await store.free('a');
      await clock.advance(0);
      expect(granted).toHaveBeenCalledTimes(1);
    });
  });

  describe('that is stopped', () => {
    it('leaves the queue, and hears no more', async () => {
      await store.busy('a');
      const wait = start();
      await clock.advance(0);
      wait.stop();
      wait.stop();
      await clock.advance(0);
      expect((await store.inspect(A)).waiting).toBe(0);
      await store.free('a');
      await clock.advance('1 minute');
      expect(granted).not.toHaveBeenCalled();
      expect(await holders()).toEqual([]);
    });

    it('gives back what was handed over to it meanwhile', async () => {
      await store.busy('a');
      const wait = start();
      await clock.advance(0);
      const freeing = store.free('a');
      wait.stop();
      await freeing;
      await clock.advance(0);
      expect(granted).not.toHaveBeenCalled();
      expect(await holders()).toEqual([]);
    });

    it('gives back what is granted by an answer that comes later', async () => {
      answerLate(1_000);
      const wait = start();
      await clock.advance(0);
      wait.stop();
      await clock.advance(5_000);
      expect(granted).not.toHaveBeenCalled();
      expect(await holders()).toEqual([]);
    });

    it('leaves a queue that it enters by a question that arrives later', async () => {
      await store.busy('a');
      let arrive!: () => void;
      acquire.mockImplementationOnce(async (request): Promise<AcquireReply> => {
        await new Promise<void>((resolve) => (arrive = resolve));
        return TestLockStore.prototype.acquire.call(store, request);
      });
      const wait = start();
      wait.stop();
      await clock.advance(100);
      arrive();
      await clock.advance(0);
      expect((await store.inspect(A)).waiting).toBe(0);
    });
  });
});
