import { beforeEach, describe, expect, it } from '@jest/globals';
import { NodeAtHand, settled } from '../../../test/support/node-at-hand.js';
import { ManualClock } from '../../testing/manual.clock.js';
import { Attempt, type AttemptResult } from './attempt.js';
import type { AcquireStep, NodeLease, NodeReply, NodeStep } from './node-port.interface.js';
import { QuorumNode } from './quorum-node.js';

const TIMEOUT = 500;
const TTL = 10_000;

const step: AcquireStep = {
  type: 'acquire',
  name: 'a',
  owner: 'o.1',
  ttlMs: TTL,
  proposal: 100,
  tokens: 1,
  waitMs: 0,
  holder: { service: 's', host: 'h', pid: 1 },
};
const granted = (fencingToken: number, lastToken = fencingToken): NodeReply => ({
  type: 'granted',
  fencingToken,
  lastToken,
  isWaitedFor: false,
});
const DONE: NodeReply = { type: 'done' };
const FREE: NodeReply = { type: 'free' };
const leaseOf = (mark: string, remainingMs = 1_000): NodeLease => ({
  mark,
  fencingToken: 7,
  sinceMs: 0,
  remainingMs,
  holder: { service: mark, host: 'h', pid: 1 },
});
const busy = (mark?: string, remainingMs?: number): NodeReply => ({
  type: 'busy',
  lease: mark === undefined ? undefined : leaseOf(mark, remainingMs),
});

describe('Attempt', () => {
  let clock: ManualClock;
  let ports: NodeAtHand[];
  let nodes: QuorumNode[];
  let learnt: number[];
  const setUp = (count: number): void => {
    clock = new ManualClock();
    learnt = [];
    ports = Array.from({ length: count }, (_, i) => new NodeAtHand(i, clock));
    const nothing = () => undefined;
    nodes = ports.map((port, i) => {
      const tools = { clock, timeoutMs: TIMEOUT, maxTtlMs: TTL };
      const told = {
        jumped: nothing,
        refused: nothing,
        silenceChanged: nothing,
        observed: nothing,
      };
      const node = new QuorumNode(i, port, { ...tools, ...told });
      node.isOpen = true;
      node.votingText = 'marker';
      return node;
    });
  };
  beforeEach(() => setUp(3));

  /** What it has come to; also of fewer voters than there are nodes. */
  async function start(voters = nodes): Promise<{ result?: AttemptResult }> {
    const outcome: { result?: AttemptResult } = {};
    const majority = Math.floor(nodes.length / 2) + 1;
    const learn = (token: number) => void learnt.push(token);
    const tools = { clock, majority, nodeCount: nodes.length, isFirst: true, learn };
    void new Attempt(step, voters, tools).run().then((result) => (outcome.result = result));
    // Also those that are asked a moment later.
    await clock.advance(2);
    return outcome;
  }

  async function answer(node: number, reply: NodeReply): Promise<void> {
    const call = ports[node]!.calls.shift();
    if (!call) throw new Error(`node ${node} has not been asked`);
    call.answer(call.steps.map(() => reply));
    await settled();
  }

  /** What a node has been asked meanwhile. */
  const askedOf = async (node: number): Promise<NodeStep[]> => {
    await clock.advance(2);
    return ports[node]!.calls.flatMap(({ steps }) => steps);
  };
  const release = { type: 'release', name: 'a', owner: 'o.1', leaves: false };
  const confirm = (fencingToken: number) => ({
    type: 'confirm',
    owner: 'o.1',
    fencingToken,
    ttlMs: TTL,
  });

  describe('holds', () => {
    it('in one round where a majority gave the same token', async () => {
      const outcome = await start();
      await answer(0, granted(100));
      expect(outcome.result).toBeUndefined();
      await answer(1, granted(100));
      expect(outcome.result).toEqual({
        type: 'held',
        fencingToken: 100,
        lastToken: 100,
        isWaitedFor: false,
        rounds: 1,
      });
      expect(learnt).toEqual([100, 100]);
    });

    it('in one round also where another node gave a higher one', async () => {
      const outcome = await start();
      await answer(0, granted(170));
      await answer(1, granted(100));
      await answer(2, granted(100));
      expect(outcome.result).toMatchObject({ type: 'held', fencingToken: 100, rounds: 1 });
    });

    it('with one token everywhere: where a late node gave a higher one, it is given the lease anew', async () => {
      await start();
      await answer(1, granted(100));
      await answer(2, granted(100));
      await answer(0, granted(170));
      expect(await askedOf(0)).toMatchObject([
        { type: 'release', leaves: false },
        { type: 'adopt', fencingToken: 100 },
      ]);
    });

    it('with nothing that is given anew to a node that was given up for: it may have been given back since', async () => {
      await start();
      await answer(1, granted(100));
      await answer(2, granted(100));
      await clock.advance(TIMEOUT);
      await answer(0, granted(170));
      expect(await askedOf(0)).toMatchObject([{ type: 'release' }]);
    });

    it('with nothing that is given anew once it may have been lost', async () => {
      await start();
      await answer(1, granted(100));
      await answer(2, granted(100));
      clock.freeze(10_000);
      await answer(0, granted(170));
      expect(await askedOf(0)).toMatchObject([{ type: 'release' }]);
    });

    it('only those tokens of a block that each of the majority has given', async () => {
      const outcome = await start();
      await answer(0, granted(100, 163));
      await answer(1, granted(100));
      expect(outcome.result).toMatchObject({ fencingToken: 100, lastToken: 100 });
    });

    it('after the highest token has been written to those that gave less', async () => {
      const outcome = await start();
      await answer(0, granted(100));
      await answer(1, granted(120));
      await answer(2, granted(110));
      expect(outcome.result).toBeUndefined();
      expect(await askedOf(1)).toEqual([]);
      expect(await askedOf(0)).toMatchObject([confirm(120)]);
      expect(await askedOf(2)).toMatchObject([confirm(120)]);
      await answer(2, DONE);
      expect(outcome.result).toMatchObject({ type: 'held', fencingToken: 120, rounds: 2 });
    });

    it('without waiting long for a third node that might spare the second round', async () => {
      const outcome = await start();
      await answer(0, granted(100));
      await answer(1, granted(120));
      expect(await askedOf(0)).toEqual([]);
      await clock.advance(10);
      expect(await askedOf(0)).toMatchObject([confirm(120)]);
      await answer(0, DONE);
      expect(outcome.result).toMatchObject({ type: 'held', fencingToken: 120, rounds: 2 });
    });

    it('with a third node that spares the second round if it comes at once', async () => {
      const outcome = await start();
      await answer(0, granted(100));
      await answer(1, granted(120));
      await answer(2, granted(120));
      expect(outcome.result).toMatchObject({ type: 'held', fencingToken: 120, rounds: 1 });
      // It has the lease as the others do.
      expect(await askedOf(0)).toMatchObject([confirm(120)]);
    });

    it('never on tokens that differ', async () => {
      const outcome = await start();
      await answer(0, granted(100));
      await answer(1, granted(120));
      await answer(2, busy('x'));
      await answer(0, FREE); // its lease has ended meanwhile
      expect(outcome.result).toMatchObject({ type: 'refused' });
      expect(await askedOf(1)).toMatchObject([release]);
    });

    it('what a node grants late, with the same token', async () => {
      const outcome = await start();
      await answer(0, granted(100));
      await answer(1, granted(100));
      expect(outcome.result).toMatchObject({ type: 'held' });
      await answer(2, granted(90));
      expect(await askedOf(2)).toMatchObject([confirm(100)]);
    });

    it('nothing when the votes come later than the lease lasts', async () => {
      const outcome = await start();
      clock.freeze(TTL);
      await answer(0, granted(100));
      await answer(1, granted(100));
      expect(outcome.result).toMatchObject({ type: 'failed', reason: 'too-late' });
      expect(await askedOf(0)).toMatchObject([release]);
      expect(await askedOf(1)).toMatchObject([release]);
    });
  });

  describe('is refused', () => {
    it('by a majority that has somebody else, and gives back what it got', async () => {
      const outcome = await start();
      await answer(0, granted(100));
      await answer(1, busy('x'));
      await answer(2, busy('x'));
      expect(outcome.result).toMatchObject({
        type: 'refused',
        lease: { mark: 'x' },
        isSplit: false,
      });
      expect(await askedOf(0)).toMatchObject([release]);
      expect(await askedOf(1)).toEqual([]);
      expect(await askedOf(2)).toEqual([]);
    });

    it('with a minority that cannot be asked as well as without', async () => {
      const outcome = await start(nodes.slice(0, 2));
      await answer(0, busy('x'));
      expect(outcome.result).toBeUndefined();
      await answer(1, busy('x'));
      expect(outcome.result).toMatchObject({ type: 'refused', lease: { mark: 'x' } });
    });

    it('though it is held by nobody where the votes are split, and that is told', async () => {
      setUp(5);
      const outcome = await start();
      const replies = [granted(100), granted(100), busy('x'), busy('x', 500), busy('y', 200)];
      for (const [node, reply] of replies.entries()) await answer(node, reply);
      expect(outcome.result).toMatchObject({
        type: 'refused',
        lease: { mark: 'y' },
        isSplit: true,
      });
    });

    it.each([
      ['the lowest of those with votes', 'p', true],
      ['another', 'a', false],
    ])('by a split vote, after which %s goes first (%s)', async (_who, mark, goesFirst) => {
      const outcome = await start();
      await answer(0, granted(100));
      await answer(1, busy('x'));
      await answer(2, busy(mark));
      expect(outcome.result).toMatchObject({ isSplit: true, goesFirst });
    });

    it('where it is free but waited for, which is no split', async () => {
      const outcome = await start();
      await answer(0, busy());
      await answer(1, busy());
      expect(outcome.result).toEqual({
        type: 'refused',
        lease: undefined,
        isSplit: false,
        goesFirst: false,
      });
    });

    it('and gives back what a node grants later', async () => {
      const outcome = await start();
      await answer(0, busy('x'));
      await answer(1, busy('x'));
      expect(outcome.result).toMatchObject({ type: 'refused' });
      expect(await askedOf(2)).toMatchObject([step]);
      await answer(2, granted(100));
      expect(await askedOf(2)).toMatchObject([release]);
    });
  });

  describe('fails', () => {
    it('when too few can be asked, and releases on those that may have granted it', async () => {
      const outcome = await start();
      await answer(0, granted(100));
      await clock.advance(TIMEOUT);
      expect(outcome.result).toMatchObject({ type: 'failed', reason: 'too-few' });
      expect(outcome.result).toMatchObject({
        errors: [
          { message: 'node 1 gave no answer within 500 ms' },
          { message: 'node 2 gave no answer within 500 ms' },
        ],
      });
      expect(await askedOf(0)).toMatchObject([release]);
      await answer(1, granted(100));
      // What it was owed, and what it has granted since.
      expect(await askedOf(1)).toMatchObject([release, release]);
    });

    it('when votes do not count, which may have been cast all the same', async () => {
      const outcome = await start();
      nodes[0]!.isSuspect = true;
      await answer(0, granted(100));
      await answer(1, granted(100));
      await answer(2, busy('x'));
      expect(outcome.result).toMatchObject({ type: 'refused' });
      expect(await askedOf(0)).toMatchObject([release]);
    });
  });

  it('asks no more of who has not been asked yet when it is decided', async () => {
    const outcome: { result?: AttemptResult } = {};
    const tools = { clock, majority: 2, nodeCount: 3, isFirst: true, learn: () => undefined };
    void new Attempt(step, nodes, tools).run().then((result) => (outcome.result = result));
    await settled();
    for (const node of [0, 1]) ports[node]!.calls.shift()!.answer([busy('x')]);
    await settled();
    expect(outcome.result).toMatchObject({ type: 'refused' });
    expect(await askedOf(2)).toEqual([]);
  });
});
