import { beforeEach, describe, expect, it } from '@jest/globals';
import { NodeAtHand, settled } from '../../../test/support/node-at-hand.js';
import { ManualClock } from '../../testing/manual.clock.js';
import type { NodeStatus } from '../lock-store.interface.js';
import { Electorate } from './electorate.js';
import { markerText, type NodeMarker } from './node-port.interface.js';

const MAX_TTL = 10_000;
/** And what clocks may drift in it. */
const DELAY = 10_102;
const TIMEOUT = 500;

describe('Electorate', () => {
  let clock: ManualClock;
  let ports: NodeAtHand[];
  let electorate: Electorate;
  let told: NodeStatus[];
  let doubts: number;
  beforeEach(() => setUp(3));

  function setUp(count: number, isFirstDeployment = false): void {
    clock = new ManualClock();
    ports = Array.from({ length: count }, (_, i) => new NodeAtHand(i, clock));
    electorate = electorateOf(isFirstDeployment);
  }

  function electorateOf(isFirstDeployment: boolean): Electorate {
    told = [];
    doubts = 0;
    const times = { maxTtlMs: MAX_TTL, nodeTimeoutMs: TIMEOUT };
    const made = new Electorate(ports, { clock, ...times, isFirstDeployment });
    made.watcher = { onDoubt: () => doubts++, onNode: (status) => told.push(status) };
    made.open();
    return made;
  }

  const markerOf = (port: NodeAtHand, part: Partial<NodeMarker> = {}): string =>
    markerText({
      state: 'voting',
      runId: port.runId,
      maxTtlMs: MAX_TTL,
      isDurable: false,
      sinceMs: port.aheadMs,
      votesFromMs: 0,
      isByMost: false,
      reason: 'first',
      ...part,
    });
  const mark = (): void => {
    for (const port of ports) port.text = markerOf(port);
  };
  /** All of them are up, and have been looked at. */
  const connect = async (): Promise<void> => {
    for (const port of ports) port.connect();
    await clock.advance(0);
    await settled();
  };
  const states = () => electorate.statuses.map(({ state }) => state);
  const statesOf = (index: number) =>
    told.filter(({ node }) => node === `node ${index}`).map(({ state }) => state);

  it('has the nodes vote whose marker says so', async () => {
    mark();
    await connect();
    expect(states()).toEqual(['voting', 'voting', 'voting']);
    expect(electorate.votingCount).toBe(3);
    expect(electorate.majority).toBe(2);
    ports[1]!.disconnect();
    expect(states()).toEqual(['voting', 'unreachable', 'voting']);
    expect(electorate.statuses[1]!.error?.message).toBe('the connection was lost');
  });

  describe('a node without a marker', () => {
    it('is kept from voting until every lease has ended', async () => {
      mark();
      ports[2]!.flush();
      await connect();
      expect(states()).toEqual(['voting', 'voting', 'quarantined']);
      expect(electorate.statuses[2]).toMatchObject({ reason: 'emptied', votesInMs: DELAY });
      await clock.advance(DELAY);
      expect(states()).toEqual(['voting', 'voting', 'quarantined']);
      await clock.advance(1);
      expect(states()).toEqual(['voting', 'voting', 'voting']);
    });

    it('learns the highest token of all others before it votes, not before the delay has passed', async () => {
      mark();
      ports[2]!.flush();
      await connect();
      [ports[0]!.highest, ports[1]!.highest] = [7, 9];
      await clock.advance(DELAY - 1);
      expect(ports[2]!.floor).toBe(0);
      ports[1]!.highest = 11;
      await clock.advance(2);
      expect(states()[2]).toBe('voting');
      expect(ports[2]!.floor).toBe(11);
    });

    it('waits for time to tell where too few others know', async () => {
      mark();
      ports[2]!.flush();
      await connect();
      ports[1]!.disconnect();
      await clock.advance(DELAY + 3_900);
      expect(states()).toEqual(['voting', 'unreachable', 'quarantined']);
      await clock.advance(1_000);
      expect(states()).toEqual(['voting', 'unreachable', 'voting']);
    });

    it('is kept from voting for the longest ttl that any marker tells, as it is now', async () => {
      mark();
      await connect();
      ports[0]!.text = markerOf(ports[0]!, { maxTtlMs: 60_000 });
      ports[2]!.disconnect();
      ports[2]!.flush();
      ports[2]!.connect();
      await settled();
      expect(ports[2]!.marker).toMatchObject({ state: 'quarantined', maxTtlMs: 60_000 });
    });

    it('is told with its reason, and as what it becomes', async () => {
      mark();
      ports[2]!.flush();
      await connect();
      await clock.advance(DELAY + 1);
      expect(statesOf(2)).toEqual(['quarantined', 'voting']);
      expect(statesOf(0)).toEqual(['voting']);
    });
  });

  describe('a node that was restarted', () => {
    it('with what it had at some time is kept from voting', async () => {
      mark();
      ports[1]!.runId = 'another';
      await connect();
      expect(electorate.statuses[1]).toMatchObject({ state: 'quarantined', reason: 'restarted' });
      expect(ports[1]!.marker).toMatchObject({ runId: 'another', reason: 'restarted' });
    });

    it('with all that it had votes at once', async () => {
      mark();
      Object.assign(ports[1]!, { runId: 'another', isDurable: true });
      ports[1]!.text = markerOf(ports[1]!, { runId: 'before', isDurable: true });
      await connect();
      expect(states()).toEqual(['voting', 'voting', 'voting']);
      expect(ports[1]!.marker).toMatchObject({ runId: 'another' });
    });

    it.each([
      [true, false],
      [false, true],
    ])('and kept everything only before or only since does not (%s, %s)', async (was, is) => {
      mark();
      Object.assign(ports[1]!, { runId: 'another', isDurable: is });
      ports[1]!.text = markerOf(ports[1]!, { runId: 'before', isDurable: was });
      await connect();
      expect(states()[1]).toBe('quarantined');
    });

    it('in quarantine stays there, however durable it is', async () => {
      mark();
      Object.assign(ports[1]!, { runId: 'another', isDurable: true });
      const sinceMs = ports[1]!.aheadMs - 1_000;
      ports[1]!.text = markerOf(ports[1]!, {
        runId: 'before',
        isDurable: true,
        state: 'quarantined',
        reason: 'emptied',
        sinceMs,
        votesFromMs: sinceMs + DELAY,
        isByMost: true,
      });
      await connect();
      expect(electorate.statuses[1]).toMatchObject({ state: 'quarantined', votesInMs: 9_102 });
    });
  });

  describe('a quarantine that somebody else began', () => {
    it('is kept to, and lasts longer if this process uses longer leases', async () => {
      mark();
      const sinceMs = ports[0]!.aheadMs;
      ports[0]!.text = markerOf(ports[0]!, {
        state: 'quarantined',
        reason: 'emptied',
        maxTtlMs: 1_000,
        sinceMs,
        votesFromMs: sinceMs + 1_012,
      });
      await connect();
      expect(states()).toEqual(['quarantined', 'voting', 'voting']);
      expect(ports[0]!.marker).toMatchObject({ maxTtlMs: MAX_TTL, votesFromMs: sinceMs + DELAY });
    });
  });

  describe('a quarantine that is over by the clock of its node alone', () => {
    beforeEach(async () => {
      mark();
      const sinceMs = ports[0]!.aheadMs - 60_000;
      const votesFromMs = sinceMs + DELAY;
      const reason = 'clock-jump';
      ports[0]!.text = markerOf(ports[0]!, { state: 'quarantined', reason, sinceMs, votesFromMs });
      await connect();
    });

    it('is not ended by who has just come to know of it', async () => {
      expect(electorate.statuses[0]).toMatchObject({ state: 'quarantined', votesInMs: DELAY });
      await clock.advance(DELAY - 1);
      expect(states()).toEqual(['quarantined', 'voting', 'voting']);
      await clock.advance(1_001);
      expect(states()).toEqual(['voting', 'voting', 'voting']);
    });

    it('is written down as what most clocks tell, so that others need not wait as long', async () => {
      await clock.advance(5_000);
      expect(ports[0]!.marker).toMatchObject({ state: 'quarantined', isByMost: true });
      electorate = electorateOf(false);
      await connect();
      await clock.advance(DELAY - 3_000);
      expect(states()[0]).toBe('voting');
    });

    it('is counted on after the connection was lost', async () => {
      await clock.advance(DELAY - 1_000);
      ports[0]!.disconnect();
      ports[0]!.connect();
      await clock.advance(2_001);
      expect(states()[0]).toBe('voting');
    });

    it('ends by the clocks of most nodes, if these told when it began', async () => {
      const sinceMs = ports[1]!.aheadMs - DELAY;
      const when = { sinceMs, votesFromMs: ports[1]!.aheadMs + 500, isByMost: true };
      const reason = 'clock-jump';
      ports[1]!.text = markerOf(ports[1]!, { state: 'quarantined', reason, ...when });
      ports[1]!.disconnect();
      ports[1]!.connect();
      await clock.advance(499);
      expect(states()[1]).toBe('quarantined');
      await clock.advance(251);
      expect(states()[1]).toBe('voting');
    });

    it('ends where somebody else ends it', async () => {
      ports[0]!.text = markerOf(ports[0]!);
      await clock.advance(1_001);
      expect(states()[0]).toBe('voting');
    });
  });

  it('has new nodes vote in the end, also if no process lives for as long as that takes', async () => {
    let isVoting = false;
    let lives = 0;
    for (; !isVoting && lives < 10; lives++) {
      electorate = electorateOf(false);
      await connect();
      await clock.advance(Math.floor(DELAY / 3));
      isVoting = electorate.votingCount === 3;
      for (const port of ports) port.disconnect();
    }
    expect(lives).toBe(5); // the delay, and as no other has a memory, 4 s more
  });

  describe('a first deployment', () => {
    beforeEach(() => setUp(3, true));
    const marked = () => ports.map((port) => port.marker?.reason ?? null);

    it('begins at once when all are there, and blank', async () => {
      ports[0]!.connect();
      ports[1]!.connect();
      await settled();
      expect(states()).toEqual(['blank', 'blank', 'unreachable']);
      ports[2]!.connect();
      await clock.advance(0);
      expect(states()).toEqual(['voting', 'voting', 'voting']);
      expect(marked()).toEqual(['first', 'first', 'first']);
    });

    it('is none without one of them, and after a minute they are kept from voting', async () => {
      ports[0]!.connect();
      ports[1]!.connect();
      await clock.advance(59_000);
      expect(states()).toEqual(['blank', 'blank', 'unreachable']);
      await clock.advance(2_000);
      expect(states()).toEqual(['quarantined', 'quarantined', 'unreachable']);
    });

    it('is none where one has a past', async () => {
      ports[0]!.text = markerOf(ports[0]!, { reason: 'restarted' });
      await connect();
      await clock.advance(250);
      expect(states()).toEqual(['voting', 'quarantined', 'quarantined']);
    });

    it('that another process may be at is given time, and then taken for none', async () => {
      ports[0]!.text = markerOf(ports[0]!);
      ports[1]!.text = markerOf(ports[1]!);
      await connect();
      expect(states()).toEqual(['voting', 'voting', 'blank']);
      await clock.advance(5_100);
      expect(states()).toEqual(['voting', 'voting', 'quarantined']);
    });

    it('is none for a node that was started anew since all were seen blank', async () => {
      const two = ports.slice(0, 2);
      for (const port of two) port.connect();
      await settled();
      // They hang when the third comes, and somebody else has founded all of them meanwhile.
      for (const port of two) Object.assign(port, { holdsHellos: true, text: markerOf(port) });
      ports[2]!.runId = 'anew';
      ports[2]!.connect();
      await settled();
      expect(ports[2]!.marker).toBeNull();
      for (const port of two) {
        port.holdsHellos = false;
        port.letHellosGo();
      }
      await clock.advance(6_000);
      expect(states()).toEqual(['voting', 'voting', 'quarantined']);
    });

    it('is none for one that was started anew in the middle of it', async () => {
      const [, , third] = ports;
      const mark = third!.mark.bind(third);
      let tries = 0;
      third!.mark = (...asked) => {
        if (tries++ > 0) return mark(...asked);
        third!.runId = 'anew'; // somebody else has marked it by then, and it has forgotten
        return Promise.resolve(false);
      };
      await connect();
      await clock.advance(4_000);
      expect(states()).toEqual(['voting', 'voting', 'blank']);
      await clock.advance(1_500);
      expect(states()).toEqual(['voting', 'voting', 'quarantined']);
    });

    it('is never one twice: a node that it has founded, and is blank again, has forgotten', async () => {
      await connect();
      for (const port of ports) {
        port.disconnect();
        port.flush();
        port.connect();
        await settled();
        expect(port.marker).toMatchObject({ state: 'quarantined', reason: 'emptied' });
      }
    });

    it('is none for a node that another process has founded, though it helped with the rest', async () => {
      // It sees all of them blank, and founds one; the others have been founded by then.
      for (const port of ports.slice(0, 2)) {
        const mark = port.mark.bind(port);
        port.mark = (...asked) => {
          port.mark = mark;
          port.text = markerOf(port);
          return mark(...asked);
        };
      }
      await connect();
      await clock.advance(250);
      expect(states()).toEqual(['voting', 'voting', 'voting']);
      ports[0]!.disconnect();
      ports[0]!.flush();
      ports[0]!.connect();
      await settled();
      expect(ports[0]!.marker).toMatchObject({ state: 'quarantined', reason: 'emptied' });
    });
  });

  describe('the same server under two names', () => {
    it.each([0, 1, 2])('is refused, and that is known at once (node %d)', async (at) => {
      ports[at]!.runId = ports[(at + 1) % 3]!.runId;
      mark();
      let looks = 0;
      electorate.onLook = () => looks++;
      await connect();
      expect(electorate.refusal?.message).toContain('are the same server');
      expect(looks).toBeGreaterThan(0);
      expect(electorate.votingCount).toBe(2);
    });

    it('is not what two are that have changed places', async () => {
      mark();
      await connect();
      const [one, other] = ports as [NodeAtHand, NodeAtHand];
      for (const port of [one, other]) port.disconnect();
      [one.runId, other.runId] = [other.runId, one.runId];
      [one.text, other.text] = [other.text, one.text];
      for (const port of [one, other]) port.connect();
      await settled();
      expect(electorate.refusal).toBeUndefined();
      expect(states()).toEqual(['voting', 'voting', 'voting']);
    });
  });

  describe("a node's clock", () => {
    beforeEach(async () => {
      mark();
      await connect();
      // Something has been answered since.
      await Promise.all(electorate.nodes.map((node) => node.ping()));
    });
    const pingAll = async () => {
      await Promise.all(electorate.nodes.map((node) => node.ping()));
      await settled();
    };

    it.each([60_000, -60_000])(
      'that jumps by %d ms keeps it from voting, and is told',
      async (by) => {
        ports[2]!.aheadMs += by;
        await electorate.nodes[2]!.ping();
        await clock.advance(0);
        expect(electorate.statuses[2]).toMatchObject({
          state: 'quarantined',
          reason: 'clock-jump',
        });
        expect(ports[2]!.marker).toMatchObject({ state: 'quarantined', reason: 'clock-jump' });
        expect(doubts).toBeGreaterThan(0);
      },
    );

    it('that was back and is right again ends nothing too soon, not even for who has just started', async () => {
      ports[2]!.aheadMs -= 4_000;
      await electorate.nodes[2]!.ping();
      await clock.advance(0);
      expect(ports[2]!.marker).toMatchObject({ state: 'quarantined', isByMost: true });
      ports[2]!.aheadMs += 4_000;
      electorate = electorateOf(false);
      await connect();
      await clock.advance(DELAY - 1);
      expect(states()).toEqual(['voting', 'voting', 'quarantined']);
      // The process that was there before has seen it jump twice.
      await clock.advance(DELAY);
      expect(states()).toEqual(['voting', 'voting', 'voting']);
    });

    it('that is set forward ends nothing too soon', async () => {
      ports[2]!.flush();
      ports[2]!.disconnect();
      ports[2]!.connect();
      await clock.advance(0);
      expect(ports[2]!.marker).toMatchObject({ state: 'quarantined', reason: 'emptied' });
      ports[2]!.aheadMs += 60_000;
      electorate = electorateOf(false);
      await connect();
      await clock.advance(DELAY - 1);
      expect(states()[2]).not.toBe('voting');
    });

    it('ends nothing too soon where most are set forward, and most are in quarantine', async () => {
      for (const port of ports.slice(0, 2)) {
        port.disconnect();
        port.flush();
        port.connect();
      }
      await settled();
      expect(states()).toEqual(['quarantined', 'quarantined', 'voting']);
      for (const port of ports.slice(0, 2)) port.aheadMs += 60_000;
      await pingAll();
      await clock.advance(DELAY - 1);
      expect(states()).toEqual(['quarantined', 'quarantined', 'skewed']);
      for (const port of ports.slice(0, 2)) port.aheadMs -= 60_000;
      await pingAll();
      await clock.advance(DELAY - 1);
      expect(states()).toEqual(['quarantined', 'quarantined', 'voting']);
    });

    it('is not to blame where most jump at once: that is this process', async () => {
      for (const port of ports) port.aheadMs += 60_000;
      await pingAll();
      await clock.advance(0);
      expect(states()).toEqual(['voting', 'voting', 'voting']);
      expect(doubts).toBeGreaterThan(0);
    });

    it('that is more than a second from the others keeps it from voting while it is', async () => {
      // Little by little, so that nothing is a jump.
      for (let i = 0; i < 140; i++) {
        ports[1]!.aheadMs += 8;
        await clock.advance(1_000);
        await pingAll();
      }
      expect(states()).toEqual(['voting', 'skewed', 'voting']);
      expect(statesOf(1).at(-1)).toBe('skewed');
    });
  });

  describe('the order in which nodes are asked', () => {
    it('is that of the name, and who does not vote comes last', async () => {
      mark();
      await connect();
      const orders = new Set(
        Array.from({ length: 50 }, (_, i) =>
          electorate
            .orderFor(`name ${i}`)
            .map(({ index }) => index)
            .join(),
        ),
      );
      expect([...orders].sort()).toEqual(['0,1,2', '1,2,0', '2,0,1']);
      ports[1]!.disconnect();
      for (let i = 0; i < 50; i++) expect(electorate.orderFor(`name ${i}`)[2]!.index).toBe(1);
    });
  });
});
