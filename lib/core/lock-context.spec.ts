import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { tenureOf } from '../../test/support/tenures.js';
import { LockLostError, LockNotHeldError } from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { LockContext } from './lock-context.js';
import { Lock } from './lock.js';
import { TenureGroup } from './tenure-group.js';
import type { Holding } from './tenure.js';

const operations = {
  release: async () => 'released' as const,
  extend: async () => undefined,
  detach: () => '',
};

describe('LockContext', () => {
  let context: LockContext;
  beforeEach(() => {
    context = new LockContext();
  });

  const tenure = (name: string, units = 0) => tenureOf(new ManualClock(), { name, units });
  const lockOf = (name: string) => new Lock(tenure(name), operations);
  const runIn = <T>(lock: Lock, work: () => T | PromiseLike<T>, holding?: Holding) =>
    context.run(lock, holding ?? tenure(lock.name), work);

  it('gives what the work gives, and throws what it throws', async () => {
    const own = new Error('mine');
    expect(await runIn(lockOf('a'), () => 'now')).toBe('now');
    expect(await runIn(lockOf('a'), async () => 'later')).toBe('later');
    const thrower = () => {
      throw own;
    };
    await expect(runIn(lockOf('a'), thrower)).rejects.toBe(own);
  });

  it('starts the work at once', () => {
    let started = false;
    void runIn(lockOf('a'), () => (started = true));
    expect(started).toBe(true);
  });

  it('finds the innermost lock, or the innermost of a name', async () => {
    const [a, b, a2] = [lockOf('a'), lockOf('b'), lockOf('a')];
    await runIn(a, () =>
      runIn(b, () =>
        runIn(a2, () => {
          expect(context.current()).toBe(a2);
          expect(context.current('a')).toBe(a2);
          expect(context.current('b')).toBe(b);
          expect(context.current('c')).toBeUndefined();
        }),
      ),
    );
    expect(context.current()).toBeUndefined();
  });

  it('finds the innermost exclusive one, where that is asked for', async () => {
    const [lock, permit] = [
      lockOf('a'),
      tenureOf(new ManualClock(), { kind: 'semaphore', units: 1 }),
    ];
    await runIn(lock, () =>
      runIn(
        lockOf('b'),
        () =>
          runIn(
            lockOf('c'),
            () => {
              expect(context.current()).not.toBe(lock);
              expect(context.current(undefined, true)).toBe(lock);
              expect(context.current('b', true)).toBeUndefined();
            },
            permit,
          ),
        tenure('b', 1),
      ),
    );
  });

  it('skips a lock that is released', async () => {
    const [a, b] = [lockOf('a'), lockOf('b')];
    await runIn(a, () =>
      runIn(b, () => {
        void b.release();
        expect(context.current()).toBe(a);
      }),
    );
  });

  it('holds nothing once the work has ended, in whatever still runs in its context', async () => {
    let late!: Promise<Lock | undefined>;
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const outer = lockOf('outer');
    await runIn(outer, async () => {
      await runIn(lockOf('a'), () => {
        late = gate.then(() => context.current());
      });
      go();
      expect(await late).toBe(outer);
    });
  });

  it('finds a lock of several names by each of them', async () => {
    const group = new TenureGroup([tenure('a'), tenure('b')]);
    const lock = new Lock(group, operations);
    await runIn(
      lock,
      () => {
        expect(context.current('a')).toBe(lock);
        expect(context.current('b')).toBe(lock);
        expect(context.current('a, b')).toBeUndefined();
      },
      group,
    );
  });

  describe('what must be held', () => {
    const shared = () => tenure('a', 1);

    it('is the innermost lock of the name', async () => {
      const [outer, inner] = [lockOf('a'), lockOf('a')];
      await runIn(outer, () =>
        runIn(inner, () =>
          runIn(lockOf('b'), () => expect(context.assertHeld('a', false)).toBe(inner)),
        ),
      );
    });

    it('is refused outside of the context, and once its work has ended', async () => {
      expect(() => context.assertHeld('a', false)).toThrow(new LockNotHeldError('a'));
      let late!: () => Lock;
      await runIn(lockOf('a'), () => {
        late = AsyncLocalStorage.bind(() => context.assertHeld('a', false));
      });
      expect(late).toThrow(LockNotHeldError);
    });

    it('is refused as lost when it is, though one around it is held', async () => {
      const inner = tenure('a');
      inner.lease.lose('forced');
      await runIn(lockOf('a'), () =>
        context.run(new Lock(inner, operations), inner, () =>
          expect(() => context.assertHeld('a', false)).toThrow(LockLostError),
        ),
      );
    });

    it('is not a shared one, unless that will do', async () => {
      const lock = lockOf('a');
      await runIn(
        lock,
        () => {
          expect(() => context.assertHeld('a', false)).toThrow(
            /needed exclusively .* held as shared/,
          );
          expect(context.assertHeld('a', true)).toBe(lock);
        },
        shared(),
      );
    });

    it('is the exclusive one around a shared one', async () => {
      const exclusive = lockOf('a');
      await runIn(exclusive, () =>
        runIn(lockOf('a'), () => expect(context.assertHeld('a', false)).toBe(exclusive), shared()),
      );
    });

    it('is no permit of a semaphore of that name', async () => {
      const permit = tenureOf(new ManualClock(), { kind: 'semaphore', units: 1 });
      await runIn(
        lockOf('a'),
        () => expect(() => context.assertHeld('a', true)).toThrow(LockNotHeldError),
        permit,
      );
    });
  });

  describe('what can be joined', () => {
    it('is the innermost tenure of the name', async () => {
      const [outer, inner, other] = [tenure('a'), tenure('a'), tenure('b')];
      await context.run(lockOf('a'), outer, () =>
        context.run(lockOf('a'), inner, () =>
          context.run(lockOf('b'), other, () => {
            expect(context.tenureOf('a')).toBe(inner);
            expect(context.tenureOf('b')).toBe(other);
            expect(context.tenureOf('c')).toBeUndefined();
          }),
        ),
      );
      expect(context.tenureOf('a')).toBeUndefined();
    });

    it('is each of several names', async () => {
      const [a, b] = [tenure('a'), tenure('b')];
      const group = new TenureGroup([a, b]);
      await context.run(new Lock(group, operations), group, () => {
        expect([context.tenureOf('a'), context.tenureOf('b')]).toEqual([a, b]);
      });
    });

    it('is nothing that is lost, released or ended, but what is held outside of it', async () => {
      const [outer, inner] = [tenure('a'), tenure('a')];
      let late!: Promise<unknown>;
      await context.run(lockOf('a'), outer, async () => {
        let go!: () => void;
        const gate = new Promise<void>((resolve) => (go = resolve));
        await context.run(lockOf('a'), inner, () => {
          inner.lease.lose('forced');
          expect(context.tenureOf('a')).toBe(outer);
        });
        await context.run(lockOf('b'), tenure('b'), () => {
          late = gate.then(() => context.tenureOf('b'));
        });
        outer.markReleased();
        expect(context.tenureOf('a')).toBeUndefined();
        go();
        expect(await late).toBeUndefined();
      });
    });

    it('is no permit of a semaphore of that name', async () => {
      const permit = tenureOf(new ManualClock(), { kind: 'semaphore', units: 1 });
      await context.run(lockOf('a'), permit, () => {
        expect(context.tenureOf('a')).toBeUndefined();
      });
    });
  });
});
