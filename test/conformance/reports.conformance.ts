import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type {
  ProcessRecord,
  Report,
  ReportedName,
  ReportStore,
  Subject,
  ToldEvent,
} from 'nestjs-locker';
import type { StoreProbe } from './store-probe.js';

const PROCESS = { service: 'billing', host: 'worker-1', pid: 4711 };
const WAITS = { buckets: [1, 0, 2], sumMs: 17 };

const lock = (name: string, fencingToken: number): ReportedName => ({
  name,
  kind: 'lock',
  fencingToken,
});

/** A process that tells of itself, as a `Reporter` does. */
class Teller {
  readonly id = randomUUID();
  private readonly names = new Map<string, ReportedName>();
  private number = 0;
  private readonly startedAt = new Date(Date.now() - 60_000);

  constructor(private readonly reports: ReportStore) {}

  record(part: Partial<ProcessRecord> = {}): ProcessRecord {
    return {
      id: this.id,
      process: PROCESS,
      startedAt: this.startedAt,
      reportedAt: new Date(),
      held: this.names.size,
      waiting: 0,
      counts: { acquired: 1, busy: 0, released: 0, lost: 0 },
      waits: WAITS,
      ...part,
    };
  }

  tell(added: readonly ReportedName[], part: Partial<Report> = {}): Promise<void> {
    for (const name of added) this.names.set(`${name.kind} ${name.name}`, name);
    for (const { kind, name } of part.removed ?? []) this.names.delete(`${kind} ${name}`);
    const all = [...this.names.values()];
    return this.reports.write({
      number: ++this.number,
      record: this.record(),
      expiresInMs: 60_000,
      isSignOfLife: true,
      added,
      removed: [],
      names: { size: all.length, all: () => all },
      events: [],
      jobs: [],
      ...part,
    });
  }

  /** Something that is told never arrives. */
  lose(added: readonly ReportedName[]): void {
    for (const name of added) this.names.set(`${name.kind} ${name.name}`, name);
    this.number++;
  }
}

/** That processes can tell what they hold, and others read it. */
export function keepsReports(probeUnderTest: () => StoreProbe): void {
  describe('what processes tell', () => {
    let probe: StoreProbe;
    let reports: ReportStore;
    let teller: Teller;
    beforeEach(() => {
      probe = probeUnderTest();
      reports = probe.store.reports!;
      teller = new Teller(reports);
    });

    const recordOf = async ({ id }: Teller) =>
      (await reports.processes()).find((record) => record.id === id);
    const namesOf = ({ id }: Teller, after?: ReportedName, count = 100) =>
      reports.names(id, after, count);

    it('is read as it was told, with its times', async () => {
      const record = teller.record({ held: 7, waiting: 3 });
      await teller.tell([], { record });
      expect(await recordOf(teller)).toEqual(record);
    });

    it('is of each process, and the newest of each', async () => {
      const other = new Teller(reports);
      await teller.tell([lock('a', 1)]);
      await other.tell([lock('b', 2), lock('c', 3)]);
      await teller.tell([lock('d', 4)]);
      expect(await recordOf(teller)).toMatchObject({ held: 2 });
      expect(await recordOf(other)).toMatchObject({ held: 2 });
      expect(await namesOf(other)).toEqual([lock('b', 2), lock('c', 3)]);
    });

    it('are names in the order of their tokens, with what has come and gone since', async () => {
      await teller.tell([lock('c', 3), lock('a', 1)]);
      expect(await namesOf(teller)).toEqual([lock('a', 1), lock('c', 3)]);
      const removed: Subject[] = [{ kind: 'lock', name: 'a' }];
      await teller.tell([lock('b', 2)], { removed });
      expect(await namesOf(teller)).toEqual([lock('b', 2), lock('c', 3)]);
      await teller.tell([lock('c', 9)]);
      expect(await namesOf(teller)).toEqual([lock('b', 2), lock('c', 9)]);
      expect(await reports.names(randomUUID(), undefined, 10)).toEqual([]);
    });

    it('tells locks from semaphores of the same name', async () => {
      const semaphore = { ...lock('a', 2), kind: 'semaphore' as const };
      await teller.tell([lock('a', 1), semaphore]);
      await teller.tell([], { removed: [{ name: 'a', kind: 'lock' }] });
      expect(await namesOf(teller)).toEqual([semaphore]);
    });

    it('pages names, also where many have one token', async () => {
      const same = Array.from({ length: 25 }, (_, i) => lock(`same:${i + 10}`, 5));
      const all = [lock('first', 1), ...same, lock('last', 9)];
      await teller.tell(all);
      for (const count of [1, 4, 26, 27, 28]) {
        const found: ReportedName[] = [];
        for (;;) {
          const page = await namesOf(teller, found.at(-1), count);
          found.push(...page);
          if (page.length < count) break;
        }
        expect(found).toEqual(all);
      }
    });

    it('bears any name', async () => {
      const odd = [`it's "quoted" \\`, '{42}', 'a\r\nb\0c', '🔒 ü', '__proto__', '*[a]?', 'ﬀ', '€'];
      const names = odd.map((name, i) => lock(name, i + 1));
      await teller.tell(names);
      expect(await namesOf(teller)).toEqual(names);
      for (const [i, each] of names.entries()) {
        expect(await reports.tokensOf(each, [teller.id, randomUUID()])).toEqual([i + 1, undefined]);
      }
      await teller.tell([], { removed: names });
      expect(await namesOf(teller)).toEqual([]);
    });

    it('has all names again after a report that did not arrive', async () => {
      await teller.tell([lock('a', 1)]);
      teller.lose([lock('b', 2)]);
      await teller.tell([lock('c', 3)]);
      expect(await namesOf(teller)).toEqual([lock('a', 1), lock('b', 2), lock('c', 3)]);
    });

    it('bears thousands of names at once', async () => {
      const many = Array.from({ length: 3_500 }, (_, i) => lock(`n:${i}`, i + 1));
      await teller.tell([lock('zero', 0)]);
      await teller.tell(many);
      expect(await namesOf(teller, many[2_999], 1_000)).toEqual(many.slice(3_000));
      await teller.tell([], { removed: many });
      expect(await namesOf(teller)).toEqual([lock('zero', 0)]);
    });

    it('is gone with the process', async () => {
      await teller.tell([lock('a', 1)]);
      await reports.remove(teller.id);
      expect(await recordOf(teller)).toBeUndefined();
      expect(await namesOf(teller)).toEqual([]);
      await teller.tell([lock('b', 2)]); // it was not
      expect(await namesOf(teller)).toEqual([lock('a', 1), lock('b', 2)]);
    });

    it('is gone where nothing came after it for too long', async () => {
      const dead = new Teller(reports);
      await dead.tell([lock('a', 1)], { expiresInMs: 100 });
      await teller.tell([lock('b', 2)]);
      await probe.pass(150);
      expect(await recordOf(dead)).toBeUndefined();
      expect(await namesOf(dead)).toEqual([]);
      expect(await recordOf(teller)).toBeDefined();
    });

    const eventOf = (text: string, part: Partial<ToldEvent> = {}): ToldEvent => ({
      id: randomUUID(),
      at: new Date(),
      process: PROCESS,
      type: 'lost',
      text,
      ...part,
    });

    it('has events, the newest first', async () => {
      const at = Date.now() + 1_000;
      const [first, second, third] = [1, 2, 3].map((i) =>
        eventOf(`event ${i}`, { at: new Date(at + i) }),
      ) as [ToldEvent, ToldEvent, ToldEvent];
      await teller.tell([], { events: [first, { ...second, name: 'a' }] });
      await reports.tell([{ ...third, actor: 'kim' }]);
      const told = [{ ...third, actor: 'kim' }, { ...second, name: 'a' }, first];
      expect((await reports.events(1_000)).slice(0, 3)).toEqual(told);
      expect(await reports.events(1)).toEqual(told.slice(0, 1));
    });

    it('keeps about a thousand events', async () => {
      const many = Array.from({ length: 1_500 }, (_, i) => eventOf(`event ${i}`));
      await reports.tell(many);
      const kept = await reports.events(2_000);
      expect(kept.length).toBeGreaterThanOrEqual(1_000);
      expect(kept.length).toBeLessThan(1_200);
    });

    it('has the jobs that were met, the last one first, and at most a thousand', async () => {
      const [a, b] = [`a:${randomUUID()}`, `b:${randomUUID()}`];
      await teller.tell([], { jobs: [a] });
      await probe.pass(2);
      await teller.tell([], { jobs: [b] });
      expect(await reports.jobs(2)).toEqual([b, a]);
      await probe.pass(2);
      const many = Array.from({ length: 1_010 }, () => randomUUID());
      await teller.tell([], { jobs: many });
      const kept = await reports.jobs(2_000);
      expect(kept).toHaveLength(1_000);
      expect(kept).not.toContain(a);
    });
  });
}
