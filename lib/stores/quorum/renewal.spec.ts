import { beforeEach, describe, expect, it } from '@jest/globals';
import { NodeAtHand, settled } from '../../../test/support/node-at-hand.js';
import { ManualClock } from '../../testing/manual.clock.js';
import type { RenewReply } from '../lock-store.interface.js';
import { Electorate } from './electorate.js';
import { markerText, type NodeReply, type NodeStep } from './node-port.interface.js';
import { Renewal } from './renewal.js';

const TTL = 10_000;
const TOKEN = 100;

const HOLDER = { service: 's', host: 'h', pid: 1 };
const request = {
  name: 'a',
  kind: 'lock',
  owner: 'o.1',
  fencingToken: TOKEN,
  ttlMs: TTL,
} as const;

const DONE: NodeReply = { type: 'done' };
const FREE: NodeReply = { type: 'free' };
const BUSY: NodeReply = { type: 'busy' };
const FORCED: NodeReply = { type: 'forced' };
const OTHER: NodeReply = { type: 'other-token', fencingToken: TOKEN + 1 };
const LOWER: NodeReply = { type: 'other-token', fencingToken: TOKEN - 1 };

describe('Renewal', () => {
  let clock: ManualClock;
  let ports: NodeAtHand[];
  let electorate: Electorate;
  let renewal: Renewal;
  beforeEach(async () => {
    clock = new ManualClock();
    ports = [0, 1, 2].map((i) => new NodeAtHand(i, clock));
    const times = { maxTtlMs: TTL, nodeTimeoutMs: 500 };
    electorate = new Electorate(ports, { clock, ...times, isFirstDeployment: false });
    electorate.open();
    for (const port of ports) {
      const { runId, aheadMs: sinceMs } = port;
      const how = { isDurable: false, votesFromMs: 0, isByMost: false, maxTtlMs: TTL } as const;
      port.text = markerText({ state: 'voting', reason: 'first', runId, sinceMs, ...how });
      port.connect();
    }
    await settled();
  });

  async function start(): Promise<{ reply?: RenewReply }> {
    const outcome: { reply?: RenewReply } = {};
    const voters = electorate.nodes.filter((node) => node.canVote);
    renewal = new Renewal(request, electorate, HOLDER, { clock });
    void renewal.run(voters).then((reply) => (outcome.reply = reply));
    await settled();
    return outcome;
  }

  async function answer(node: number, reply: NodeReply): Promise<void> {
    ports[node]!.calls.shift()!.answer([reply]);
    await settled();
  }

  const askedOf = (node: number): NodeStep[] => ports[node]!.calls.flatMap(({ steps }) => steps);
  const outcomeOf = async (replies: readonly NodeReply[]): Promise<RenewReply | undefined> => {
    const outcome = await start();
    for (const [node, reply] of replies.entries()) await answer(node, reply);
    return outcome.reply;
  };

  describe('tells', () => {
    it('of a majority that has it, and waits for nobody else', async () => {
      const outcome = await start();
      await answer(2, DONE);
      expect(outcome.reply).toBeUndefined();
      await answer(0, DONE);
      expect(outcome.reply).toBe('renewed');
    });

    it.each<[RenewReply, NodeReply[]]>([
      ['expired', [FREE, FREE, FREE]],
      ['expired', [FREE, FREE, DONE]],
      ['expired', [BUSY, FREE, FREE]],
      ['taken-over', [BUSY, BUSY, FREE]],
      ['taken-over', [BUSY, BUSY, DONE]],
      ['taken-over', [OTHER, BUSY, DONE]],
      ['taken-over', [OTHER, OTHER, OTHER]],
      ['forced', [FORCED, FORCED, FREE]],
      ['forced', [FORCED, BUSY, BUSY]],
    ])('%s', async (reply, replies) => {
      expect(await outcomeOf(replies)).toBe(reply);
    });

    it('nothing while those that have not answered may make it a majority', async () => {
      const outcome = await start();
      await answer(0, DONE);
      await answer(1, FREE);
      await clock.advance(500);
      expect(outcome.reply).toBe('undecided');
    });

    it('that it is over where those that are missing cannot vote before it would have ended', async () => {
      ports[2]!.disconnect();
      ports[2]!.flush();
      ports[2]!.connect();
      await settled();
      expect(await outcomeOf([DONE, FREE])).toBe('expired');
    });

    it('nothing where nobody can be asked', async () => {
      for (const port of ports) port.disconnect();
      expect((await start()).reply).toBe('undecided');
    });
  });

  describe('a node that has nothing of it', () => {
    const adopted = { type: 'adopt', name: 'a', owner: 'o.1', fencingToken: TOKEN, ttlMs: TTL };

    it('is given it once a majority has it, and not before', async () => {
      await start();
      await answer(0, FREE);
      await answer(1, DONE);
      expect(askedOf(0)).toEqual([]);
      await answer(2, DONE);
      expect(askedOf(0)).toMatchObject([adopted]);
    });

    it('is given it also when it answers after the others', async () => {
      await start();
      await answer(1, DONE);
      await answer(2, DONE);
      await answer(0, FREE);
      expect(askedOf(0)).toMatchObject([adopted]);
    });

    it('is given nothing where no majority has it', async () => {
      expect(await outcomeOf([FREE, FREE, DONE])).toBe('expired');
      expect([0, 1].flatMap(askedOf)).toEqual([]);
    });

    it('is given nothing once it was released', async () => {
      await start();
      await answer(1, DONE);
      await answer(2, DONE);
      renewal.stop();
      await answer(0, FREE);
      expect(askedOf(0)).toEqual([]);
    });

    it('is given nothing when the lease may be over, because this process stood still', async () => {
      await start();
      await answer(1, DONE);
      await answer(2, DONE);
      clock.freeze(TTL);
      await answer(0, FREE);
      expect(askedOf(0)).toEqual([]);
    });
  });

  describe('a node that has it with a lower token', () => {
    const confirmed = { type: 'confirm', owner: 'o.1', fencingToken: TOKEN, ttlMs: TTL };

    it('is given the right one once a majority has that', async () => {
      await start();
      await answer(0, LOWER);
      await answer(1, DONE);
      expect(askedOf(0)).toEqual([]);
      await answer(2, DONE);
      expect(askedOf(0)).toMatchObject([confirmed]);
    });

    it('keeps it where no majority has another', async () => {
      expect(await outcomeOf([LOWER, LOWER, LOWER])).toBe('taken-over');
      expect([0, 1, 2].flatMap(askedOf)).toEqual([]);
    });
  });
});
