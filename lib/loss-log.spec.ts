import { describe, expect, it } from '@jest/globals';
import type { LockLostEvent } from './core/lock-events.js';
import { LockLostError, type LossReason } from './lock.errors.js';
import { NewHolderLog } from './loss-log.js';
import type { NameRecord, Subject } from './stores/lock-store.interface.js';

const HOLDER = { service: 'other', host: 'worker-1', pid: 7 };

const lossOf = (
  name: string,
  reason: LossReason,
  kind: Subject['kind'] = 'lock',
): LockLostEvent => {
  const error = new LockLostError(name, 5, reason);
  return { type: 'lost', name, kind, fencingToken: 5, heldMs: 1, reason, error };
};

/** A store that answers when it is told to. */
class SlowInspector {
  readonly asked: string[] = [];
  private readonly answers: ((record: NameRecord) => void)[] = [];

  inspect({ name }: Subject): Promise<NameRecord> {
    this.asked.push(name);
    return new Promise((resolve) => this.answers.push(resolve));
  }

  async answer(fencingToken: number): Promise<void> {
    const lease = { fencingToken, holder: HOLDER, since: new Date(0), remainingMs: 1, units: 0 };
    this.answers.shift()!({ holders: [lease], waiting: 0, permits: 0 });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('who has what was lost', () => {
  it('is asked for of a few names at a time', async () => {
    const store = new SlowInspector();
    const log = new NewHolderLog({ log() {}, warn() {}, error() {} }, store);
    for (let i = 0; i < 50; i++) log.tell(lossOf(`a${i}`, 'expired'));
    expect(store.asked).toEqual(['a0', 'a1', 'a2']);
    await store.answer(6);
    log.tell(lossOf('b', 'expired'));
    log.tell(lossOf('c', 'expired'));
    expect(store.asked).toEqual(['a0', 'a1', 'a2', 'b']);
  });

  it.each<[LossReason, Subject['kind'], number]>([
    ['taken-over', 'lock', 1],
    ['expired', 'lock', 1],
    ['forced', 'lock', 1],
    ['taken-over', 'semaphore', 0],
    ['deadline', 'lock', 0],
    ['max-hold', 'lock', 0],
    ['shutdown', 'lock', 0],
  ])('is asked for where somebody can have it: %s of a %s, %d times', (reason, kind, times) => {
    const store = new SlowInspector();
    new NewHolderLog({ log() {}, warn() {}, error() {} }, store).tell(lossOf('a', reason, kind));
    expect(store.asked).toHaveLength(times);
  });

  it('is nobody who had it before', async () => {
    const store = new SlowInspector();
    const warnings: unknown[] = [];
    const logger = { log() {}, error() {}, warn: (line: unknown) => warnings.push(line) };
    const log = new NewHolderLog(logger, store);
    log.tell(lossOf('a', 'forced'));
    await store.answer(5);
    expect(warnings).toEqual([]);
    log.tell(lossOf('a', 'forced'));
    await store.answer(6);
    expect(warnings).toEqual([
      '"a", which was lost, is held by other (worker-1, pid 7) since 1970-01-01T00:00:00.000Z, with fencing token 6.',
    ]);
  });
});
