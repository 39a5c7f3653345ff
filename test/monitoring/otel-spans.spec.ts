import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { context, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Locked, LockService } from 'nestjs-locker';
import { observeLocks } from 'nestjs-locker/otel';
import { TestLockStore } from 'nestjs-locker/testing';
import { systemClock } from '../../lib/core/clock.js';
import { MemoryLockStore } from '../../lib/stores/memory/memory-lock.store.js';
import { afterTest, errorOf, lockApp, lockService } from '../support/lock-service.js';
import { until } from '../support/until.js';

class InvoiceService {
  @Locked('invoice:<number>')
  async issue(invoice: { number: number }): Promise<number> {
    return invoice.number;
  }
}

describe('spans of locks', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let tracer: Tracer;
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    tracer = provider.getTracer('application');
  });
  afterAll(() => context.disable());

  beforeEach(() => {
    exporter.reset();
    afterTest(observeLocks({ tracerProvider: provider, metrics: false }));
  });

  const spans = (name: string): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.name === name);
  const only = (name: string): ReadableSpan => {
    const [span, ...others] = spans(name);
    expect([name, span?.name, others.length]).toEqual([name, name, 0]);
    return span!;
  };

  it('stand beside each other under the span of the caller', async () => {
    const service = (await lockApp({ store: 'memory', providers: [InvoiceService] })).get(
      InvoiceService,
    );
    await tracer.startActiveSpan('request', async (span) => {
      await service.issue({ number: 42 });
      span.end();
    });
    const request = only('request').spanContext();
    const [acquire, hold] = [only('acquire invoice:<number>'), only('hold invoice:<number>')];
    expect(acquire.parentSpanContext?.spanId).toBe(request.spanId);
    expect(hold.parentSpanContext?.spanId).toBe(request.spanId);
    expect(acquire.attributes).toEqual({
      'nestjs_locker.lock': 'invoice:<number>',
      'nestjs_locker.mode': 'exclusive',
      'nestjs_locker.service': expect.any(String),
      'nestjs_locker.names': ['invoice:42'],
      'nestjs_locker.result': 'granted',
    });
    expect(hold.attributes).toMatchObject({
      'nestjs_locker.name': 'invoice:42',
      'nestjs_locker.fencing_token': expect.any(Number),
      'nestjs_locker.result': 'released',
    });
    expect(spans('wait invoice:<number>')).toEqual([]);
  });

  it('are one trace where the caller has none', async () => {
    const locks = await lockService({ store: 'memory' });
    await locks.withLock('a', () => undefined);
    expect(only('hold lock').parentSpanContext?.spanId).toBe(
      only('acquire lock').spanContext().spanId,
    );
  });

  describe.each(['memory', 'Redis'])('of a wait, in %s', (kind) => {
    let locks: LockService;
    beforeEach(async () => {
      const store = { store: 'memory' } as const;
      locks = await lockService(kind === 'memory' ? store : { redis: process.env['REDIS_URL'] });
    });
    const name = `a:${Math.random()}`;

    /** Two callers, one after the other, of whom the second waits for `holdMs` and more. */
    const takeTurns = async (holdMs: number): Promise<void> => {
      const first = await locks.acquire(name, { label: 'first' });
      await sleep(holdMs);
      let isWaiting = false;
      const options = { label: 'second', onWaiting: () => (isWaiting = true) };
      const second = locks.acquire(name, options as object);
      await until(() => isWaiting, { what: 'it waits' });
      await first.release();
      await (await second).release();
    };

    const told = (): object => {
      const wait = only('wait second');
      return {
        links: wait.links.map((link) => link.context.spanId),
        parent: wait.parentSpanContext?.spanId,
        place: wait.attributes['nestjs_locker.place'],
        result: wait.attributes['nestjs_locker.result'],
      };
    };

    const linked = (): object => {
      const [hold, acquire] = [only('hold first'), only('acquire second')].map(
        (span) => span.spanContext().spanId,
      );
      return { links: [hold], parent: acquire, place: 1, result: 'granted' };
    };

    it.each([
      ['passes it on within its process', 0],
      ['hands it over through the store', 60],
    ])('link to the hold that %s', async (_, holdMs) => {
      // Time tells whether it was that one: on a machine that stands still in between, a link is left out.
      const isLinked = async (): Promise<boolean> => {
        exporter.reset();
        await takeTurns(holdMs);
        return only('wait second').links.length > 0;
      };
      await until(isLinked, { what: 'it links', timeoutMs: 15_000 });
      expect(told()).toEqual(linked());
    });
  });

  it('link to nothing where somebody outside had the lock in between', async () => {
    const store = new MemoryLockStore(systemClock);
    const locks = await lockService({ store });
    const outsider = { name: 'a', kind: 'lock', owner: 'outsider' } as const;
    const first = await locks.acquire('a', { label: 'first' });
    await store.acquire({
      ...outsider,
      units: 0,
      permits: 0,
      ttlMs: 10_000,
      tokens: 1,
      holder: { service: 'other', host: 'elsewhere', pid: 1 },
      registration: { number: 1, claimMs: 10_000, tokens: 1 },
    });
    await sleep(60); // no turn of this process goes on any more
    const second = locks.acquire('a', { label: 'second' });
    await until(async () => (await store.inspect(outsider)).waiting === 2, { what: 'two wait' });
    await first.release();
    await sleep(50);
    await store.release(outsider);
    await (await second).release();
    expect(only('wait second').links).toEqual([]);
  });

  it('tell contention as no error, and what is one as such', async () => {
    const store = new TestLockStore();
    const locks = await lockService({ store });
    await store.busy('a');
    await locks.tryAcquire('a', { label: 'busy' });
    store.fail('acquire', { error: new Error('gone') });
    await errorOf(locks.acquire('b', { label: 'gone' }));
    await locks.acquire('c', { label: 'lost' });
    await locks.forceRelease('c');
    expect(only('acquire busy').status.code).toBe(SpanStatusCode.UNSET);
    expect(only('acquire busy').attributes['nestjs_locker.result']).toBe('busy');
    expect(only('acquire gone').status.code).toBe(SpanStatusCode.ERROR);
    expect(only('acquire gone').attributes['error.type']).toBe('unreachable');
    expect(only('hold lost').status.code).toBe(SpanStatusCode.ERROR);
    expect(only('hold lost').attributes['nestjs_locker.reason']).toBe('forced');
  });

  it('are of the global provider, also where that comes later', async () => {
    const locks = await lockService({ store: 'memory' });
    const stop = observeLocks({ metrics: false });
    afterTest(stop);
    trace.setGlobalTracerProvider(provider);
    afterTest(() => trace.disable());
    await locks.withLock('a', () => undefined, { label: 'global' });
    expect(spans('acquire global')).toHaveLength(2); // one of each observer
  });
});
