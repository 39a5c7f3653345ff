import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { LockBusyError, Locked, LockLostError, LockService } from 'nestjs-locker';
import { concat, defer, finalize, lastValueFrom, NEVER, Observable, of, Subject } from 'rxjs';
import { firstValueFrom, range, take, tap, throwError, toArray } from 'rxjs';
import { leaseIn } from '../support/lease-end.js';
import { until } from '../support/until.js';
import { startApp } from './fixtures/app.js';

@Injectable()
class Feed {
  readonly sources: Subject<number>[] = [];
  ended = 0;
  readonly error = new Error('own error');

  constructor(private readonly locks: LockService) {}

  @Locked('feed:<0>', { wait: 0 })
  watch(_id: number): Observable<number> {
    const source = new Subject<number>();
    this.sources.push(source);
    return source.pipe(finalize(() => this.ended++));
  }

  emitted = 0;

  @Locked('at-once')
  atOnce(): Observable<number> {
    return range(0, 1_000).pipe(tap(() => this.emitted++));
  }

  @Locked('names')
  names(): Observable<string | undefined> {
    return concat(
      of(this.locks.current()?.name),
      defer(() => of(this.locks.current()?.name)),
    );
  }

  @Locked('fail')
  fail(): Observable<never> {
    return throwError(() => this.error);
  }

  @Locked('throws')
  throwsAtOnce(): Observable<never> {
    throw this.error;
  }

  @Locked('skip', { onBusy: 'skip' })
  skipped(): Observable<string> {
    return of('done');
  }

  @Locked('declared', { returns: 'observable' })
  declared(): Parameters<typeof lastValueFrom<string>>[0] {
    return of('declared');
  }
}

describe('a method that returns an Observable', () => {
  const start = async () => {
    const started = await startApp({ providers: [Feed] });
    const isHeld = async (name: string) => (await leaseIn(started.store, name)) !== null;
    return { ...started, isHeld, feed: started.app.get(Feed) };
  };
  it('is stopped where its consumer stops, also one that emits at once', async () => {
    const { feed, isHeld } = await start();
    expect(await firstValueFrom(feed.atOnce())).toBe(0);
    expect(feed.emitted).toBe(1);
    await until(async () => !(await isHeld('at-once')), { what: 'the lock is given back' });
  });

  const collect = <T>(source: Observable<T>) => lastValueFrom(source.pipe(toArray()));

  it('runs under the lock, which is there in its own operators', async () => {
    const { feed } = await start();
    expect(await collect(feed.names())).toEqual(['names', 'names']);
  });

  it('is never locked, and never called, if it is never subscribed', async () => {
    const { feed, locks } = await start();
    const events: unknown[] = [];
    locks.events$.subscribe((event) => events.push(event));
    feed.watch(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(feed.sources).toEqual([]);
    expect(events).toEqual([]);
  });

  it('holds the lock from subscription to the end', async () => {
    const { feed, isHeld } = await start();
    const values: number[] = [];
    let completed = false;
    feed.watch(1).subscribe({
      next: (value) => values.push(value),
      complete: () => (completed = true),
    });
    await until(() => feed.sources.length === 1, { what: 'it is subscribed' });
    const [source] = feed.sources as [Subject<number>];
    source.next(1);
    expect(await isHeld('feed:1')).toBe(true);
    source.next(2);
    source.complete();
    await until(() => completed, { what: 'it completes' });
    expect(values).toEqual([1, 2]);
    expect(await isHeld('feed:1')).toBe(false);
  });

  it('takes a lock for each subscription', async () => {
    const { feed, isHeld } = await start();
    const watched = feed.watch(1);
    const first = watched.subscribe();
    await until(() => feed.sources.length === 1, { what: 'it is subscribed' });
    await expect(lastValueFrom(watched)).rejects.toThrow(LockBusyError);
    first.unsubscribe();
    await until(async () => !(await isHeld('feed:1')), { what: 'it is free' });
    const again = lastValueFrom(watched);
    await until(() => feed.sources.length === 2, { what: 'it is subscribed again' });
    feed.sources[1]!.next(5);
    feed.sources[1]!.complete();
    expect(await again).toBe(5);
  });

  it('gives the lock back when it is unsubscribed', async () => {
    const { feed, isHeld } = await start();
    const subscription = feed.watch(1).subscribe();
    await until(() => feed.sources.length === 1, { what: 'it is subscribed' });
    subscription.unsubscribe();
    await until(async () => !(await isHeld('feed:1')), { what: 'it is free' });
    expect(feed.ended).toBe(1);
    expect(await collect(feed.names().pipe(take(1)))).toEqual(['names']);
    await until(async () => !(await isHeld('names')), { what: 'it is free' });
  });

  it('gives up its place when it is unsubscribed before the lock is there', async () => {
    const { feed, store, isHeld } = await start();
    const subscription = feed.watch(1).subscribe();
    subscription.unsubscribe();
    await until(async () => !(await isHeld('feed:1')), { what: 'it is free' });
    await store.clock.advance('1s');
    expect(feed.sources).toEqual([]);
  });

  it.each(['fail', 'throwsAtOnce'] as const)('passes its error on as it is: %s', async (method) => {
    const { feed, locks } = await start();
    await expect(lastValueFrom(feed[method]())).rejects.toBe(feed.error);
    expect(locks.held()).toEqual([]);
  });

  it('ends with LockLostError when the lock is lost', async () => {
    const { feed, store } = await start();
    const values: number[] = [];
    let failure: unknown;
    feed.watch(1).subscribe({
      next: (value) => values.push(value),
      error: (error: unknown) => (failure = error),
    });
    await until(() => feed.sources.length === 1, { what: 'it is subscribed' });
    feed.sources[0]!.next(1);
    await store.forceLose('feed:1');
    feed.sources[0]!.next(2);
    await until(() => failure !== undefined, { what: 'it fails' });
    expect(failure).toBeInstanceOf(LockLostError);
    expect(values).toEqual([1]);
    expect(feed.ended).toBe(1);
  });

  it("completes empty with onBusy: 'skip'", async () => {
    const { feed, store } = await start();
    expect(await collect(feed.skipped())).toEqual(['done']);
    await store.busy('skip');
    expect(await collect(feed.skipped())).toEqual([]);
  });

  it('may be declared with the option "returns"', async () => {
    const { feed } = await start();
    expect(await collect(feed.declared())).toEqual(['declared']);
  });

  it.each([
    ['a value', () => 'busy', ['busy']],
    ['a promise', async () => 'busy', ['busy']],
    ['an Observable', () => of('one', 'two'), ['one', 'two']],
    ['nothing', () => undefined, []],
  ])('emits what the onBusy function gives: %s', async (_what, onBusy, expected) => {
    @Injectable()
    class Fallback {
      @Locked('fallback', { onBusy })
      watch(): Observable<string> {
        return NEVER;
      }
    }

    const { app, store } = await startApp({ providers: [Fallback] });
    await store.busy('fallback');
    expect(await collect(app.get(Fallback).watch())).toEqual(expected);
  });
});
