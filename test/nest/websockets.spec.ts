import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type WsResponse,
} from '@nestjs/websockets';
import { Locked, LockService } from 'nestjs-locker';
import { Observable, of } from 'rxjs';
import { WebSocket } from 'ws';
import { afterTest } from '../support/lock-service.js';
import { startHttpApp } from './fixtures/app.js';

@WebSocketGateway()
class InvoiceGateway {
  constructor(private readonly locks: LockService) {}

  @SubscribeMessage('below')
  @Locked('invoice:<id>', { onBusy: () => ({ event: 'busy', data: '' }) })
  async below(@MessageBody('id') id: number): Promise<WsResponse<string>> {
    return { event: 'issued', data: `${id}:${this.locks.current()?.name}` };
  }

  @Locked('invoice:<id>', { onBusy: () => ({ event: 'busy', data: '' }) })
  @SubscribeMessage('above')
  async above(@MessageBody('id') id: number): Promise<WsResponse<string>> {
    return { event: 'issued', data: `${id}:${this.locks.current()?.name}` };
  }

  @SubscribeMessage('stream')
  @Locked('stream')
  stream(): Observable<WsResponse<string>> {
    return of({ event: 'last', data: `${this.locks.current()?.name}` });
  }
}

async function start() {
  const started = await startHttpApp({ providers: [InvoiceGateway] }, 'express', (app) =>
    app.useWebSocketAdapter(new WsAdapter(app)),
  );
  const socket = new WebSocket(started.url.replace('http', 'ws'));
  afterTest(async () => socket.terminate());
  await once(socket, 'open');
  const ask = async (event: string, data: unknown): Promise<unknown> => {
    const answer = once(socket, 'message');
    socket.send(JSON.stringify({ event, data }));
    const [message] = (await answer) as [Buffer];
    return JSON.parse(message.toString());
  };
  return { ...started, ask };
}

describe('a WebSocket gateway', () => {
  it.each(['above', 'below'])('answers under the lock: @Locked %s', async (event) => {
    const { ask, store } = await start();
    expect(await ask(event, { id: 7 })).toEqual({ event: 'issued', data: '7:invoice:7' });
    await store.busy('invoice:7');
    expect(await ask(event, { id: 7 })).toEqual({ event: 'busy', data: '' });
  });

  it('streams an Observable', async () => {
    const { ask } = await start();
    expect(await ask('stream', {})).toEqual({ event: 'last', data: 'stream' });
  });
});
