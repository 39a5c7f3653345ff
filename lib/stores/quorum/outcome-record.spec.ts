import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  beginning,
  clearance,
  decision,
  failure,
  lateness,
  type OutcomeChange,
  success,
  unbegun,
} from './outcome-changes.js';
import { entryFrom, join, NOTHING, type OutcomeEntry, textOf } from './outcome-record.js';
import { recordOf, standingOf } from './outcome-view.js';

const RUNS = 200;
const HOLDER = { service: 'billing', host: 'worker-1', pid: 4711 };
const JOB = 'invoice';
const NOW = 1_000_000;

const processed = (part: object = {}) =>
  ({ kind: 'processed', job: JOB, holder: HOLDER, retentionMs: Infinity, ...part }) as const;
const begin = (token: number, keepMs = Infinity, now = NOW): OutcomeChange =>
  beginning({
    token,
    owner: `o${token}.1`,
    holder: HOLDER,
    now,
    once: { job: JOB, onUnknown: 'retry', keepMs },
  });
const succeed = (token: number, part: object = {}, now = NOW): OutcomeChange =>
  success({ token, owner: `o${token}`, now, told: processed(part) });
const fail = (token: number, now = NOW): OutcomeChange =>
  failure({ owner: `o${token}`, token }, now);
const neverRan = (token: number): OutcomeChange => unbegun({ owner: `o${token}`, token });
const decide = (fencingToken: number, which: 'processed' | 'retry'): OutcomeChange =>
  decision(
    { name: 'n', job: JOB, fencingToken, decision: which, retentionMs: Infinity, holder: HOLDER },
    NOW,
  );

const after = (...changes: OutcomeChange[]): OutcomeEntry =>
  changes.reduce((entry, change) => change(entry), NOTHING);
const read = (entry: OutcomeEntry, now = NOW) =>
  recordOf('n', standingOf(entry, now), (token) => token === 99);
const told = (entry: OutcomeEntry, now = NOW) => {
  const record = read(entry, now);
  return record && [record.state, ...record.attempts.map(({ outcome }) => outcome)].join(' ');
};

// Many of few: so that they meet.
const token = fc.nat({ max: 20 }).map((n) => n + 1);
const now = fc.constantFrom(NOW, NOW + 5, NOW + 60);
const lasting = fc.constantFrom(Infinity, 50, 10_000);
const change: fc.Arbitrary<OutcomeChange> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(token, lasting, now).map((all) => begin(...all)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(token, lasting, now, fc.constantFrom('1', '2', undefined))
      .map(([t, retentionMs, at, result]) => succeed(t, { retentionMs, result }, at)),
  },
  fc.tuple(token, now).map((all) => fail(...all)),
  token.map(neverRan),
  token.map(lateness),
  fc
    .tuple(token, fc.constantFrom('processed' as const, 'retry' as const))
    .map((all) => decide(...all)),
  fc.constant<OutcomeChange>((entry) => clearance(entry)(entry)),
);
/** What a node may know: some of what has happened, in its own order. */
const entry = fc.array(change, { maxLength: 25, size: 'max' }).map((all) => after(...all));

const check = (property: fc.IProperty<never>): void =>
  fc.assert(property as fc.IProperty<unknown>, { numRuns: RUNS, seed: 1 });
const same = (one: OutcomeEntry, other: OutcomeEntry): void => {
  // oxlint-disable-next-line jest/no-standalone-expect -- every property ends here
  expect(textOf(one)).toBe(textOf(other));
};

describe('What two nodes know of an element', () => {
  // oxlint-disable-next-line jest/expect-expect -- `same` expects
  it('comes to the same in whatever order it is put together', () => {
    check(
      fc.property(entry, entry, entry, (a, b, c) => {
        same(join(a, b), join(b, a));
        same(join(join(a, b), c), join(a, join(b, c)));
        same(join(a, a), a);
        same(join(a, join(a, b)), join(a, b));
      }) as never,
    );
  });

  it('is the same when it is read again from what was written', () => {
    check(
      fc.property(entry, (a) => {
        same(entryFrom(textOf(a)), a);
        expect(entryFrom(textOf(a))).toEqual(a);
      }) as never,
    );
  });

  // oxlint-disable-next-line jest/expect-expect -- `same` expects
  it('may be changed twice in the same way, also with more that has become known meanwhile', () => {
    check(
      fc.property(entry, entry, change, (a, b, changed) => {
        const once = changed(a);
        const joined = join(once, b);
        same(join(joined, changed(joined)), join(changed(joined), joined));
        same(join(changed(once), once), join(once, changed(once)));
      }) as never,
    );
  });

  it('leaves processed what one of them knows to be processed, unless that was cleared', () => {
    check(
      fc.property(entry, entry, token, (a, b, t) => {
        const marked = succeed(t, {}, NOW)(a);
        const attempt = marked.attempts.find((each) => each.token === t && !each.isDecision);
        fc.pre(attempt?.rank === 'processed' && attempt.until === 0);
        const joined = join(marked, b);
        const known = joined.attempts.find((each) => each.token === t && !each.isDecision)!;
        fc.pre(known.rank !== 'cleared' && known.until === 0);
        expect(read(joined)?.state).toBe('processed');
      }) as never,
    );
  });

  it('keeps its last attempts only, however many there have been', () => {
    const many = Array.from({ length: 40 }, (_, i) => begin(i + 1));
    const { attempts } = after(...many);
    expect(attempts.map((each) => each.token)).toEqual(
      Array.from({ length: 16 }, (_, i) => i + 25),
    );
    expect(read(after(...many))!.attempts).toHaveLength(8);
  });
});

describe('An element', () => {
  it.each<[string, OutcomeChange[], string | null]>([
    ['nothing is known of', [], null],
    ['that has begun', [begin(99)], 'running running'],
    ['whose lock is gone', [begin(1)], 'unknown unknown'],
    ['that has failed', [begin(1), fail(1)], null],
    ['that never ran', [begin(1), neverRan(1)], null],
    ['that never ran again', [begin(1), begin(2), neverRan(2)], 'unknown unknown'],
    [
      'that failed while another is at it',
      [begin(1), begin(99), fail(1)],
      'running failed running',
    ],
    ['that failed after others', [begin(1), begin(2), fail(2)], null],
    ['that is done', [begin(1), succeed(1)], 'processed processed'],
    ['that is done late', [begin(1), succeed(1), lateness(1)], 'processed late'],
    ['that is done after all', [begin(1), fail(1), succeed(1)], 'processed processed'],
    [
      'that failed when it was done',
      [begin(1), begin(2), succeed(1), fail(2)],
      'processed processed failed',
    ],
    ['that is to be tried again', [begin(1), decide(1, 'retry')], null],
    [
      'that was decided to be done',
      [begin(1), decide(1, 'processed')],
      'processed unknown resolved',
    ],
    [
      'that was decided both ways',
      [begin(1), decide(1, 'retry'), decide(1, 'processed')],
      'processed resolved',
    ],
  ])('%s', (_, changes, expected) => {
    expect(told(after(...changes))).toBe(expected);
  });

  it('is open again for a node that has missed the end, once it hears of it', () => {
    const begun = after(begin(1));
    for (const end of [fail(1), neverRan(1), decide(1, 'retry')]) {
      expect(told(join(begun, end(begun)))).toBeNull();
    }
    const done = after(begin(1), succeed(1));
    const cleared = clearance(done)(done);
    expect(told(join(done, cleared))).toBeNull();
    // Only what was seen is cleared.
    const redone = after(begin(2), succeed(2));
    expect(told(join(cleared, redone))).toBe('processed processed');
  });

  it('has what came of it from who did it first, whatever the clocks of those that tell say', () => {
    const first = after(begin(1), begin(2), succeed(2, { result: 'first' }, NOW));
    const second = succeed(1, { result: 'second' }, NOW - 500)(first);
    expect(read(second)).toMatchObject({ result: 'first', processedAt: new Date(NOW) });
  });

  it('is forgotten with the last that says it is done, and with all that was known then', () => {
    const entries = after(begin(1), begin(2), succeed(1, { retentionMs: 100 }));
    expect(told(entries, NOW + 99)).toBe('processed processed unknown');
    expect(told(entries, NOW + 100)).toBeNull();
    const anew = begin(3, Infinity, NOW + 100)(entries);
    expect(told(anew, NOW + 100)).toBe('unknown unknown');
    // Also by a node that was told nothing of all that.
    expect(told(join(anew, after(begin(1), begin(2))), NOW + 100)).toBe('unknown unknown');
  });
});
