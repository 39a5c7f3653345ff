import { beforeEach, describe, expect, it } from '@jest/globals';
import { type NodeAtHand, settled } from '../../../test/support/node-at-hand.js';
import { storeOverNodes, votingNodes } from '../../../test/support/voting-nodes.js';
import { ManualClock } from '../../testing/manual.clock.js';
import type { AcquireReply } from '../lock-store.interface.js';
import type { NodeReply, NodeStep } from './node-port.interface.js';
import { beginning, success } from './outcome-changes.js';
import { NOTHING, textOf } from './outcome-record.js';
import type { QuorumLockStore } from './quorum-lock.store.js';

const TTL = 10_000;
const NAME = 'invoice:1';
const HOLDER = { service: 's', host: 'h', pid: 1 };
const ONCE = { job: 'invoice', onUnknown: 'hold', keepMs: Infinity } as const;
const REQUEST = {
  name: NAME,
  kind: 'lock',
  owner: 'o',
  units: 0,
  permits: 0,
  tokens: 1,
  ttlMs: TTL,
  holder: HOLDER,
  once: ONCE,
} as const;

const NOBODY = { type: 'recalled', mark: '', fencingToken: 0 } as const;

describe('Beginning what is done once', () => {
  let clock: ManualClock;
  let ports: NodeAtHand[];
  let store: QuorumLockStore;
  beforeEach(async () => {
    clock = new ManualClock();
    ports = votingNodes(3, clock, TTL);
    store = await storeOverNodes(ports, clock, TTL);
  });

  const begunBy = (token: number, owner: string) =>
    beginning({ token, owner, holder: HOLDER, now: 1, once: ONCE })(NOTHING);
  const processed = textOf(
    success({
      token: 5,
      owner: 'another',
      now: 2,
      told: {
        kind: 'processed',
        job: 'invoice',
        holder: HOLDER,
        retentionMs: Infinity,
      },
    })(begunBy(5, 'another')),
  );
  const unknown = textOf(begunBy(5, 'another'));

  /** Two nodes tell what `replyTo` says, the third stays silent; until all is quiet. */
  async function play(replyTo: (step: NodeStep, node: number) => NodeReply): Promise<void> {
    for (let rounds = 0; rounds < 20; rounds++) {
      for (const [node, port] of ports.slice(0, 2).entries()) {
        for (const call of port.calls.splice(0)) {
          call.answer(call.steps.map((step) => replyTo(step, node)));
        }
      }
      await settled();
      await clock.advance(30);
    }
  }

  it('is judged by what is known when the lock is had: who was at it has told the end by then', async () => {
    const outcome: { reply?: AcquireReply } = {};
    void store.acquire(REQUEST).then((reply) => (outcome.reply = reply));
    await settled();
    let isTaken = false;
    await play((step) => {
      if (step.type === 'recall') {
        if (isTaken) return { ...NOBODY, text: processed };
        return { type: 'recalled', text: unknown, mark: 'another', fencingToken: 5 };
      }
      if (step.type !== 'acquire') return { type: 'done' };
      isTaken = true;
      const token = step.proposal;
      return { type: 'granted', fencingToken: token, lastToken: token, isWaitedFor: false };
    });
    expect(outcome.reply).toMatchObject({ status: 'processed' });
  });

  it.each([
    ['processed', processed],
    ['unknown', unknown],
  ])(
    'is refused where a node tells, with the lock in hand, that it is %s',
    async (status, text) => {
      const outcome: { reply?: AcquireReply } = {};
      void store.acquire(REQUEST).then((reply) => (outcome.reply = reply));
      await settled();
      let told = '';
      await play((step, node) => {
        if (step.type === 'recall') return { ...NOBODY, text: '' };
        if (step.type === 'acquire') {
          const token = step.proposal;
          return { type: 'granted', fencingToken: token, lastToken: token, isWaitedFor: false };
        }
        // The other was ended after it had been read here.
        if (step.type === 'record' && node === 1 && step.expected !== (told || text)) {
          told = told || text;
          return { ...NOBODY, text: told };
        }
        if (step.type === 'record') {
          if (node === 1) told = step.next;
          return { type: 'recorded' };
        }
        return { type: 'done' };
      });
      expect(outcome.reply).toMatchObject({ status });
    },
  );
});
