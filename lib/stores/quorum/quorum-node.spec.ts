import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { NodeAtHand, settled } from '../../../test/support/node-at-hand.js';
import { ManualClock } from '../../testing/manual.clock.js';
import type { AcquireStep, NodeReply, NodeStep, ReleaseStep } from './node-port.interface.js';
import { QuorumNode } from './quorum-node.js';

const TIMEOUT = 500;
const MAX_TTL = 30_000;

const FREE: NodeReply = { type: 'free' };
const DONE: NodeReply = { type: 'done' };

const inspect = (name: string): NodeStep => ({ type: 'inspect', name });
const release = (name: string, owner = 'o.1'): ReleaseStep => ({
  type: 'release',
  name,
  owner,
  minHoldMs: 0,
  leaves: true,
});
const acquire: AcquireStep = {
  type: 'acquire',
  name: 'a',
  owner: 'o.1',
  ttlMs: 1_000,
  proposal: 1,
  tokens: 1,
  waitMs: 0,
  holder: { service: 's', host: 'h', pid: 1 },
};

describe('QuorumNode', () => {
  let clock: ManualClock;
  let port: NodeAtHand;
  let node: QuorumNode;
  const tools = {
    jumped: jest.fn(),
    refused: jest.fn(),
    silenceChanged: jest.fn(),
    observed: jest.fn(),
  };
  beforeEach(() => {
    for (const told of Object.values(tools)) told.mockReset();
    clock = new ManualClock();
    port = new NodeAtHand(0, clock);
    node = new QuorumNode(0, port, { clock, timeoutMs: TIMEOUT, maxTtlMs: MAX_TTL, ...tools });
    node.isOpen = true;
    node.votingText = 'marker';
  });

  const voter = () => ({
    vote: jest.fn<(n: QuorumNode, r: NodeReply | Error, l: boolean) => void>(),
  });
  const namesOf = (call: number) =>
    port.calls[call]?.steps.map((step) => ('name' in step ? step.name : ''));

  describe('what is asked', () => {
    it('in one turn goes out as one call, and each is told its reply', async () => {
      const [one, two] = [voter(), voter()];
      node.ask(inspect('a'), one);
      node.ask(inspect('b'), two);
      await settled();
      expect(port.calls).toHaveLength(1);
      expect(port.calls[0]).toMatchObject({ marker: 'marker' });
      port.calls[0]!.answer([FREE, DONE]);
      await settled();
      expect(one.vote.mock.calls).toEqual([[node, FREE, false]]);
      expect(two.vote.mock.calls).toEqual([[node, DONE, false]]);
    });

    it('goes out in calls of 64 at most', async () => {
      for (let i = 0; i < 65; i++) node.ask(inspect(`n${i}`), voter());
      expect(port.calls.map(({ steps }) => steps.length)).toEqual([64]);
      await settled();
      expect(port.calls.map(({ steps }) => steps.length)).toEqual([64, 1]);
    });

    it('and may wait goes along with what may not, in its order, or 2 ms later', async () => {
      node.askSoon(inspect('a'), voter());
      await settled();
      expect(port.calls).toEqual([]);
      node.ask(inspect('b'), voter());
      await settled();
      expect(namesOf(0)).toEqual(['a', 'b']);
      node.askSoon(inspect('c'), voter());
      await clock.advance(2);
      expect(namesOf(1)).toEqual(['c']);
    });

    it('and may wait does so for its own 2 ms, whatever has gone along before', async () => {
      node.askSoon(inspect('a'), voter());
      await clock.advance(1);
      node.ask(inspect('b'), voter());
      await settled();
      node.askSoon(inspect('c'), voter());
      await clock.advance(1);
      expect(port.calls).toHaveLength(1);
      await clock.advance(1);
      expect(namesOf(1)).toEqual(['c']);
    });

    it('and may wait does so for four round trips where these take longer, and for 20 ms at most', async () => {
      const untilSent = async () => {
        node.askSoon(inspect('a'), voter());
        const { length } = port.calls;
        let waitedMs = 0;
        for (; port.calls.length === length; waitedMs++) await clock.advance(1);
        return waitedMs;
      };
      const answerAfter = async (ms: number, times: number) => {
        for (let i = 0; i < times; i++) {
          node.ask(inspect('b'), voter());
          if (ms > 0) await clock.advance(ms);
          await settled();
          port.calls.at(-1)!.answer([FREE]);
          await settled();
        }
      };
      await answerAfter(2, 50);
      expect(await untilSent()).toBe(8);
      port.calls.at(-1)!.answer([FREE]);
      await answerAfter(50, 50);
      expect(await untilSent()).toBe(20);
      await answerAfter(0, 50);
      expect(await untilSent()).toBe(2);
    });

    it('and waits can be hurried, or taken back, as long as it waits', async () => {
      const [a, b] = [inspect('a'), inspect('b')];
      const asks = voter();
      node.askSoon(a, asks);
      node.askSoon(b, asks);
      expect(node.cancel(a, voter())).toBe(false); // somebody else's
      expect(node.cancel(a, asks)).toBe(true);
      node.hurry();
      await settled();
      expect(namesOf(0)).toEqual(['b']);
      expect(node.cancel(b, asks)).toBe(false);
    });

    it('fails with the name of the node', async () => {
      const asks = voter();
      node.ask(inspect('a'), asks);
      await settled();
      port.calls[0]!.fail('the connection was lost');
      await settled();
      const [[, error]] = asks.vote.mock.calls as [[unknown, Error, boolean]];
      expect(error.message).toBe('node 0 gave no answer: the connection was lost');
    });
  });

  describe('an answer that does not come in time', () => {
    it('is an error to who asked, who is told once more when it comes', async () => {
      const asks = voter();
      node.ask(inspect('a'), asks);
      await clock.advance(TIMEOUT);
      expect(asks.vote.mock.calls).toEqual([[node, expect.any(Error), false]]);
      port.calls[0]!.answer([FREE]);
      await settled();
      expect(asks.vote.mock.calls[1]).toEqual([node, FREE, true]);
    });

    it('makes the node silent until it answers', async () => {
      node.ask(inspect('a'), voter());
      node.ask(inspect('b'), voter());
      await clock.advance(TIMEOUT);
      expect(node.isSilent).toBe(true);
      expect(node.canVote).toBe(false);
      expect(tools.silenceChanged).toHaveBeenCalledTimes(1);
      port.calls[0]!.answer([FREE, FREE]);
      await settled();
      expect(node.isSilent).toBe(false);
      expect(node.canVote).toBe(true);
      expect(tools.silenceChanged).toHaveBeenCalledTimes(2);
    });

    it('makes the node slow before that, for as long as it owes one', async () => {
      node.ask(inspect('a'), voter());
      await clock.advance(5);
      expect(node.isSlow(clock.now())).toBe(false);
      await clock.advance(20);
      expect(node.isSlow(clock.now())).toBe(true);
      port.calls[0]!.answer([FREE]);
      await settled();
      expect(node.isSlow(clock.now())).toBe(false);
    });
  });

  describe('a release', () => {
    it('is owed by a node that cannot be asked, and paid once', async () => {
      node.isOpen = false;
      const asks = voter();
      node.release(release('a'), asks);
      expect(asks.vote.mock.calls).toEqual([[node, expect.any(Error), false]]);
      await settled();
      expect(port.calls).toEqual([]);
      node.isOpen = true;
      node.payOwed();
      node.payOwed();
      await settled();
      expect(namesOf(0)).toEqual(['a']);
      expect(port.calls).toHaveLength(1);
    });

    it('is owed again if its call has failed', async () => {
      node.release(release('a'));
      await settled();
      port.calls[0]!.fail('the connection was lost');
      await settled();
      node.payOwed();
      await settled();
      expect(namesOf(1)).toEqual(['a']);
    });

    it('is not owed any more when every lease has ended', async () => {
      node.isOpen = false;
      node.release(release('a'));
      await clock.advance(MAX_TTL);
      node.payOwed();
      await settled();
      expect(port.calls).toEqual([]);
    });
  });

  describe('a vote', () => {
    const cast = async (reply: NodeReply): Promise<NodeReply | Error> => {
      const asks = voter();
      node.ask(acquire, asks);
      await settled();
      port.calls.at(-1)!.answer([reply]);
      await settled();
      return asks.vote.mock.calls[0]![1];
    };
    const granted: NodeReply = {
      type: 'granted',
      fencingToken: 1,
      lastToken: 1,
      isWaitedFor: false,
    };

    it('counts while the node is not in doubt', async () => {
      expect(await cast(granted)).toEqual(granted);
    });

    it.each(['isSuspect', 'isSkewed'] as const)('is none from a node that %s', async (doubt) => {
      node[doubt] = true;
      expect(await cast(granted)).toEqual({ type: 'no-vote' });
    });

    it('is none once the node is kept from voting', async () => {
      const asks = voter();
      node.ask(acquire, asks);
      await settled();
      node.votingText = null;
      port.calls[0]!.answer([granted]);
      await settled();
      expect(asks.vote.mock.calls).toEqual([[node, { type: 'no-vote' }, false]]);
    });

    it('that is refused shows that the node is not what it was', async () => {
      await cast({ type: 'no-vote' });
      expect(node.canVote).toBe(false);
      expect(tools.refused).toHaveBeenCalledTimes(1);
      await cast({ type: 'no-vote' });
      expect(tools.refused).toHaveBeenCalledTimes(1);
    });

    it('that shows a jump of the clock is none', async () => {
      await cast(granted);
      port.aheadMs += 60_000;
      tools.jumped.mockImplementation(() => void (node.isSuspect = true));
      expect(await cast(granted)).toEqual({ type: 'no-vote' });
      expect(tools.jumped).toHaveBeenCalledWith(node, expect.any(Number));
    });
  });

  it('sends at its end what waits, and waits for the answers no longer than its time limit', async () => {
    node.release(release('a'), undefined, false);
    let isFlushed = false;
    void node.flush().then(() => (isFlushed = true));
    expect(namesOf(0)).toEqual(['a']);
    await settled();
    expect(isFlushed).toBe(true); // the ping behind it is answered
  });
});
