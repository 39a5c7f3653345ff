import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockContext } from './lock-context.js';
import type { Lock } from './lock.js';

const lockOf = (name: string) => ({ name, isReleased: false }) as { isReleased: boolean } & Lock;

describe('LockContext', () => {
  let context: LockContext;
  beforeEach(() => {
    context = new LockContext();
  });

  it('gives what the work gives, and throws what it throws', async () => {
    const own = new Error('mine');
    expect(await context.run(lockOf('a'), () => 'now')).toBe('now');
    expect(await context.run(lockOf('a'), async () => 'later')).toBe('later');
    const thrower = () => {
      throw own;
    };
    await expect(context.run(lockOf('a'), thrower)).rejects.toBe(own);
  });

  it('starts the work at once', () => {
    let started = false;
    void context.run(lockOf('a'), () => (started = true));
    expect(started).toBe(true);
  });

  it('finds the innermost lock, or the innermost of a name', async () => {
    const [a, b, a2] = [lockOf('a'), lockOf('b'), lockOf('a')];
    await context.run(a, () =>
      context.run(b, () =>
        context.run(a2, () => {
          expect(context.current()).toBe(a2);
          expect(context.current('a')).toBe(a2);
          expect(context.current('b')).toBe(b);
          expect(context.current('c')).toBeUndefined();
        }),
      ),
    );
    expect(context.current()).toBeUndefined();
  });

  it('skips a lock that is released', async () => {
    const [a, b] = [lockOf('a'), lockOf('b')];
    await context.run(a, () =>
      context.run(b, () => {
        Object.assign(b, { isReleased: true });
        expect(context.current()).toBe(a);
      }),
    );
  });

  it('holds nothing once the work has ended, in whatever still runs in its context', async () => {
    let late!: Promise<Lock | undefined>;
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const outer = lockOf('outer');
    await context.run(outer, async () => {
      await context.run(lockOf('a'), () => {
        late = gate.then(() => context.current());
      });
      go();
      expect(await late).toBe(outer);
    });
  });
});
