import { describe, expect, it } from '@jest/globals';
import type { HistoryEntry, Kind, Unstamped } from '../history/entry.js';
import { check, type Evidence } from './check.js';

const MS = 1_000;

/** A history as it is told: who, when (in ms), what. */
class Story {
  readonly entries: HistoryEntry[] = [];

  /** One call of a process that is asked for at `from` and granted at once. */
  holds(
    process: string,
    { from, to, ...more }: { from: number; to: number; call?: number; token?: number } & Named,
  ): this {
    const { call = 1, token, name = 'a', kind = 'lock' } = more;
    this.tell(process, from, { type: 'invoke', call, name, kind });
    this.tell(process, from, { type: 'ok', call, ...(token !== undefined && { token }) });
    for (let at = from; at < to; at += 20) this.tell(process, at, { type: 'sure', call });
    this.tell(process, to, { type: 'sure', call });
    return this;
  }

  releases(process: string, at: number, call = 1, until = at + 1): this {
    this.tell(process, at, { type: 'release', call });
    return this.tell(process, until, { type: 'released', call, result: 'released' });
  }

  tell(process: string, ms: number, entry: Unstamped<HistoryEntry>): this {
    this.entries.push({ at: ms * MS, process, ...entry } as HistoryEntry);
    return this;
  }
}

interface Named {
  name?: string;
  kind?: Kind;
}

const judge = (story: Story, evidence: Partial<Evidence> = {}) =>
  check({
    entries: [...story.entries].sort((a, b) => a.at - b.at),
    counters: [],
    keysLeft: [],
    permits: 2,
    limits: { acquireMs: 1_000, releaseMs: 500 },
    endsAt: 200 * MS,
    overAt: 10_000 * MS,
    busyName: 'a',
    ...evidence,
  });

const violationsOf = (story: Story, evidence: Partial<Evidence> = {}) =>
  judge(story, evidence).violations.map(({ kind, ms }) => [kind, ms]);

describe('a history in which each holds after the other', () => {
  it('has no violations', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 100, token: 1 })
      .releases('a', 100)
      .holds('b', { from: 100, to: 200, token: 2 })
      .releases('b', 200);
    expect(judge(story)).toMatchObject({ calls: 2, granted: 2, violations: [], lostUpdates: 0 });
  });

  it('has none where two hold different names', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 100 })
      .releases('a', 100)
      .holds('b', { from: 50, to: 150, name: 'b' })
      .releases('b', 150);
    expect(violationsOf(story)).toEqual([]);
  });
});

describe('exclusion', () => {
  it('is violated where two are certain at the same time, for as long as both are', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 100 })
      .releases('a', 100)
      .holds('b', { from: 70, to: 200 })
      .releases('b', 200);
    expect(violationsOf(story)).toEqual([['overlap', 30]]);
  });

  it('is violated by each of three that another one joins', () => {
    const story = new Story();
    for (const process of ['a', 'b', 'c']) {
      story.holds(process, { from: 10, to: 30 }).releases(process, 30);
    }
    expect(violationsOf(story).filter(([kind]) => kind === 'overlap')).toHaveLength(2);
  });

  it('is violated once by one who stays, however many come and go meanwhile', () => {
    const story = new Story().holds('a', { from: 0, to: 400 }).releases('a', 400);
    for (const call of [1, 2, 3]) {
      story.holds('b', { from: call * 100, to: call * 100 + 50, call });
      story.releases('b', call * 100 + 50, call);
    }
    expect(violationsOf(story).filter(([kind]) => kind === 'overlap')).toEqual([['overlap', 250]]);
  });

  it('is violated by one who looks again after a pause and is told that it holds', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 20 })
      .tell('a', 500, { type: 'sure', call: 1 })
      .releases('a', 501)
      .holds('b', { from: 300, to: 400 })
      .releases('b', 400);
    expect(violationsOf(story)).toEqual([['overlap', 100]]);
  });

  it('is kept by one who looks after a pause and is told that it does not', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 20 })
      .tell('a', 500, { type: 'unsure', call: 1 })
      .tell('a', 500, { type: 'told', call: 1 })
      .releases('a', 501)
      .holds('b', { from: 300, to: 400 })
      .releases('b', 400);
    expect(violationsOf(story)).toEqual([]);
  });

  it('ends with what a process told last that was killed', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 60 })
      .tell('injector', 70, { type: 'killed', what: 'a' })
      .holds('b', { from: 50, to: 90 })
      .releases('b', 90);
    expect(violationsOf(story)).toEqual([['overlap', 10]]);
  });
});

describe('the capacity of a semaphore', () => {
  const three = (third: number) =>
    new Story()
      .holds('a', { from: 0, to: 100, kind: 'permit' })
      .releases('a', 100)
      .holds('b', { from: 0, to: 100, kind: 'permit' })
      .releases('b', 100)
      .holds('c', { from: third, to: third + 50, kind: 'permit' })
      .releases('c', third + 50);

  it('is violated where one more holds', () =>
    expect(violationsOf(three(80))).toEqual([['capacity', 20]]));
  it('is kept by one that waits', () => expect(violationsOf(three(100))).toEqual([]));
});

describe('the order of tokens', () => {
  const twice = (first: number, second: number) =>
    new Story()
      .holds('a', { from: 0, to: 10, token: first })
      .releases('a', 10)
      .holds('b', { from: 20, to: 30, token: second })
      .releases('b', 30);

  it('is violated by a token that is lower than one that was there when it was asked for', () =>
    expect(violationsOf(twice(7, 6))).toEqual([['token order', 0]]));
  it('is violated by the same token', () =>
    expect(violationsOf(twice(7, 7)).map(([kind]) => kind)).toEqual([
      'token order',
      'token order',
    ]));
  it('is kept by a higher one', () => expect(violationsOf(twice(7, 8))).toEqual([]));

  it('says nothing of one that was asked for before', () => {
    const story = new Story()
      .tell('b', 0, { type: 'invoke', call: 1, name: 'a', kind: 'lock' })
      .holds('a', { from: 10, to: 20, token: 9 })
      .releases('a', 20)
      .tell('b', 30, { type: 'ok', call: 1, token: 8 })
      .releases('b', 31);
    expect(violationsOf(story)).toEqual([]);
  });
});

describe('the counters', () => {
  const counter = (guarded: number, unguarded: number, tokens: number[]) => ({
    counters: [
      {
        name: 'a',
        guarded: { value: guarded, writes: 3 },
        unguarded: { value: unguarded, writes: 3 },
        tokens,
      },
    ],
  });

  it('tell of lost updates without a guard, which are no violation', () =>
    expect(judge(new Story(), counter(3, 1, [1, 2, 3]))).toMatchObject({
      lostUpdates: 2,
      violations: [],
    }));
  it('tell of one that was lost behind the guard', () =>
    expect(violationsOf(new Story(), counter(2, 3, [1, 2, 3]))).toEqual([['guard', 0]]));
  it('tell of an older token that the guard let in', () =>
    expect(violationsOf(new Story(), counter(3, 3, [1, 3, 2]))).toEqual([['guard', 0]]));
});

describe('calls', () => {
  const asked = () =>
    new Story().tell('a', 0, { type: 'invoke', call: 1, name: 'a', kind: 'lock' });
  const answered = (at: number) => asked().tell('a', at, { type: 'busy', call: 1 });

  it('may take as long as their limit', () => expect(violationsOf(answered(1_000))).toEqual([]));
  it('may not take longer', () => expect(violationsOf(answered(1_001))).toEqual([['hung', 1_001]]));
  it('may not go without an answer', () =>
    expect(violationsOf(asked())).toEqual([['hung', 10_000]]));
  it('may, if their process was killed', () =>
    expect(violationsOf(asked().tell('injector', 10, { type: 'killed', what: 'a' }))).toEqual([]));

  it('may not have hung before it was killed', () => {
    const story = asked().tell('injector', 9_000, { type: 'killed', what: 'a' });
    expect(judge(story).violations).toMatchObject([
      { kind: 'hung', ms: 9_000, text: expect.stringMatching('until its process was killed') },
    ]);
  });

  it('are not held to account for the time in which their process stood still', () => {
    const story = answered(2_500)
      .tell('injector', 100, { type: 'stopped', what: 'a' })
      .tell('injector', 2_000, { type: 'continued', what: 'a' });
    expect(violationsOf(story)).toEqual([]);
  });

  it('may not hang in the release either', () => {
    const story = new Story().holds('a', { from: 0, to: 10 }).releases('a', 10, 1, 600);
    expect(violationsOf(story)).toEqual([['hung', 590]]);
  });
});

describe('a handler whose lock was lost', () => {
  const lost = (toldAt: number) =>
    new Story()
      .holds('a', { from: 0, to: 100 })
      .tell('a', 160, { type: 'unsure', call: 1 })
      .tell('a', toldAt, { type: 'told', call: 1 })
      .releases('a', toldAt)
      .holds('b', { from: 150, to: 250 })
      .releases('b', 250);

  it('is told too late if it ran on after somebody else had the name', () =>
    expect(violationsOf(lost(200))).toEqual([['told late', 40]]));
  it('is told in time with the first turn after that', () =>
    expect(violationsOf(lost(165))).toEqual([]));
});

describe('a handler that is never told', () => {
  const untold = (process: string, from: number, to: number) => {
    const story = new Story().holds(process, { from, to: 100 });
    // It looks, is told that it does not hold, and no signal comes.
    for (let at = 120; at < to; at += 20) story.tell(process, at, { type: 'unsure', call: 1 });
    return story;
  };

  it('is a violation, until it gives back what it has not any more', () => {
    const story = untold('a', 0, 300)
      .releases('a', 300)
      .holds('b', { from: 150, to: 400 })
      .releases('b', 400);
    expect(judge(story).violations).toMatchObject([
      { kind: 'told late', ms: 140, first: { askedAt: 0, at: 0 } },
    ]);
    expect(judge(story).violations[0]!.text).toBe(
      'a#1 was never told of the loss of "a", and went on for 140 ms after b#1 had it',
    );
  });

  it('is one if it was certain all the time, too', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 300 })
      .releases('a', 300)
      .holds('b', { from: 150, to: 400 })
      .releases('b', 400);
    expect(violationsOf(story)).toEqual([
      ['overlap', 150],
      ['told late', 140],
    ]);
  });

  it('is one until its process is killed', () => {
    const story = untold('a', 0, 260)
      .tell('injector', 260, { type: 'killed', what: 'a' })
      .holds('b', { from: 150, to: 400 })
      .releases('b', 400);
    expect(violationsOf(story)).toEqual([['told late', 80]]);
  });

  it('is none if nobody else has had it meanwhile', () => {
    const story = untold('a', 0, 300)
      .releases('a', 300)
      .holds('b', { from: 310, to: 400 })
      .releases('b', 400);
    expect(violationsOf(story)).toEqual([]);
  });

  it('is none for the time in which its process stood still', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 160 })
      .tell('injector', 165, { type: 'stopped', what: 'a' })
      .tell('injector', 900, { type: 'continued', what: 'a' })
      .tell('a', 905, { type: 'told', call: 1 })
      .releases('a', 906)
      .holds('b', { from: 150, to: 400 })
      .releases('b', 400);
    expect(violationsOf(story)).toEqual([['overlap', 10]]);
  });
});

describe('the holder of a permit', () => {
  const permit = (story: Story, process: string, from: number, to: number) =>
    story.holds(process, { from, to, kind: 'permit' });

  /** A has lost its permit at 100, B has the other one, and C comes. */
  const lost = (toldAt?: number) => {
    const story = permit(new Story(), 'a', 10, 100);
    permit(story, 'b', 0, 400).releases('b', 400);
    permit(story, 'c', 150, 400).releases('c', 400);
    for (let at = 160; at < 300; at += 20) story.tell('a', at, { type: 'unsure', call: 1 });
    if (toldAt !== undefined) story.tell('a', toldAt, { type: 'told', call: 1 });
    return story.releases('a', 300);
  };

  it('is told too late if it ran on after others had all of them', () =>
    expect(violationsOf(lost(220))).toEqual([['told late', 60]]));
  it('is told in time with the first turn after that', () =>
    expect(violationsOf(lost(165))).toEqual([]));
  it('may not be left untold', () => expect(violationsOf(lost())).toEqual([['told late', 140]]));

  it('is not the one to be told if another one was forgotten', () => {
    const story = permit(new Story(), 'forgotten', 0, 200).releases('forgotten', 200);
    permit(story, 'b', 50, 400).releases('b', 400);
    permit(story, 'c', 100, 400).releases('c', 400);
    expect(judge(story).violations).toMatchObject([
      { kind: 'capacity', text: expect.stringMatching('^forgotten#1 held') },
      { kind: 'told late', text: expect.stringMatching('^forgotten#1 was never told') },
    ]);
  });

  it('is not told of others that leave it its own', () => {
    const story = permit(new Story(), 'a', 0, 400).releases('a', 400);
    permit(story, 'b', 50, 100).releases('b', 100);
    permit(story, 'c', 100, 300).releases('c', 300);
    expect(violationsOf(story)).toEqual([]);
  });
});

describe('a release that fails', () => {
  const fails = (at: number) =>
    new Story()
      .tell('injector', 100, { type: 'begin', what: 'a fault' })
      .tell('injector', 200, { type: 'end', what: 'a fault' })
      .holds('a', { from: at - 50, to: at })
      .tell('a', at, { type: 'release', call: 1 })
      .tell('a', at + 20, { type: 'released', call: 1, result: 'failed: LockStoreError' });

  it('is a violation where nothing is the matter', () =>
    expect(judge(fails(70)).violations).toMatchObject([
      { kind: 'failed release', text: 'a#1\'s release of "a" failed: LockStoreError' },
    ]));
  it('is none while a fault is there', () => {
    expect(violationsOf(fails(90))).toEqual([]);
    expect(violationsOf(fails(190))).toEqual([]);
  });
  it('is none while connections are made again', () => {
    expect(violationsOf(fails(300))).toEqual([['failed release', 20]]);
    expect(violationsOf(fails(300), { reconnectMs: 100 })).toEqual([]);
  });
});

describe('a process', () => {
  it('may not leave a rejection to nobody', () => {
    const story = new Story().tell('a1', 50, { type: 'unhandled', what: 'Error: of a timer' });
    expect(judge(story).violations).toMatchObject([
      { kind: 'unhandled rejection', text: 'a1 left a rejection to nobody: Error: of a timer' },
    ]);
  });

  it('may not hang when it is told to end', () => {
    const story = new Story().tell('injector', 9_200, { type: 'hung', what: 'a1' });
    expect(violationsOf(story)).toEqual([['hung', 9_000]]);
  });
});

describe('what is left and what comes after', () => {
  it('tells of each key that is still there', () =>
    expect(violationsOf(new Story(), { keysLeft: ['lock:{1}:lease:a'] })).toEqual([
      ['key left', 0],
    ]));

  it('tells how long it took until a name was taken again, or that it never was', () => {
    const story = new Story()
      .tell('injector', 50, { type: 'recover', what: 'it', names: ['a', 'b'] })
      .holds('a', { from: 10, to: 40 })
      .releases('a', 40)
      .holds('a', { from: 120, to: 130, call: 2 })
      .releases('a', 130, 2);
    expect(judge(story).recoveries).toEqual([
      { name: 'a', ms: 70, isOver: true },
      { name: 'b', ms: 9_950, isOver: false },
    ]);
    expect(judge(story).longestGapMs).toBe(110);
  });
});

describe('a name that is wanted all the time', () => {
  const gapOf = (story: Story) => judge(story).longestGapMs;
  const refused = (story: Story, from: number, to: number, call: number) =>
    story
      .tell('b', from, { type: 'invoke', call, name: 'a', kind: 'lock' })
      .tell('b', to, { type: 'busy', call });

  it('may be without a holder for a while', () => {
    const story = new Story().holds('a', { from: 10, to: 40 }).releases('a', 40);
    story.holds('b', { from: 150, to: 160 }).releases('b', 160);
    expect(gapOf(story)).toBe(140);
  });

  it('is missed up to the end if it is never given again', () => {
    const story = new Story().holds('a', { from: 10, to: 40 }).releases('a', 40);
    for (const call of [1, 2, 3]) refused(story, call * 40, call * 40 + 30, call);
    expect(gapOf(story)).toBe(190);
  });

  it('is missed from the first question on if it is never given at all', () => {
    expect(gapOf(refused(new Story(), 20, 60, 1))).toBe(180);
  });
});

describe('writes', () => {
  it('that the guard refused are counted', () => {
    const story = new Story()
      .holds('a', { from: 0, to: 10 })
      .tell('a', 5, { type: 'write', call: 1, counter: 'guarded', result: 'stale' })
      .tell('a', 6, { type: 'write', call: 1, counter: 'unguarded', result: 'done' })
      .releases('a', 10);
    expect(judge(story).staleWrites).toBe(1);
  });
});
