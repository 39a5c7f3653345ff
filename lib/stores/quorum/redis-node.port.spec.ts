import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { errorOf } from '../../../test/support/lock-service.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { TcpProxy } from '../../../test/support/tcp-proxy.js';
import { until } from '../../../test/support/until.js';
import { markerText, type NodeMarker } from './node-port.interface.js';
import { QuorumKeySpace } from './quorum-keys.js';
import { RedisNodePort } from './redis-node.port.js';

const MARKER: NodeMarker = {
  state: 'voting',
  runId: 'run',
  maxTtlMs: 10_000,
  isDurable: false,
  sinceMs: 0,
  votesFromMs: 0,
  isByMost: false,
  reason: 'first',
};

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

describe('A node of which the connection was lost', () => {
  let proxy: TcpProxy;
  let port: RedisNodePort;
  let opened: number;

  const start = async (database: number): Promise<void> => {
    opened = 0;
    proxy = await TcpProxy.start(server.port);
    port = new RedisNodePort(`${proxy.url}/${database}`, 'nodes', new QuorumKeySpace('lock'));
    port.open({
      onOpen: () => opened++,
      onClose: () => undefined,
      onFreed: () => undefined,
      onListening: () => undefined,
    });
    await until(() => opened === 1, { what: 'it is connected' });
  };
  afterEach(async () => {
    proxy.onRequest = undefined;
    await until(() => opened === 2, { what: 'it is connected again' });
    await port.close();
    await proxy.stop();
  });

  const questions: [string, () => Promise<unknown>][] = [
    ['hello', () => port.hello()],
    ['take', () => port.take('', [])],
    ['mark', () => port.mark(null, MARKER, 0)],
    ['highestToken', () => port.highestToken('')],
  ];
  const cases = questions.flatMap(([what, ask]) => [0, 1].map((db) => [what, db, ask] as const));

  it.each(cases)('says so in plain words (%s, database %d)', async (_what, database, ask) => {
    await start(database);
    proxy.onRequest = () => proxy.cut();
    const asked = await errorOf(ask());
    expect((asked as Error).message).toBe('the connection was lost before it answered');
    expect((asked as Error).cause).toBeInstanceOf(Error);
    // In the same turn: it may connect again in the next.
    const broken = await errorOf(ask());
    expect((broken as Error).message).toBe('no connection stands');
  });
});

describe('Steps of several holders that go out together', () => {
  it('are each recorded with its own', async () => {
    const keys = new QuorumKeySpace('holders');
    const port = new RedisNodePort(server.url, 'nodes', keys);
    let isOpen = false;
    port.open({
      onOpen: () => (isOpen = true),
      onClose: () => undefined,
      onFreed: () => undefined,
      onListening: () => undefined,
    });
    await until(() => isOpen, { what: 'it is connected' });
    await port.mark(null, MARKER, 0);
    const text = markerText(MARKER);
    const names = ['a', 'b', 'c'];
    const how = { type: 'acquire', ttlMs: 5_000, proposal: 1, tokens: 1, waitMs: 0 } as const;
    const { replies, micros } = await port.take(
      text,
      names.map((name) => ({
        ...how,
        name,
        owner: name,
        holder: { service: name, host: '', pid: 1 },
      })),
    );
    expect(replies.map(({ type }) => type)).toEqual(['granted', 'granted', 'granted']);
    expect(micros).toBeGreaterThan(0);
    const found = await port.take(
      text,
      names.map((name) => ({ type: 'inspect', name }) as const),
    );
    expect(found.replies).toMatchObject(
      names.map((name) => ({ lease: { holder: { service: name } } })),
    );
    await port.close();
  });
});
