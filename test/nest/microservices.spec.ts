import { describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication } from '@nestjs/common';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { Locked, LockService } from 'nestjs-locker';
import { type AddressInfo, createServer } from 'node:net';
import { firstValueFrom, lastValueFrom, Observable, of, toArray } from 'rxjs';
import { afterTest } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { startHttpApp } from './fixtures/app.js';

@Controller()
class InvoiceController {
  readonly paid: string[] = [];

  constructor(private readonly locks: LockService) {}

  @MessagePattern('issue.below')
  @Locked('invoice:<invoice.id>', { onBusy: () => 'busy' })
  async below(@Payload() invoice: { id: number }): Promise<string> {
    return `${invoice.id}:${this.locks.current()?.name}`;
  }

  @Locked('invoice:<invoice.id>', { onBusy: () => 'busy' })
  @MessagePattern('issue.above')
  async above(@Payload() invoice: { id: number }): Promise<string> {
    return `${invoice.id}:${this.locks.current()?.name}`;
  }

  @MessagePattern('list')
  @Locked('list')
  list(): Observable<string> {
    return of('one', this.locks.current()!.name);
  }

  @MessagePattern('fail')
  @Locked('fail')
  async fail(): Promise<never> {
    throw new RpcException('own error');
  }

  @EventPattern('paid')
  @Locked('paid:<id>', { onBusy: 'skip' })
  async onPaid(@Payload() { id }: { id: number }): Promise<void> {
    this.paid.push(`${id}:${this.locks.current()?.name}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function start() {
  const options = { host: '127.0.0.1', port: await freePort() };
  const connect = async (app: INestApplication) => {
    app.connectMicroservice({ transport: Transport.TCP, options });
    await app.startAllMicroservices();
  };
  const started = await startHttpApp({ controllers: [InvoiceController] }, 'express', connect);
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  afterTest(async () => client.close());
  const ask = (pattern: string, data: unknown) =>
    lastValueFrom(client.send<unknown>(pattern, data).pipe(toArray()));
  return { ...started, client, ask };
}

describe('a microservice', () => {
  it.each(['issue.below', 'issue.above'])('answers the message %s', async (pattern) => {
    const { ask, store } = await start();
    expect(await ask(pattern, { id: 7 })).toEqual(['7:invoice:7']);
    await store.busy('invoice:7');
    expect(await ask(pattern, { id: 7 })).toEqual(['busy']);
  });

  it('streams an Observable', async () => {
    const { ask } = await start();
    expect(await ask('list', {})).toEqual(['one', 'list']);
  });

  it("passes the handler's own error on", async () => {
    const { ask } = await start();
    await expect(ask('fail', {})).rejects.toMatchObject({ message: 'own error' });
  });

  it('handles an event', async () => {
    const { app, client } = await start();
    await firstValueFrom(client.emit('paid', { id: 7 }), { defaultValue: undefined });
    const { paid } = app.get(InvoiceController);
    await until(() => paid.length > 0, { what: 'the event is handled' });
    expect(paid).toEqual(['7:paid:7']);
  });
});
