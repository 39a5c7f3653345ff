import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { LockBusyError, LockOptionsError, LockService, WithPermit } from 'nestjs-locker';
import { concatMap, firstValueFrom, type Observable, of, timer } from 'rxjs';
import { errorOf, lockApp } from '../support/lock-service.js';

@Injectable()
class Authority {
  inside = 0;
  most = 0;

  @WithPermit('tax-authority', { permits: 2, wait: '20s' })
  async submit(id: number): Promise<string> {
    this.most = Math.max(this.most, ++this.inside);
    await new Promise((resolve) => setImmediate(resolve));
    this.inside--;
    return `submitted ${id}`;
  }

  @WithPermit('tenant:<tenant>', { permits: 1, onBusy: 'skip' })
  async report(
    tenant: string,
    work: (tenant: string) => Promise<unknown> = async () => 1,
  ): Promise<unknown> {
    return work(tenant);
  }

  @WithPermit((id: number) => `stream:${id}`, { permits: 1, wait: 0, returns: 'observable' })
  stream(id: number): Observable<number> {
    return timer(1).pipe(concatMap(() => of(id)));
  }

  @WithPermit('pages', { permits: 1, wait: 0 })
  async *pages(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }
}

const authority = async (): Promise<Authority> =>
  (await lockApp({ store: 'memory', providers: [Authority] })).get(Authority);

describe('@WithPermit', () => {
  it('lets so many calls in at a time, and all of them in the end', async () => {
    const calls = await authority();
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map((id) => calls.submit(id)));
    expect(results).toEqual([1, 2, 3, 4, 5, 6].map((id) => `submitted ${id}`));
    expect(calls.most).toBe(2);
  });

  it('has a semaphore for each name, and does what onBusy says where it is full', async () => {
    const calls = await authority();
    const inner: unknown[] = [];
    await calls.report('a', async () => {
      inner.push(await calls.report('a'), await calls.report('b'));
    });
    expect(inner).toEqual([undefined, 1]);
  });

  it('holds its permit from subscription to the end, and from the first page to the last', async () => {
    const calls = await authority();
    const first = firstValueFrom(calls.stream(1));
    const second = errorOf(firstValueFrom(calls.stream(1)));
    expect(await second).toBeInstanceOf(LockBusyError);
    expect(await first).toBe(1);

    const pages = calls.pages();
    await pages.next();
    expect(await errorOf(calls.pages().next())).toBeInstanceOf(LockBusyError);
    await pages.return(undefined);
    expect((await calls.pages().next()).value).toBe(1);
  });

  it('gives its permit to the one that asks for the context', async () => {
    const app = await lockApp({ store: 'memory', providers: [Authority] });
    const locks = app.get(LockService);
    const name = await app.get(Authority).report('a', async () => locks.current()?.name);
    expect(name).toBe('tenant:a');
  });

  it.each<[string, object]>([
    ['"permits" is undefined', {}],
    ['"permits" is 0', { permits: 0 }],
    ['"count" is 1.5', { permits: 2, count: 1.5 }],
    ['3 permits are asked for at once, and there are only 2', { permits: 2, count: 3 }],
    ['there is no option "mode"', { permits: 2, mode: 'shared' }],
    ['"ttl" is', { permits: 2, ttl: -1 }],
  ])('refuses options when the class is defined: %s', (message, options) => {
    const define = () => {
      class Wrong {
        @WithPermit('a', options as never)
        async run(): Promise<void> {}
      }
      return Wrong;
    };
    expect(define).toThrow(LockOptionsError);
    expect(define).toThrow(message);
  });
});
