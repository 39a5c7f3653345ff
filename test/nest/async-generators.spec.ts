import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { LockBusyError, Locked, LockLostError, LockService } from 'nestjs-locker';
import { leaseIn } from '../support/lease-end.js';
import { startApp } from './fixtures/app.js';

@Injectable()
class Export {
  cleanedUp = 0;
  readonly seen: unknown[] = [];
  readonly error = new Error('own error');

  constructor(private readonly locks: LockService) {}

  @Locked('export:<0>', { wait: 0 })
  async *rows(_id: number): AsyncGenerator<string | undefined, string, unknown> {
    try {
      yield this.locks.current()?.name;
      await new Promise((resolve) => setImmediate(resolve));
      yield this.locks.current()?.name;
      return 'end';
    } finally {
      this.cleanedUp++;
    }
  }

  @Locked('talk')
  async *talk(): AsyncGenerator<number, string, unknown> {
    for (let step = 1; ; step++) {
      try {
        const answer: unknown = yield step;
        this.seen.push(answer);
        if (answer === 'stop') return `after ${step}`;
      } catch (error) {
        this.seen.push(error);
      }
    }
  }

  @Locked('fail')
  async *fail(): AsyncGenerator<number> {
    yield 1;
    throw this.error;
  }

  @Locked('skip', { onBusy: 'skip' })
  async *skipped(): AsyncGenerator<string> {
    yield 'done';
  }

  @Locked('declared', { returns: 'async-generator' })
  declared(): AsyncGenerator<string | undefined, string, unknown> {
    return this.rows(7);
  }
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of source) all.push(value);
  return all;
}

describe('an async generator method', () => {
  const start = async () => {
    const started = await startApp({ providers: [Export] });
    const isHeld = async (name: string) => (await leaseIn(started.store, name)) !== null;
    return { ...started, isHeld, service: started.app.get(Export) };
  };

  it('holds the lock while it is iterated, and sees it in each step', async () => {
    const { service, isHeld } = await start();
    const rows = service.rows(1);
    expect(await isHeld('export:1')).toBe(false);
    expect(await rows.next()).toEqual({ done: false, value: 'export:1' });
    expect(await isHeld('export:1')).toBe(true);
    await expect(service.rows(1).next()).rejects.toThrow(LockBusyError);
    expect(await rows.next()).toEqual({ done: false, value: 'export:1' });
    expect(await rows.next()).toEqual({ done: true, value: 'end' });
    expect(await isHeld('export:1')).toBe(false);
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });

  it('does not show the lock to its consumer', async () => {
    const { service, locks } = await start();
    for await (const name of service.rows(1)) {
      expect(name).toBe('export:1');
      expect(locks.current()).toBeUndefined();
    }
  });

  it('is never locked if it is never iterated', async () => {
    const { service, locks } = await start();
    const events: unknown[] = [];
    locks.events$.subscribe((event) => events.push(event));
    service.rows(1);
    expect(await service.rows(1).return('early')).toEqual({ done: true, value: 'early' });
    expect(events).toEqual([]);
  });

  it('gives the lock back at a break, and lets the generator clean up first', async () => {
    const { service, isHeld } = await start();
    for await (const _ of service.rows(1)) break;
    expect(service.cleanedUp).toBe(1);
    expect(await isHeld('export:1')).toBe(false);
  });

  it('gives the lock back when the consumer throws', async () => {
    const { service, isHeld } = await start();
    const consume = async (): Promise<void> => {
      for await (const _ of service.rows(1)) throw service.error;
    };
    await expect(consume()).rejects.toBe(service.error);
    expect(await isHeld('export:1')).toBe(false);
  });

  it('passes the values of next, throw and return through', async () => {
    const { service, isHeld } = await start();
    const talk = service.talk();
    expect(await talk.next('ignored')).toEqual({ done: false, value: 1 });
    expect(await talk.next('a')).toEqual({ done: false, value: 2 });
    expect(await talk.throw(service.error)).toEqual({ done: false, value: 3 });
    expect(await talk.next('stop')).toEqual({ done: true, value: 'after 3' });
    expect(service.seen).toEqual(['a', service.error, 'stop']);
    expect(await isHeld('talk')).toBe(false);

    const other = service.talk();
    await other.next();
    expect(await other.return('enough')).toEqual({ done: true, value: 'enough' });
    expect(await isHeld('talk')).toBe(false);
  });

  it("passes the generator's own error on as it is", async () => {
    const { service, isHeld } = await start();
    await expect(collect(service.fail())).rejects.toBe(service.error);
    expect(await isHeld('fail')).toBe(false);
  });

  it('ends with LockLostError at the step after a loss, and cleans up', async () => {
    const { service, store } = await start();
    const rows = service.rows(1);
    await rows.next();
    await store.forceLose('export:1');
    await expect(rows.next()).rejects.toThrow(LockLostError);
    expect(service.cleanedUp).toBe(1);
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });

  it('says so if it had ended when the lock was found lost', async () => {
    const { service, store } = await start();
    const rows = service.rows(1);
    await rows.next();
    await rows.next();
    store.fail('renew', { times: 1_000 });
    store.clock.freeze('1 hour');
    await expect(rows.next()).rejects.toThrow(LockLostError);
  });

  it("ends at once with onBusy: 'skip'", async () => {
    const { service, store } = await start();
    expect(await collect(service.skipped())).toEqual(['done']);
    await store.busy('skip');
    expect(await collect(service.skipped())).toEqual([]);
  });

  it('may be declared with the option "returns"', async () => {
    const { service, isHeld } = await start();
    const rows = service.declared();
    expect(await rows.next()).toEqual({ done: false, value: 'export:7' });
    expect(await isHeld('declared')).toBe(true);
    await rows.return('end');
    expect(await isHeld('declared')).toBe(false);
  });

  it.each([
    ['a value', () => 'busy', ['busy']],
    ['a promise', async () => 'busy', ['busy']],
    ['nothing', () => undefined, []],
    [
      'an async iterable',
      async function* () {
        yield 'one';
        yield 'two';
      },
      ['one', 'two'],
    ],
  ])('yields what the onBusy function gives: %s', async (_what, onBusy, expected) => {
    @Injectable()
    class Fallback {
      @Locked('fallback', { onBusy })
      async *rows(): AsyncGenerator<string> {
        yield 'done';
      }
    }

    const { app, store } = await startApp({ providers: [Fallback] });
    await store.busy('fallback');
    expect(await collect(app.get(Fallback).rows())).toEqual(expected);
  });
});
