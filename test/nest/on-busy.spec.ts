import { describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  type BusyContext,
  LockBusyError,
  Locked,
  LockLostError,
  LockService,
  LockTimeoutError,
} from 'nestjs-locker';
import { of } from 'rxjs';
import { leaseIn } from '../support/lease-end.js';
import { errorOf, eventsOf, watch } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { startApp } from './fixtures/app.js';

const onBusy = jest.fn<(context: BusyContext) => unknown>();

@Injectable()
class Invoices {
  readonly calls: unknown[] = [];

  constructor(private readonly locks: LockService) {}

  @Locked('job:<id>')
  async thrown(id: number): Promise<string> {
    return `done ${id}`;
  }

  @Locked('job:<id>', { onBusy: 'skip' })
  async skipped(id: number): Promise<string | undefined> {
    return `done ${id}`;
  }

  @Locked('job:<id>', { onBusy: 'skip', wait: '3s' })
  async skippedAfterWaiting(id: number): Promise<string | undefined> {
    return `done ${id}`;
  }

  @Locked('job:<id>', { onBusy })
  async handled(id: number, amount: number): Promise<string> {
    return `done ${id} ${amount}`;
  }

  @Locked('job:<id>', { onBusy, wait: '3s' })
  async handledAfterWaiting(id: number): Promise<string> {
    return `done ${id}`;
  }

  @Locked('job:<id>', { onBusy: 'skip' })
  async meetsAnother(id: number): Promise<void> {
    await this.locks.acquire(`other:${id}`, { wait: 0 });
  }

  @Locked('nested:<id>', { onBusy: 'skip' })
  async callsAnother(id: number): Promise<unknown> {
    return this.thrown(id);
  }
}

describe('a decorated method whose lock is busy', () => {
  const start = async () => {
    onBusy.mockReset();
    const started = await startApp({ providers: [Invoices] });
    await started.store.busy('job:7');
    return { ...started, events: eventsOf(started.locks), service: started.app.get(Invoices) };
  };

  it('waits, and then throws', async () => {
    const { service, store } = await start();
    const call = watch(service.thrown(7));
    await store.clock.advance('4.9s');
    expect(call.settled).toBe(false);
    await store.clock.advance('200ms');
    await until(() => call.settled, { what: 'it has waited' });
    expect(call.error).toBeInstanceOf(LockTimeoutError);
    expect(call.error).toMatchObject({ lockName: 'job:7', holder: expect.anything() });
  });

  it('waits, and then runs', async () => {
    const { service, store } = await start();
    const call = watch(service.thrown(7));
    await store.clock.advance('2s');
    await store.free('job:7');
    await store.clock.advance('2s');
    await until(() => call.settled, { what: 'it has run' });
    expect(call.value).toBe('done 7');
  });

  it("is skipped at once with onBusy: 'skip'", async () => {
    const { service, events } = await start();
    expect(await service.skipped(7)).toBeUndefined();
    expect(await service.skipped(8)).toBe('done 8');
    expect(events[0]).toMatchObject({ type: 'busy', name: 'job:7', waitedMs: 0 });
  });

  it("is skipped after a wait with onBusy: 'skip' and a wait", async () => {
    const { service, store } = await start();
    const skipped = watch(service.skippedAfterWaiting(7));
    await store.clock.advance('2.9s');
    expect(skipped.settled).toBe(false);
    await store.clock.advance('200ms');
    await until(() => skipped.settled, { what: 'it has waited' });
    expect(skipped).toMatchObject({ value: undefined, error: undefined });

    const run = watch(service.skippedAfterWaiting(7));
    await store.clock.advance('1s');
    await store.free('job:7');
    await store.clock.advance('1.9s');
    await until(() => run.settled, { what: 'it has run' });
    expect(run.value).toBe('done 7');
  });

  it('has a function called with name, arguments, instance and error, at once', async () => {
    const { service } = await start();
    onBusy.mockReturnValue('instead');
    expect(await service.handled(7, 9)).toBe('instead');
    expect(onBusy.mock.calls).toEqual([
      [{ name: 'job:7', args: [7, 9], instance: service, error: expect.any(LockBusyError) }],
    ]);
    expect(onBusy.mock.calls[0]![0].instance).toBe(service);
  });

  it('has a function called after a wait, if there is one', async () => {
    const { service, store } = await start();
    onBusy.mockReturnValue('instead');
    const call = watch(service.handledAfterWaiting(7));
    await store.clock.advance('2.9s');
    expect(onBusy).not.toHaveBeenCalled();
    await store.clock.advance('200ms');
    await until(() => call.settled, { what: 'it has waited' });
    expect(call.value).toBe('instead');
    expect(onBusy.mock.calls[0]![0].error).toBeInstanceOf(LockTimeoutError);
  });

  it('comes to what the function comes to', async () => {
    const { service } = await start();
    onBusy.mockReturnValueOnce(Promise.resolve('promised'));
    expect(await service.handled(7, 9)).toBe('promised');
    const error = new Error('own error');
    onBusy.mockReturnValueOnce(Promise.reject(error));
    await expect(service.handled(7, 9)).rejects.toBe(error);
    onBusy.mockImplementationOnce(() => {
      throw error;
    });
    await expect(service.handled(7, 9)).rejects.toBe(error);
    const stream = of('one');
    onBusy.mockReturnValueOnce(stream);
    expect(await service.handled(7, 9)).toBe(stream);
  });

  it('is not skipped for the sake of another lock that it meets', async () => {
    const { service, store } = await start();
    await store.busy('other:8');
    const error = await errorOf(service.meetsAnother(8));
    expect(error).toBeInstanceOf(LockBusyError);
    expect(error).toMatchObject({ lockName: 'other:8' });
    expect(await leaseIn(store, 'job:8')).toBeNull();

    const nested = watch(service.callsAnother(7));
    await store.clock.advance('6s');
    await until(() => nested.settled, { what: 'the inner call has waited' });
    expect(nested.error).toMatchObject({ lockName: 'job:7' });
  });

  it('does not hide that the store is out of reach', async () => {
    const { service, store } = await start();
    store.fail('acquire');
    await expect(service.skipped(7)).rejects.toMatchObject({ code: 'LOCK_STORE_UNREACHABLE' });
  });
});

describe('a decorated method whose lock is lost', () => {
  const compensate = jest.fn(function (
    this: unknown,
    loss: LockLostError,
    ..._args: unknown[]
  ): unknown {
    return `compensated ${String(loss.result)}`;
  });

  @Injectable()
  class Working {
    go: (() => void) | undefined;

    @Locked('plain:<id>')
    async plain(id: number): Promise<string> {
      await this.told();
      return `done ${id}`;
    }

    @Locked('compensated:<id>', { compensate })
    async compensated(id: number, amount: number): Promise<string> {
      await this.told();
      return `done ${id} ${amount}`;
    }

    @Locked('failing', { compensate })
    async failing(): Promise<string> {
      await this.told();
      throw new Error('own error');
    }

    private told(): Promise<void> {
      return new Promise((resolve) => (this.go = resolve));
    }
  }

  const start = async () => {
    compensate.mockClear();
    const { app, store } = await startApp({ providers: [Working] });
    const service = app.get(Working);
    const working = () => until(() => service.go !== undefined, { what: 'it is at work' });
    const lose = async (name: string): Promise<void> => {
      await working();
      await store.forceLose(name);
    };
    return { service, working, lose };
  };

  it('fails, with the result', async () => {
    const { service, lose } = await start();
    const failing = errorOf(service.plain(7));
    await lose('plain:7');
    service.go!();
    const error = await failing;
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ lockName: 'plain:7', result: 'done 7', reason: 'taken-over' });
  });

  it('comes to what compensate gives, which gets loss, arguments and this', async () => {
    const { service, lose } = await start();
    const call = service.compensated(7, 9);
    await lose('compensated:7');
    service.go!();
    expect(await call).toBe('compensated done 7 9');
    expect(compensate.mock.contexts).toEqual([service]);
    expect(compensate.mock.calls).toEqual([[expect.any(LockLostError), 7, 9]]);
  });

  it("still fails with the method's own error", async () => {
    const { service, lose } = await start();
    const failing = errorOf(service.failing());
    await lose('failing');
    service.go!();
    expect(await failing).toMatchObject({ message: 'own error' });
    expect(compensate).toHaveBeenCalledTimes(1);
  });

  it('is not compensated when nothing was lost', async () => {
    const { service, working } = await start();
    const call = service.compensated(7, 9);
    await working();
    service.go!();
    expect(await call).toBe('done 7 9');
    expect(compensate).not.toHaveBeenCalled();
  });
});
