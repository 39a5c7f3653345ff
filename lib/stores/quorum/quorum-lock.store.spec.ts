import { beforeEach, describe, expect, it } from '@jest/globals';
import { type NodeAtHand, settled } from '../../../test/support/node-at-hand.js';
import { storeOverNodes, votingNodes } from '../../../test/support/voting-nodes.js';
import { ManualClock } from '../../testing/manual.clock.js';
import type { LeaseRecord } from '../lock-store.interface.js';
import type { NodeLease, NodeReply } from './node-port.interface.js';
import type { QuorumLockStore } from './quorum-lock.store.js';

const TTL = 10_000;
const SUBJECT = { name: 'a', kind: 'lock' } as const;
const LEASE: NodeLease = {
  mark: 'o',
  fencingToken: 100,
  sinceMs: 0,
  remainingMs: 5_000,
  holder: { service: 's', host: 'h', pid: 1 },
};

describe('QuorumLockStore', () => {
  let clock: ManualClock;
  let ports: NodeAtHand[];
  let store: QuorumLockStore;
  beforeEach(async () => {
    clock = new ManualClock();
    ports = votingNodes(3, clock, TTL);
    store = await storeOverNodes(ports, clock, TTL);
  });

  interface Outcome {
    value?: readonly LeaseRecord[];
    error?: Error;
  }

  /** Of each node what it answers; where it is left out, the answer is lost. */
  async function answer(replies: readonly (NodeReply | undefined)[]): Promise<void> {
    for (const [i, reply] of replies.entries()) {
      const call = ports[i]!.calls.shift()!;
      if (reply) call.answer([reply]);
      else call.fail('the connection was lost');
    }
    await settled();
  }

  async function force(token?: number): Promise<Outcome> {
    const outcome: Outcome = {};
    store.forceRelease(SUBJECT, token).then(
      (value) => (outcome.value = value),
      (error: Error) => (outcome.error = error),
    );
    await settled();
    return outcome;
  }

  const FOUND: NodeReply = { type: 'found', lease: LEASE, waiting: 0 };
  const DONE: NodeReply = { type: 'done', lease: LEASE };
  const FREE: NodeReply = { type: 'free' };

  it('takes a lease by force, and tells whose it was', async () => {
    const outcome = await force();
    await answer([FOUND, FOUND, FOUND]);
    await answer([DONE, undefined, FREE]);
    expect(outcome.value).toMatchObject([{ fencingToken: 100 }]);
  });

  it('does not tell that nobody had it where too few have answered', async () => {
    const outcome = await force();
    await answer([FOUND, FOUND, FOUND]);
    await answer([undefined, undefined, DONE]);
    expect(outcome.error?.message).toContain('the connection was lost');
  });

  it('does not take it for the lease of somebody else where too few have told whose it is', async () => {
    const outcome = await force(100);
    await answer([FOUND, FOUND, FOUND]);
    await answer([FOUND, undefined, undefined]);
    expect(outcome.error?.message).toContain('the connection was lost');
  });

  it('knows of no semaphores, and takes no lock of the same name for one', async () => {
    const semaphore = { name: 'a', kind: 'semaphore' } as const;
    expect(await store.inspect(semaphore)).toEqual({ holders: [], waiting: 0, permits: 0 });
    expect(await store.forceRelease(semaphore)).toEqual([]);
  });
});
