import { describe, expect, it } from '@jest/globals';
import { checkJournal, type JournalEntry } from './holding-journal.js';

/** Entries a millisecond apart, told as "worker type token", as in "a begin 7", "a end 7 for 2", "a begin 7 refused". */
function journal(...lines: string[]): JournalEntry[] {
  return lines.map((line, index) => {
    const [worker, type, token, ...rest] = line.split(' ');
    const entry = { worker, type, token: Number(token), at: (index + 1) * 1000 };
    if (type === 'begin') return { ...entry, isAccepted: rest[0] !== 'refused' };
    if (type === 'end') return { ...entry, believedMs: Number(rest[1] ?? Infinity) };
    return entry;
  }) as JournalEntry[];
}

const check = (...lines: string[]) => checkJournal(journal(...lines));

describe('a journal of holds', () => {
  it('is empty at first', () => {
    const nothing = { coexistences: [], stale: { accepted: [], refused: [] }, wronglyRefused: [] };
    const tokens = { repeated: [], outOfOrder: [], wrong: [] };
    expect(check()).toEqual({ holds: 0, unfinished: 0, writes: 0, ...nothing, tokens });
  });

  it('finds nothing wrong with one hold after the other', () => {
    const first = ['a ask', 'a begin 1', 'b ask', 'a write 1', 'a write 1', 'a end 1'];
    const others = ['b begin 2', 'b write 2', 'b end 2', 'a ask', 'a begin 5', 'a end 5'];
    expect(check(...first, ...others)).toEqual({ ...check(), holds: 3, writes: 3 });
  });

  it('counts holds that have no end', () => {
    expect(check('a ask', 'a begin 1', 'a write 1', 'b ask', 'b begin 2', 'b end 2')).toMatchObject(
      {
        holds: 2,
        unfinished: 1,
        coexistences: [],
      },
    );
  });

  it.each([
    [['a write 1']],
    [['a begin 1', 'a write 2']],
    [['a begin 1', 'b end 1']],
    [['a begin 1', 'a end 1', 'a write 1']],
    [['a begin 1', 'a begin 2']],
  ])('refuses what does not fit together: %s', (lines) => {
    expect(() => check(...lines)).toThrow('does not go on from what its worker told before');
  });
});

describe('two holders at the same time', () => {
  it('are found, with how long it was', () => {
    const { coexistences } = check('a begin 1', 'b begin 2', 'a write 1', 'a end 1', 'b end 2');
    expect(coexistences).toEqual([{ workers: ['a', 'b'], tokens: [1, 2], ms: 2 }]);
  });

  it('are found where one holds all through the other', () => {
    expect(check('a begin 1', 'b begin 2', 'b end 2', 'a end 1').coexistences).toHaveLength(1);
  });

  it('are each pair of three', () => {
    const three = ['a begin 1', 'b begin 2', 'c begin 3', 'a end 1', 'b end 2', 'c end 3'];
    expect(check(...three).coexistences.map(({ workers }) => workers.join(''))).toEqual([
      'ab',
      'ac',
      'bc',
    ]);
  });

  it('are none once the first no longer believed to hold, although it tells its end later', () => {
    expect(check('a begin 1', 'b begin 2', 'b end 2', 'a end 1 for 1').coexistences).toEqual([]);
    const [found] = check('a begin 1', 'b begin 2', 'b end 2', 'a end 1 for 1.5').coexistences;
    expect(found).toMatchObject({ ms: 0.5 });
  });

  it('count up to the last accepted write of one that told no end', () => {
    const killed = check('a begin 1', 'b begin 2', 'a write 1', 'a refused 1', 'b end 2');
    expect(killed.coexistences).toMatchObject([{ ms: 1 }]);
    expect(check('a begin 1', 'b begin 2', 'b end 2').coexistences).toEqual([]);
  });
});

describe('a stale write', () => {
  it('is one after a newer token has begun: accepted, or refused', () => {
    const lines = ['a begin 1', 'b begin 2', 'a write 1', 'b write 2', 'a refused 1'];
    const { stale, writes, wronglyRefused } = check(...lines);
    expect(stale.accepted).toEqual([{ worker: 'a', type: 'write', token: 1, at: 3000 }]);
    expect(stale.refused).toEqual([{ worker: 'a', type: 'refused', token: 1, at: 5000 }]);
    expect(wronglyRefused).toEqual([]);
    expect(writes).toBe(2);
  });

  it('is a beginning, too, unless that was refused', () => {
    expect(check('b begin 2', 'a begin 1').stale.accepted).toHaveLength(1);
    const { stale } = check('b begin 2', 'a begin 1 refused', 'a refused 1');
    expect(stale.accepted).toEqual([]);
    expect(stale.refused).toHaveLength(1);
  });

  it('is none under the newest token, whoever has it', () => {
    const { stale, wronglyRefused } = check('a begin 1', 'a write 1', 'a refused 1');
    expect(stale).toEqual({ accepted: [], refused: [] });
    expect(wronglyRefused).toHaveLength(1);
  });
});

describe('tokens', () => {
  const tokensOf = (...lines: string[]) => {
    const { repeated, outOfOrder, wrong } = check(...lines).tokens;
    return { repeated: repeated.length, outOfOrder: outOfOrder.length, wrong: wrong.length };
  };

  it('may begin late, if they were asked for in time', () => {
    const late = ['a ask', 'b ask', 'b begin 2', 'a begin 1'];
    expect(tokensOf(...late)).toEqual({ repeated: 0, outOfOrder: 1, wrong: 0 });
  });

  it('are wrong where they were asked for after a newer one had begun', () => {
    const wrong = ['b ask', 'b begin 2', 'a ask', 'a begin 1'];
    expect(tokensOf(...wrong)).toEqual({ repeated: 0, outOfOrder: 1, wrong: 1 });
  });

  it('are compared with all that began before, and with the worker’s latest question', () => {
    const asked = ['a ask', 'b ask', 'b begin 9', 'b end 9', 'c ask', 'c begin 3', 'c end 3'];
    expect(tokensOf(...asked, 'b ask', 'b begin 4')).toMatchObject({ outOfOrder: 2, wrong: 2 });
    expect(tokensOf(...asked, 'a begin 8')).toMatchObject({ outOfOrder: 2, wrong: 1 });
  });

  it('are given once', () => {
    expect(tokensOf('a ask', 'b ask', 'a begin 1', 'b begin 1')).toEqual({
      repeated: 1,
      outOfOrder: 0,
      wrong: 0,
    });
    expect(tokensOf('a begin 1', 'a end 1', 'b ask', 'b begin 1')).toMatchObject({ wrong: 1 });
  });
});
