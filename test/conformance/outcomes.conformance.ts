import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type {
  OnceRequest,
  Outcome,
  OutcomeRecord,
  ResolveRequest,
} from '../../lib/stores/outcome.interface.js';
import { type Asked, LONG, type StoreProbe } from './store-probe.js';

const ODD_NAMES = [`it's "quoted" \\`, 'order:{42}:pay', '}{', 'a\r\nb\0c', '🔒 ü', '__proto__'];

const holderOf = (owner: string) => ({ service: owner, host: 'worker-1', pid: 4711 });

/**
 * How it is known of what must be done once whether it is done.
 *
 * @param handsOver whether a name that is given back goes to who waits by itself
 */
export function hasOutcomes(probeUnderTest: () => StoreProbe, handsOver: boolean): void {
  const whereHandedOver = (title: string, test: () => Promise<void>): void => {
    // oxlint-disable-next-line jest/expect-expect, jest/valid-title -- both are the caller's
    if (handsOver) it(title, test);
  };

  describe('what is done once', () => {
    let probe: StoreProbe;
    let job: string;
    beforeEach(() => {
      probe = probeUnderTest();
      job = `job:${randomUUID()}`;
    });

    const once = (part: Partial<OnceRequest> = {}): OnceRequest => ({
      job,
      onUnknown: 'hold',
      keepMs: Infinity,
      ...part,
    });
    const ask = (owner: string, part: Partial<OnceRequest> = {}, asked: Asked = {}) =>
      probe.acquire(owner, { ...asked, once: once(part) });
    const wait = (owner: string, part: Partial<OnceRequest> = {}, asked: Asked = {}) =>
      probe.wait(owner, { ...asked, once: once(part) });
    const begin = (owner: string, part: Partial<OnceRequest> = {}, asked: Asked = {}) =>
      probe.granted(owner, { ...asked, once: once(part) });
    const force = () => probe.store.forceRelease(probe.subject);

    /** Begins, and loses its lease before it could tell how it ended. */
    const beginAndLose = async (owner: string, part: Partial<OnceRequest> = {}) => {
      const token = await begin(owner, part);
      await force();
      return token;
    };

    type Told = Partial<Extract<Outcome, { kind: 'processed' }>>;
    const processed = (owner: string, told: Told = {}): Outcome => ({
      kind: 'processed',
      job,
      holder: holderOf(owner),
      retentionMs: Infinity,
      ...told,
    });
    const succeed = (owner: string, token: number, told: Told = {}) =>
      probe.release(owner, token, undefined, processed(owner, told));
    const leaveOpen = (owner: string, token?: number) =>
      probe.release(owner, token, undefined, { kind: 'open', job });

    const read = () => probe.outcomes.read(probe.name);
    /** The record, which there must be. */
    const recorded = async (): Promise<OutcomeRecord> => {
      const record = await read();
      if (!record) throw new Error('a record was expected');
      return record;
    };
    const attempts = async () =>
      (await recorded()).attempts.map(({ holder, outcome }) => `${holder.service} ${outcome}`);

    describe('and has begun', () => {
      it('is running, and it is told who is at it, without the secret', async () => {
        const reply = await ask('a', {}, { holder: holderOf('billing') });
        expect(reply).toMatchObject({ status: 'granted' });
        expect(reply).not.toHaveProperty('unknown', expect.anything());
        const { fencingToken } = await probe.leaseOf('billing');
        const record = await recorded();
        expect(record).toEqual({
          name: probe.name,
          job,
          state: 'running',
          attempts: [
            {
              fencingToken,
              holder: holderOf('billing'),
              since: expect.any(Date),
              outcome: 'running',
            },
          ],
          processedAt: null,
          expiresAt: null,
        });
        expect(Math.abs(record.attempts[0]!.since.getTime() - Date.now())).toBeLessThan(60_000);
        expect(record).not.toHaveProperty('owner');
      });

      it('is begun once, however often its owner asks', async () => {
        const token = await begin('a');
        const before = await read();
        expect(await begin('a', { onUnknown: 'retry' })).toBe(token);
        expect(await begin('a', { onUnknown: 'ask' }, { number: 2 })).toBe(token);
        expect(await read()).toEqual(before);
      });

      it('is not begun by those that find the name taken, or wait', async () => {
        expect(await read()).toBeNull();
        const token = await probe.granted('a');
        expect(await ask('b')).toMatchObject({ status: 'busy', place: 0 });
        expect(await wait('c')).toBe(1);
        expect(await read()).toBeNull();
        await probe.release('c');
        await probe.release('a', token);
        await begin('a');
        const before = await read();
        expect(await ask('b', { onUnknown: 'retry' })).toMatchObject({ status: 'busy' });
        expect(await read()).toEqual(before);
      });

      whereHandedOver('is begun by who was handed the name, with the next question', async () => {
        const first = await begin('a');
        await wait('b');
        await leaveOpen('a', first);
        const token = await probe.expectHandOver('b');
        expect(await read()).toBeNull();
        expect(await begin('b')).toBe(token);
        expect(await attempts()).toEqual(['b running']);
        expect(await recorded()).toMatchObject({ attempts: [{ fencingToken: token }] });
      });

      it('goes on with its lease in the hands of another owner', async () => {
        const token = await begin('a');
        // As whoever is given a lease over several nodes.
        expect(await probe.transfer('a', token, 'b.1')).toBe('renewed');
        expect(await attempts()).toEqual(['a running']);
        expect(await begin('b.1')).toBe(token);
        expect(await attempts()).toEqual(['a running']);
        expect(await succeed('b.1', token)).toBe('released');
        expect(await attempts()).toEqual(['a processed']);
      });

      it('leaves locks alone that are asked for without it', async () => {
        await succeed('a', await begin('a'));
        const before = await read();
        const token = await probe.granted('b');
        expect(await probe.release('b', token)).toBe('released');
        expect(await read()).toEqual(before);
      });
    });

    describe('and was left open', () => {
      it('has no record any more', async () => {
        const token = await begin('a');
        expect(await leaveOpen('a', token)).toBe('released');
        expect(await read()).toBeNull();
        expect(await leaveOpen('a', token)).toBe('expired');
        await begin('b');
      });

      it('has none either where no answer ever told its token', async () => {
        await begin('a');
        expect(await leaveOpen('a')).toBe('released');
        expect(await read()).toBeNull();
      });

      it('has none either where its lease was lost and nobody came', async () => {
        const token = await beginAndLose('a');
        expect(await leaveOpen('a', token)).toBe('expired');
        expect(await read()).toBeNull();
      });

      it('is left to the one that took over, beside what failed', async () => {
        const first = await beginAndLose('a', { onUnknown: 'retry' });
        const second = await begin('b', { onUnknown: 'retry' });
        expect(await leaveOpen('a')).toBe('taken-over'); // whichever attempt that was
        expect(await attempts()).toEqual(['a unknown', 'b running']);
        expect(await leaveOpen('a', first)).toBe('taken-over');
        expect(await attempts()).toEqual(['a failed', 'b running']);
        expect(await probe.leaseOf('b')).toMatchObject({ fencingToken: second });
      });

      it('is not forgotten by an owner with another token, nor by another owner', async () => {
        const token = await begin('a');
        const wrong: [string, number?][] = [['b', token + 1], ['b']];
        if (!probe.ownersAreNew) wrong.push(['a', token + 1]);
        for (const claim of wrong) expect(await leaveOpen(...claim)).toBe('taken-over');
        expect(await attempts()).toEqual(['a running']);
        expect(await probe.leaseOf('a')).toMatchObject({ fencingToken: token });
      });
    });

    describe('and has an outcome that nobody knows', () => {
      it('is unknown after a loss, a force, and a release that tells none', async () => {
        await begin('a', {}, { ttlMs: 50 });
        await probe.pass(60);
        expect(await recorded()).toMatchObject({ state: 'unknown', processedAt: null });
        const second = await begin('b', { onUnknown: 'retry' });
        await force();
        expect(await attempts()).toEqual(['a unknown', 'b unknown']);
        expect(await probe.renew('b', second)).toBe('forced');
        const third = await begin('c', { onUnknown: 'retry' });
        expect((await recorded()).state).toBe('running');
        expect(await probe.release('c', third)).toBe('released');
        expect((await recorded()).state).toBe('unknown');
        expect(await attempts()).toEqual(['a unknown', 'b unknown', 'c unknown']);
      });

      it('begins anew with "retry", which tells what was left behind', async () => {
        const first = await beginAndLose('a');
        const before = await recorded();
        const reply = await ask('b', { onUnknown: 'retry' });
        expect(reply).toMatchObject({ status: 'granted', unknown: before });
        expect(before.attempts).toMatchObject([{ fencingToken: first, outcome: 'unknown' }]);
        expect(await attempts()).toEqual(['a unknown', 'b running']);
        const again = await ask('b', { onUnknown: 'retry' });
        expect(again).not.toHaveProperty('unknown', expect.anything());
      });

      it('is refused with "hold", even while somebody else holds the name', async () => {
        await begin('a');
        expect(await ask('b')).toMatchObject({ status: 'busy' }); // it is running
        await force();
        const record = await read();
        expect(await ask('b')).toEqual({ status: 'unknown', record });
        expect(await probe.holders()).toEqual([]);
        await probe.granted('c');
        expect(await ask('b', {}, { number: 1 })).toEqual({ status: 'unknown', record });
        expect(await probe.inspect()).toMatchObject({ holders: [{}], waiting: 0 });
      });

      whereHandedOver(
        'is refused with "hold" to who was handed the name, which goes to the next in the same step',
        async () => {
          await begin('a');
          for (const owner of ['b', 'c']) await wait(owner);
          await force();
          await probe.expectHandOver('b');
          expect(await ask('b')).toMatchObject({ status: 'unknown', record: { state: 'unknown' } });
          expect(await probe.holders()).toEqual(['c']);
          await probe.expectHandOver('c');
          expect(await attempts()).toEqual(['a unknown']);
        },
      );

      it('stays as it was with "ask", until the same owner begins with "retry"', async () => {
        await beginAndLose('a');
        const before = await recorded();
        const reply = await ask('b', { onUnknown: 'ask' });
        expect(reply).toMatchObject({ status: 'granted', unknown: before });
        expect(await ask('b', { onUnknown: 'ask' })).toMatchObject({ unknown: before });
        expect(await read()).toEqual(before);
        expect(await ask('c')).toMatchObject({ status: 'unknown' });
        const { fencingToken } = await probe.leaseOf('b');
        const second = await ask('b', { onUnknown: 'retry' });
        expect(second).toMatchObject({ status: 'granted', fencingToken, unknown: before });
        expect(await attempts()).toEqual(['a unknown', 'b running']);
      });

      it('begins at once with "ask" where nothing is unknown', async () => {
        const reply = await ask('a', { onUnknown: 'ask' });
        expect(reply).not.toHaveProperty('unknown', expect.anything());
        expect(await attempts()).toEqual(['a running']);
      });

      it('is what it was after an "ask" that failed, and processed if it was found to be', async () => {
        await beginAndLose('a');
        const before = await read();
        expect(await leaveOpen('b', await begin('b', { onUnknown: 'ask' }))).toBe('released');
        expect(await read()).toEqual(before);
        const token = await begin('c', { onUnknown: 'ask' });
        expect(await succeed('c', token, { holder: holderOf('told') })).toBe('released');
        expect(await attempts()).toEqual(['a unknown', 'told processed']);
        expect(await recorded()).toMatchObject({ state: 'processed', attempts: [{}, {}] });
      });

      it('keeps the last eight attempts', async () => {
        for (let i = 0; i < 10; i++) await beginAndLose(`a${i}`, { onUnknown: 'retry' });
        expect(await attempts()).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((i) => `a${i} unknown`));
      });
    });

    describe('and is processed', () => {
      it('is refused, and it is told who did it, when, and what came of it', async () => {
        const token = await begin('a');
        const told = { result: `{"it's":"\\u0000 ü🔒"}`, fingerprint: 'f', resultMissing: 'no "}' };
        expect(await succeed('a', token, told)).toBe('released');
        const record = await recorded();
        expect(record).toMatchObject({ state: 'processed', job, expiresAt: null, ...told });
        expect(record.attempts).toMatchObject([{ fencingToken: token, outcome: 'processed' }]);
        expect(Math.abs(record.processedAt!.getTime() - Date.now())).toBeLessThan(60_000);
        for (const onUnknown of ['retry', 'hold', 'ask'] as const) {
          expect(await ask('b', { onUnknown })).toEqual({ status: 'processed', record });
        }
        expect(await probe.holders()).toEqual([]);
        expect(await read()).toEqual(record);
      });

      whereHandedOver(
        'is refused to who was handed the name, which goes to the next in the same step',
        async () => {
          const token = await begin('a');
          for (const owner of ['b', 'c']) await wait(owner);
          await succeed('a', token);
          await probe.expectHandOver('b');
          expect(await attempts()).toEqual(['a processed']);
          expect(await ask('b')).toMatchObject({
            status: 'processed',
            record: { state: 'processed' },
          });
          expect(await probe.holders()).toEqual(['c']);
          await probe.expectHandOver('c');
        },
      );

      it('costs its place who waits while somebody else holds the name', async () => {
        await succeed('a', await begin('a'));
        await probe.granted('b');
        await probe.wait('c');
        expect(await ask('c', {}, { number: 2 })).toMatchObject({ status: 'processed' });
        expect(await probe.inspect()).toMatchObject({ holders: [{}], waiting: 0 });
        expect(await probe.holders()).toEqual(['b']);
      });

      it('keeps the name taken until the shortest hold has passed', async () => {
        const token = await begin('a');
        expect(await probe.release('a', token, LONG, processed('a'))).toBe('released');
        expect(await attempts()).toEqual(['a processed']);
        expect(await probe.acquire('b')).toMatchObject({ status: 'busy' });
        expect(await ask('b')).toMatchObject({ status: 'processed' });
      });

      it('is marked once: a repetition changes nothing, and is told that it was released', async () => {
        const token = await begin('a');
        await succeed('a', token, { result: '1' });
        const record = await read();
        const again = { result: '2', retentionMs: 10_000 };
        expect(await succeed('a', token, again)).toBe('released');
        await probe.granted('b');
        expect(await succeed('a', token, again)).toBe('released');
        expect(await read()).toEqual(record);
        expect(await probe.holders()).toEqual(['b']);
      });

      it('is marked also where the lease was lost, and by whom nothing is known any more', async () => {
        const token = await beginAndLose('a');
        expect(await succeed('a', token, { result: '1' })).toBe('expired');
        expect(await recorded()).toMatchObject({ state: 'processed', result: '1' });
        expect(await attempts()).toEqual(['a late']);
        await probe.outcomes.clear(probe.name, job, 'processed');
        expect(await succeed('a', token, { holder: holderOf('told') })).toBe('expired');
        expect(await recorded()).toMatchObject({ name: probe.name, job, state: 'processed' });
        expect(await attempts()).toEqual(['told late']);
      });

      it('is marked by one that comes late beside a present holder, which keeps its lease', async () => {
        const first = await beginAndLose('a');
        const second = await begin('b', { onUnknown: 'retry' });
        const told = { result: '1', fingerprint: 'f' };
        expect(await succeed('a', first, { ...told, retentionMs: 10_000 })).toBe('taken-over');
        const record = await recorded();
        expect(record).toMatchObject({ state: 'processed', ...told });
        expect(await attempts()).toEqual(['a late', 'b running']);
        expect(await succeed('a', first, { result: '2' })).toBe('taken-over'); // once more
        expect(await read()).toEqual(record);
        expect(await probe.renew('b', second)).toBe('renewed');
        expect(await succeed('b', second, { result: '3', fingerprint: 'g' })).toBe('released');
        expect(await attempts()).toEqual(['a late', 'b processed']);
        const { processedAt } = record;
        expect(await recorded()).toMatchObject({ state: 'processed', ...told, processedAt });
      });

      it('stays so when the one that took over fails, or is lost', async () => {
        const first = await beginAndLose('a');
        const second = await begin('b', { onUnknown: 'retry' });
        await succeed('a', first);
        await force();
        expect(await attempts()).toEqual(['a late', 'b unknown']);
        expect(await leaveOpen('b', second)).toBe('expired');
        expect(await attempts()).toEqual(['a late', 'b failed']);
        expect((await recorded()).state).toBe('processed');
      });

      it('is kept for as long as the longest retention', async () => {
        const first = await beginAndLose('a');
        const second = await beginAndLose('b', { onUnknown: 'retry' });
        const third = await begin('c', { onUnknown: 'retry' });
        await succeed('a', first, { retentionMs: 10_000 });
        const { expiresAt } = await recorded();
        expect(Math.abs(expiresAt!.getTime() - Date.now() - 10_000)).toBeLessThan(5_000);
        await succeed('b', second, { retentionMs: 50 });
        expect((await recorded()).expiresAt).toEqual(expiresAt);
        await succeed('c', third);
        expect((await recorded()).expiresAt).toBeNull();
      });
    });

    it('is forgotten when its time is over, whether processed, running or unknown', async () => {
      const names = ['processed', 'running', 'unknown'].map((what) => `${probe.name}:${what}`);
      for (const name of names) {
        probe.name = name;
        const token = await begin('a', { keepMs: 50 });
        if (name.endsWith('processed')) await succeed('a', token, { retentionMs: 50 });
        if (name.endsWith('unknown')) await force();
      }
      await probe.pass(60);
      expect(await probe.outcomes.count(job)).toEqual({ processed: 0, begun: 0 });
      for (const which of ['processed', 'begun'] as const) expect(await namesOf(which)).toEqual([]);
      for (const name of names) {
        probe.name = name;
        expect(await read()).toBeNull();
        const reply = await ask('a');
        expect(reply).toMatchObject({ status: 'granted' });
        expect(reply).not.toHaveProperty('unknown', expect.anything());
        expect(await attempts()).toEqual(['a running']);
      }
    });

    describe('with a fingerprint', () => {
      it('is refused where it was begun with another one, whatever its state', async () => {
        const token = await begin('a', { fingerprint: 'f' });
        const expectMismatch = async () => {
          const record = await read();
          const other = { fingerprint: 'g', onUnknown: 'retry' } as const;
          expect(record).toMatchObject({ fingerprint: 'f' });
          expect(await ask('b', other)).toEqual({ status: 'mismatch', record });
          expect(await ask('b', other, { number: 1 })).toEqual({ status: 'mismatch', record });
          expect((await probe.inspect()).waiting).toBe(0);
        };
        await expectMismatch();
        expect(await ask('b', { fingerprint: 'f' })).toMatchObject({ status: 'busy' });
        await force();
        await expectMismatch();
        await succeed('a', token);
        await expectMismatch();
        expect(await ask('b')).toMatchObject({ status: 'processed' });
        expect(await probe.holders()).toEqual([]);
      });

      whereHandedOver(
        'is refused to who was handed the name, which goes to the next in the same step',
        async () => {
          await begin('a', { fingerprint: 'f' });
          await probe.wait('b');
          await wait('c');
          await force();
          expect(await ask('b', { fingerprint: 'g' })).toMatchObject({ status: 'mismatch' });
          expect(await probe.holders()).toEqual(['c']);
        },
      );

      it('keeps it until another is told, and takes one where it had none', async () => {
        await beginAndLose('a', { fingerprint: 'f' });
        const token = await begin('b', { onUnknown: 'retry' });
        expect(await recorded()).toMatchObject({ fingerprint: 'f' });
        await succeed('b', token);
        expect(await recorded()).toMatchObject({ fingerprint: 'f' });
        probe.name += ':2';
        await beginAndLose('a');
        expect(await recorded()).not.toHaveProperty('fingerprint', expect.anything());
        const second = await begin('b', { onUnknown: 'retry', fingerprint: 'f' });
        expect(await recorded()).toMatchObject({ fingerprint: 'f' });
        await succeed('b', second, { fingerprint: 'g' });
        expect(await recorded()).toMatchObject({ fingerprint: 'g' });
      });
    });

    describe('and was never run after it had been begun', () => {
      const takeBack = (owner: string, token?: number) =>
        probe.release(owner, token, undefined, { kind: 'unbegun', job });

      it('is open again', async () => {
        expect(await takeBack('a', await begin('a'))).toBe('released');
        expect(await read()).toBeNull();
        await begin('b');
        expect(await takeBack('b')).toBe('released'); // no answer ever told its token
        expect(await read()).toBeNull();
      });

      it('is as unknown as it was, and for as long', async () => {
        await beginAndLose('a', { keepMs: Infinity });
        const before = await read();
        expect(before).toMatchObject({ state: 'unknown', expiresAt: null });
        const token = await begin('b', { onUnknown: 'retry', keepMs: 1_000 });
        expect(await read()).toMatchObject({ state: 'running', expiresAt: null });
        expect(await takeBack('b', token)).toBe('released');
        expect(await read()).toEqual(before);
        expect(await ask('c', { onUnknown: 'hold' })).toMatchObject({ status: 'unknown' });
      });
    });

    describe('resolve', () => {
      const resolve = async (decision: ResolveRequest['decision'], retentionMs = Infinity) => {
        const holder = holderOf('operator');
        const fencingToken = (await read())?.attempts.at(-1)?.fencingToken ?? 0;
        const { name } = probe;
        const asked = { name, job, fencingToken, decision, retentionMs, holder };
        return probe.outcomes.resolve(asked);
      };

      it('finds nothing to decide where somebody has begun anew since', async () => {
        const decided = await begin('a');
        await probe.store.forceRelease(probe.subject);
        await begin('b', { onUnknown: 'retry' });
        await probe.store.forceRelease(probe.subject);
        const { name } = probe;
        const asked = { name, job, retentionMs: 1_000, holder: holderOf('operator') };
        for (const decision of ['processed', 'retry'] as const) {
          const late = { ...asked, fencingToken: decided, decision };
          expect(await probe.outcomes.resolve(late)).toBe('none');
          expect(await attempts()).toEqual(['a unknown', 'b unknown']);
        }
      });

      it('finds nothing to decide where nothing is unknown, and leaves who is at it alone', async () => {
        for (const decision of ['processed', 'retry'] as const) {
          probe.name += `:${decision}`;
          expect(await resolve(decision)).toBe('none');
          expect(await read()).toBeNull();
          const token = await begin('a');
          expect(await resolve(decision)).toBe('running');
          expect(await attempts()).toEqual(['a running']);
          await succeed('a', token);
          expect(await resolve(decision)).toBe('none');
          expect(await attempts()).toEqual(['a processed']);
        }
      });

      it('forgets what is to be tried again', async () => {
        await beginAndLose('a');
        expect(await resolve('retry')).toBe('resolved');
        expect(await read()).toBeNull();
        await begin('b');
      });

      it('marks as processed, beside what began, and tells who said so', async () => {
        const token = await beginAndLose('a');
        expect(await resolve('processed', 10_000)).toBe('resolved');
        const record = await recorded();
        expect(record).toMatchObject({
          state: 'processed',
          processedAt: expect.any(Date),
          expiresAt: expect.any(Date),
          attempts: [
            { fencingToken: token, outcome: 'unknown' },
            {
              fencingToken: 0,
              holder: holderOf('operator'),
              since: expect.any(Date),
              outcome: 'resolved',
            },
          ],
        });
        expect(await ask('b', { onUnknown: 'retry' })).toEqual({ status: 'processed', record });
        expect(await succeed('a', token)).toBe('expired');
        expect(await attempts()).toEqual(['a late', 'operator resolved']);
        expect(await recorded()).toMatchObject({
          processedAt: record.processedAt,
          expiresAt: null,
        });
      });
    });

    it('is forgotten by a clear that knows its state', async () => {
      const clear = (state: 'processed' | 'unknown') =>
        probe.outcomes.clear(probe.name, job, state);
      const expectCleared = async (state: 'processed' | 'unknown') => {
        expect(await clear(state === 'unknown' ? 'processed' : 'unknown')).toBe(false);
        expect(await read()).not.toBeNull();
        expect(await clear(state)).toBe(true);
        expect(await read()).toBeNull();
        expect(await clear(state)).toBe(false);
      };
      await beginAndLose('a');
      await expectCleared('unknown');
      const token = await begin('a');
      for (const state of ['processed', 'unknown'] as const) expect(await clear(state)).toBe(false);
      await succeed('a', token);
      await expectCleared('processed');
      expect(await probe.outcomes.count(job)).toEqual({ processed: 0, begun: 0 });
    });

    it('is listed and counted by its job, and by whether it is processed', async () => {
      const counts = () => probe.outcomes.count(job);
      expect(await counts()).toEqual({ processed: 0, begun: 0 });
      const names = ODD_NAMES.toSorted();
      const tokens = new Map<string, number>();
      for (const name of names) tokens.set(name, await begin('a', {}, { name }));
      await begin('a', { job: `${job}:2` });
      expect(await namesOf('begun')).toEqual(names);
      expect(await namesOf('processed')).toEqual([]);
      const [left, unknown, ...others] = names as [string, string, ...string[]];
      for (const name of others) {
        probe.name = name;
        await succeed('a', tokens.get(name)!);
        expect(await recorded()).toMatchObject({ name, state: 'processed' });
      }
      probe.name = unknown;
      await force();
      probe.name = left;
      await leaveOpen('a', tokens.get(left));
      expect(await namesOf('begun')).toEqual([unknown]);
      expect(await namesOf('processed')).toEqual(others);
      expect(await counts()).toEqual({ processed: others.length, begun: 1 });
      expect(await probe.outcomes.count(`${job}:2`)).toEqual({ processed: 0, begun: 1 });
    });

    /** All pages of the names of the job. */
    async function namesOf(which: 'processed' | 'begun'): Promise<string[]> {
      const found = new Set<string>();
      let cursor: string | undefined;
      do {
        const page = await probe.outcomes.names(job, which, cursor);
        for (const name of page.names) found.add(name);
        ({ cursor } = page);
      } while (cursor !== undefined);
      return [...found].sort();
    }
  });
}
