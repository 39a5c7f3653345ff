import { beforeEach, describe, expect, it } from '@jest/globals';
import { type NodeAtHand, settled } from '../../../test/support/node-at-hand.js';
import { storeOverNodes, votingNodes } from '../../../test/support/voting-nodes.js';
import { ManualClock } from '../../testing/manual.clock.js';
import type { ReleaseOutcome } from '../lock-store.interface.js';
import type { NodeReply } from './node-port.interface.js';
import type { QuorumLockStore } from './quorum-lock.store.js';

const TTL = 10_000;
const HOLDER = { service: 's', host: 'h', pid: 1 };
const LEASE = { name: 'a', kind: 'lock', owner: 'o' } as const;
const REQUEST = { ...LEASE, units: 0, permits: 0, tokens: 1, ttlMs: TTL, holder: HOLDER } as const;

const DONE: NodeReply = { type: 'done' };
const FREE: NodeReply = { type: 'free' };

describe('release', () => {
  let clock: ManualClock;
  let ports: NodeAtHand[];
  let store: QuorumLockStore;
  beforeEach(async () => {
    clock = new ManualClock();
    ports = votingNodes(5, clock, TTL);
    store = await storeOverNodes(ports, clock, TTL);
  });

  const grant = (port: NodeAtHand): void => {
    const call = port.calls.shift()!;
    const [step] = call.steps;
    if (step?.type !== 'acquire') throw new Error(`asked for ${step?.type}`);
    const { proposal: token } = step;
    call.answer([{ type: 'granted', fencingToken: token, lastToken: token, isWaitedFor: false }]);
  };
  const asked = (): NodeAtHand[] => ports.filter(({ calls }) => calls.length > 0);
  const stepsOf = ({ calls }: NodeAtHand): string[] =>
    calls.flatMap(({ steps }) => steps.map(({ type }) => type));

  /** Taken by those that are asked first, or by all of them. */
  async function take({ everywhere = false, number = 0 } = {}): Promise<string> {
    const registration = number > 0 ? { number, claimMs: 3_000, tokens: 1 } : undefined;
    const taken = store.acquire({ ...REQUEST, registration });
    await settled();
    for (const port of asked()) grant(port);
    const reply = await taken;
    if (reply.status !== 'granted') throw new Error(reply.status);
    if (everywhere) {
      await clock.advance(2);
      for (const port of asked()) grant(port);
    }
    return reply.owner!;
  }

  async function give(owner: string): Promise<{ found?: ReleaseOutcome }> {
    const outcome: { found?: ReleaseOutcome } = {};
    store.release({ ...LEASE, owner }).then(
      (found) => (outcome.found = found),
      () => undefined,
    );
    await settled();
    return outcome;
  }

  async function answer(port: NodeAtHand, reply: NodeReply): Promise<void> {
    port.calls.shift()!.answer([reply]);
    await settled();
  }

  describe('of a lease that only a majority has been asked for', () => {
    it('is done when one has given it up, since others can have the rest', async () => {
      const outcome = await give(await take());
      expect(asked()).toHaveLength(1);
      await answer(asked()[0]!, DONE);
      expect(outcome.found).toBe('released');
    });

    it('tells the other two a moment later, and never those that were not asked', async () => {
      const outcome = await give(await take());
      const [first] = asked();
      await answer(first!, DONE);
      await clock.advance(2);
      expect(asked().map(stepsOf)).toEqual([['release'], ['release']]);
      expect(asked()).not.toContain(first);
      await clock.advance(10);
      expect(asked()).toHaveLength(2);
      expect(outcome.found).toBe('released');
    });

    it('asks the others at once if the first has nothing of it', async () => {
      const outcome = await give(await take());
      await answer(asked()[0]!, FREE);
      expect(outcome.found).toBeUndefined();
      expect(asked()).toHaveLength(2);
      await answer(asked()[0]!, DONE);
      expect(outcome.found).toBe('released');
    });

    it('asks them at once, too, if others wait for it', async () => {
      await give(await take());
      await answer(asked()[0]!, { type: 'done', isWaitedFor: true });
      expect(asked()).toHaveLength(2);
    });

    it('tells that it was gone', async () => {
      const outcome = await give(await take());
      for (let i = 0; i < 3; i++) await answer(asked()[0]!, FREE);
      expect(outcome.found).toBe('expired');
    });

    it('has to hear of as many more as nodes do not vote', async () => {
      ports[4]!.disconnect();
      const outcome = await give(await take());
      expect(asked()).toHaveLength(2);
      await answer(asked()[0]!, DONE);
      expect(outcome.found).toBeUndefined();
      await answer(asked()[0]!, DONE);
      expect(outcome.found).toBe('released');
    });

    it('hurries nobody for a node that is gone', async () => {
      ports[4]!.disconnect();
      await give(await take());
      const first = asked();
      await answer(first[0]!, DONE);
      expect(asked()).toEqual(first.slice(1));
      await answer(first[1]!, DONE);
      expect(asked()).toEqual([]);
      await clock.advance(2);
      expect(asked().map(stepsOf)).toEqual([['release']]);
    });

    it('has to hear of a majority where the process has stood still since', async () => {
      const owner = await take();
      clock.freeze(TTL);
      const outcome = await give(owner);
      for (let i = 0; i < 2; i++) await answer(asked()[0]!, DONE);
      expect(outcome.found).toBeUndefined();
    });
  });

  it('of a lease that all nodes have has to hear of a majority', async () => {
    const outcome = await give(await take({ everywhere: true }));
    expect(asked()).toHaveLength(3);
    for (const port of asked().slice(0, 2)) await answer(port, DONE);
    expect(outcome.found).toBeUndefined();
    await answer(asked()[0]!, DONE);
    expect(outcome.found).toBe('released');
    await clock.advance(2);
    expect(asked().map(stepsOf)).toEqual([['release'], ['release']]);
  });

  it.each([
    [1, 3],
    [2, 5],
  ])('after %d attempts of a wait tells %d nodes: each may have its place', async (number, all) => {
    await give(await take({ number }));
    await clock.advance(2);
    expect(asked()).toHaveLength(all);
  });

  describe('of a lease that was detached', () => {
    const GRANTED: NodeReply = {
      type: 'granted',
      fencingToken: 1,
      lastToken: 1,
      isWaitedFor: false,
    };

    it('is not needed where it has not been asked for: it is not any more', async () => {
      store.detached(await take());
      await clock.advance(10);
      expect(asked()).toEqual([]);
    });

    it('follows where it is granted afterwards: nobody would ever give it back', async () => {
      const owner = await take();
      await clock.advance(2);
      store.detached(owner);
      await answer(asked()[0]!, GRANTED);
      expect(asked().flatMap(stepsOf).sort()).toEqual(['acquire', 'release']);
    });
  });

  it('that keeps the name for a while tells every node', async () => {
    const owner = await take();
    void store.release({ ...LEASE, owner, minHoldMs: 60 });
    await clock.advance(2);
    expect(asked()).toHaveLength(5);
  });
});
