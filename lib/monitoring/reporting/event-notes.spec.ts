import { beforeEach, describe, expect, it } from '@jest/globals';
import type { LockEvent } from '../../core/lock-events.js';
import { LockLostError } from '../../lock.errors.js';
import type { OutcomeRecord } from '../../stores/outcome.interface.js';
import { EventNotes } from './event-notes.js';

const PROCESS = { service: 'billing', host: 'worker-1', pid: 4711 };

const lost = (name: string): LockEvent => {
  const error = new LockLostError(name, 7, 'deadline');
  return {
    type: 'lost',
    kind: 'lock',
    name,
    fencingToken: 7,
    heldMs: 1,
    reason: 'deadline',
    error,
  };
};

describe('EventNotes', () => {
  let notes: EventNotes;
  beforeEach(() => {
    notes = new EventNotes('id', PROCESS);
  });

  const noteLosses = (count: number): void => {
    for (let i = 0; i < count; i++) notes.note(lost(`n:${i}`));
  };

  it('tell each event once, with an id of its own', () => {
    noteLosses(2);
    const [first, second] = notes.take();
    expect(first).toEqual({
      id: expect.any(String),
      at: expect.any(Date),
      process: PROCESS,
      type: 'lost',
      name: 'n:0',
      text: expect.stringContaining('"n:0"'),
    });
    expect(second!.id).not.toBe(first!.id);
    expect(notes.take()).toEqual([]);
  });

  it('tell a hundred of an outage, and how many more there were', () => {
    noteLosses(50_000);
    const told = notes.take();
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toMatchObject({ type: 'lost', text: 'And 49900 more of this kind.' });
  });

  it('are told again where nobody knows whether they were, in their order, and do not pile up', () => {
    for (let round = 0; round < 100; round++) {
      noteLosses(200);
      notes.putBack(notes.take());
    }
    const [first, ...others] = notes.take();
    expect(first).toMatchObject({ name: 'n:0' });
    expect(others.length).toBeLessThan(250);
    noteLosses(1);
    const more = notes.take().map(({ text }) => text);
    expect(more[0]).toContain('"n:0"');
  });

  it('cut a text that is too long', () => {
    const error = new Error('x'.repeat(10_000));
    notes.note({ type: 'compensation-failed', name: 'a', fencingToken: 1, error });
    expect(notes.take()[0]!.text).toHaveLength(2_000);
  });

  it('leave out what is in the order of things', () => {
    const record: OutcomeRecord = {
      name: 'a',
      job: 'a',
      state: 'unknown',
      attempts: [],
      processedAt: null,
      expiresAt: null,
    };
    const element = { name: 'a', job: 'a' };
    const quiet: LockEvent[] = [
      { type: 'acquired', name: 'a', fencingToken: 1, waitedMs: 0 },
      { type: 'busy', name: 'a', waitedMs: 0, holder: null },
      { type: 'renewal-failed', names: ['a'], error: new Error('no') },
      { type: 'processed', ...element, fencingToken: 1, isLate: false },
      { type: 'outcome-unknown', ...element, record, decision: 'retry' },
    ];
    for (const event of quiet) notes.note(event);
    expect(notes.take()).toEqual([]);
    notes.note({ type: 'processed', ...element, fencingToken: 1, isLate: true });
    // Met with every run of its job.
    for (let i = 0; i < 3; i++) {
      notes.note({ type: 'outcome-unknown', ...element, record, decision: 'hold' });
    }
    expect(notes.take().map(({ type }) => type)).toEqual(['processed', 'outcome-unknown']);
  });
});
