import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  markerText,
  type NodeMarker,
  type NodeReply,
  type NodeStep,
} from '../../lib/stores/quorum/node-port.interface.js';
import { QuorumKeySpace } from '../../lib/stores/quorum/quorum-keys.js';
import { RedisNodePort } from '../../lib/stores/quorum/redis-node.port.js';
import { RedisServer } from '../support/redis-server.js';

const MARKER: NodeMarker = {
  state: 'voting',
  runId: 'run',
  maxTtlMs: 10_000,
  isDurable: false,
  sinceMs: 1,
  votesFromMs: 0,
  isByMost: false,
  reason: 'first',
};
const HOLDER = { service: 's', host: 'h', pid: 1 };

describe('A lease that a node is given which had none of it', () => {
  let server: RedisServer;
  let port: RedisNodePort;
  beforeAll(async () => {
    server = await RedisServer.start();
    port = new RedisNodePort(server.url, 'nodes', new QuorumKeySpace('lock'));
    await new Promise<void>((opened) => {
      const nothing = (): void => undefined;
      const listener = { onClose: nothing, onFreed: nothing, onListening: nothing };
      port.open({ ...listener, onOpen: opened });
    });
    await port.mark(null, MARKER, 0);
  });
  afterAll(async () => {
    await port.close();
    await server.stop();
  });

  const take = async (step: NodeStep): Promise<NodeReply> => {
    const { replies } = await port.take(markerText(MARKER), [step]);
    return replies[0]!;
  };
  const sinceOf = async (name: string, fencingToken: number): Promise<number> => {
    const step = { type: 'adopt', name, owner: 'o.1', ttlMs: 5_000, holder: HOLDER } as const;
    expect(await take({ ...step, fencingToken })).toEqual({ type: 'done' });
    const found = await take({ type: 'inspect', name });
    return found.type === 'found' && found.lease ? found.lease.sinceMs : NaN;
  };

  it('counts from when it was acquired, which its token tells', async () => {
    const acquiredMs = Date.now() - 60_000;
    expect(await sinceOf('a', acquiredMs * 1_000 + 7)).toBe(acquiredMs);
  });

  it('counts from now where its token is ahead of the time', async () => {
    const sinceMs = await sinceOf('b', (Date.now() + 60_000) * 1_000);
    expect(Math.abs(sinceMs - Date.now())).toBeLessThan(2_000);
  });
});
