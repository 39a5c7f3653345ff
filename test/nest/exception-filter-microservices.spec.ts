import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { LockBusyError, Locked } from 'nestjs-locker';
import { concat, firstValueFrom, lastValueFrom, Observable, of, throwError, toArray } from 'rxjs';
import { freePort } from '../support/free-port.js';
import { afterTest, errorOf, RecordingLogger } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { startHttpApp } from './fixtures/app.js';

const HOST = '127.0.0.1';

@Controller()
class InvoiceController {
  @MessagePattern('issue')
  @Locked('secret:7', { wait: 0 })
  async issue(): Promise<string> {
    return 'issued';
  }

  @MessagePattern('list')
  list(): Observable<string> {
    return concat(
      of('one'),
      throwError(() => new LockBusyError('secret', 'secret', null)),
    );
  }

  @MessagePattern('fail')
  @Locked('free')
  async fail(): Promise<never> {
    throw new RpcException({ status: 'error', message: 'own error' });
  }

  @EventPattern('paid')
  @Locked('secret:7', { wait: 0 })
  async onPaid(@Payload() paid: unknown): Promise<unknown> {
    return paid;
  }
}

async function start(inheritAppConfig = true) {
  const options = { host: HOST, port: await freePort(HOST) };
  const logger = new RecordingLogger();
  const started = await startHttpApp(
    { controllers: [InvoiceController] },
    'express',
    async (app) => {
      app.useLogger(logger);
      app.connectMicroservice({ transport: Transport.TCP, options }, { inheritAppConfig });
      await app.startAllMicroservices();
    },
  );
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  afterTest(async () => client.close());
  const ask = (pattern: string) => lastValueFrom(client.send<unknown>(pattern, {}).pipe(toArray()));
  return { ...started, client, ask, lines: logger.lines };
}

const BUSY = {
  status: 'error',
  code: 'LOCK_BUSY',
  message: 'Somebody else is working on this at the moment. Try again later.',
};

describe('an error of a lock in a microservice', () => {
  it('reaches the client with its code', async () => {
    const { ask, store } = await start();
    await store.busy('secret:7');
    expect(await errorOf(ask('issue'))).toEqual(BUSY);
    await store.free('secret:7');
    expect(await ask('issue')).toEqual(['issued']);
  });

  it('ends a stream', async () => {
    const { ask } = await start();
    expect(await errorOf(ask('list'))).toEqual(BUSY);
  });

  it('is a warning, since an event has nobody to answer to', async () => {
    const { client, lines, store } = await start();
    await store.busy('secret:7');
    await firstValueFrom(client.emit('paid', {}), { defaultValue: undefined });
    await until(() => lines.some((line) => line.startsWith('warn ')), { what: 'it is told' });
    expect(lines.filter((line) => /^(warn|error)/.test(line))).toEqual([
      expect.stringMatching(/^warn The lock "secret:7" is held by somebody-else/),
    ]);
  });

  it('leaves other errors to Nest', async () => {
    const { ask } = await start();
    expect(await errorOf(ask('fail'))).toEqual({ status: 'error', message: 'own error' });
  });

  it('is left to Nest where a hybrid application does not inherit its filters', async () => {
    const { ask, store } = await start(false);
    await store.busy('secret:7');
    const expected = { status: 'error', message: 'Internal server error' };
    expect(await errorOf(ask('issue'))).toEqual(expected);
  });
});
