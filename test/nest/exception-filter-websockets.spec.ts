import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { type INestApplication, Module, type Provider, UseFilters } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { LockBusyError, Locked, LockExceptionFilter } from 'nestjs-locker';
import { Observable, throwError } from 'rxjs';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { afterTest } from '../support/lock-service.js';
import { startHttpApp } from './fixtures/app.js';

@UseFilters(LockExceptionFilter)
@WebSocketGateway()
class InvoiceGateway {
  @SubscribeMessage('issue')
  @Locked('secret:<id>', { wait: 0 })
  async issue(@MessageBody('id') id: number): Promise<unknown> {
    return { event: 'issued', data: id };
  }

  @SubscribeMessage('stream')
  stream(): Observable<never> {
    return throwError(() => new LockBusyError('secret', 'secret', null));
  }

  @SubscribeMessage('fail')
  @Locked('free')
  async fail(): Promise<never> {
    throw new WsException('own error');
  }
}

/** Without the filter. */
@WebSocketGateway({ namespace: 'bare' })
class BareGateway {
  @SubscribeMessage('issue')
  @Locked('secret:7', { wait: 0 })
  async issue(): Promise<string> {
    return 'issued';
  }
}

@Module({ providers: [InvoiceGateway] })
class GatewayModule {}

interface Client {
  send(event: string, data: unknown): void;
  /** The next message of that event. */
  next(event: string): Promise<unknown>;
}

async function start(
  adapter: (app: INestApplication) => IoAdapter | WsAdapter,
  providers: Provider[] = [],
) {
  return startHttpApp({ imports: [GatewayModule], providers }, 'express', (app) =>
    app.useWebSocketAdapter(adapter(app)),
  );
}

async function socketIo(namespace = '') {
  const started = await start((app) => new IoAdapter(app), [BareGateway]);
  const socket = io(`${started.url}/${namespace}`, { transports: ['websocket'] });
  afterTest(() => socket.disconnect());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const client: Client = {
    send: (event, data) => socket.emit(event, data),
    next: (event) => new Promise((resolve) => socket.once(event, resolve)),
  };
  return { ...started, socket, client };
}

async function native() {
  const started = await start((app) => new WsAdapter(app));
  const socket = new WebSocket(started.url.replace('http', 'ws'));
  afterTest(() => socket.terminate());
  await once(socket, 'open');
  const client: Client = {
    send: (event, data) => socket.send(JSON.stringify({ event, data })),
    next: async (event) => {
      const [message] = (await once(socket, 'message')) as [Buffer];
      const { data, ...rest } = JSON.parse(message.toString()) as { data: unknown };
      expect(rest).toEqual({ event });
      return data;
    },
  };
  return { ...started, client };
}

const busy = (pattern: string, data: unknown) => ({
  status: 'error',
  code: 'LOCK_BUSY',
  message: 'Somebody else is working on this at the moment. Try again later.',
  cause: { pattern, data },
});

describe.each([
  ['socket.io', () => socketIo()],
  ['ws', native],
] as const)('an error of a lock over %s', (_library, connect) => {
  it.each(['issue', 'stream'])('is the event "exception" with its code: %s', async (event) => {
    const { client, store } = await connect();
    await store.busy('secret:7');
    const answer = client.next('exception');
    client.send(event, { id: 7 });
    expect(await answer).toEqual(busy(event, { id: 7 }));
  });

  it('leaves the gateway at work', async () => {
    const { client, store } = await connect();
    await store.busy('secret:7');
    const refused = client.next('exception');
    client.send('issue', { id: 7 });
    await refused;
    const issued = client.next('issued');
    client.send('issue', { id: 8 });
    expect(await issued).toBe(8);
  });
});

describe('an error over socket.io', () => {
  it('is left to Nest where the gateway does not use the filter', async () => {
    const { client, store } = await socketIo('bare');
    await store.busy('secret:7');
    const answer = client.next('exception');
    client.send('issue', { id: 7 });
    expect(await answer).toMatchObject({ status: 'error', message: 'Internal server error' });
  });

  it('leaves other errors to Nest', async () => {
    const { client } = await socketIo();
    const answer = client.next('exception');
    client.send('fail', { id: 7 });
    expect(await answer).toEqual({
      status: 'error',
      message: 'own error',
      cause: { pattern: 'fail', data: { id: 7 } },
    });
  });

  it('is no acknowledgement: whoever waits for one would take it for the result', async () => {
    const { client, socket, store } = await socketIo();
    await store.busy('secret:7');
    const answers: unknown[] = [];
    const answer = client.next('exception');
    socket.emit('issue', { id: 7 }, (acknowledged: unknown) => answers.push(acknowledged));
    expect(await answer).toEqual(busy('issue', { id: 7 }));
    // What the server sends arrives in order.
    const later = client.next('exception');
    client.send('issue', { id: 7 });
    await later;
    expect(answers).toEqual([]);
  });
});
