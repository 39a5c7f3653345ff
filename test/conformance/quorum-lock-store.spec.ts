import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, jest } from '@jest/globals';
import { QuorumKeySpace } from '../../lib/stores/quorum/quorum-keys.js';
import { QuorumLockStore } from '../../lib/stores/quorum/quorum-lock.store.js';
import { RedisNodePort } from '../../lib/stores/quorum/redis-node.port.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';
import { behavesAsLockStore } from './lock-store.conformance.js';

jest.setTimeout(60_000);

describe('QuorumLockStore over three servers', () => {
  let nodes: RedisNodes;
  let store: QuorumLockStore;
  beforeAll(async () => {
    nodes = await RedisNodes.start(3);
  });
  afterAll(() => nodes.stop());
  beforeEach(async () => {
    const keys = new QuorumKeySpace('lock');
    const ports = nodes.urls.map((url, i) => new RedisNodePort(url, `nodes[${i}]`, keys));
    store = new QuorumLockStore(ports, {
      maxTtlMs: 60_000,
      nodeTimeoutMs: 500,
      isFirstDeployment: true,
    });
    await store.connect(); // with a majority
    const allVote = () => store.nodes().every(({ state }) => state === 'voting');
    await until(allVote, { what: 'all of them vote' });
  });
  afterEach(() => store.close());

  // Who waits is told that a name is free, and asks: there is no queue of all nodes.
  const lacks = ['queues', 'sharedLocks', 'semaphores'] as const;
  behavesAsLockStore(() => ({ store, pass: sleep, tells: true, ownersAreNew: true }), lacks);
});
