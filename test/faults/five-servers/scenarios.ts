import type { Contender } from './contender.js';
import { ALL_NODES, type Stage, TTL_MS } from './stage.js';

export interface Scenario {
  readonly title: string;
  readonly stepsClocks?: boolean;
  /** Part of every run of all tests. */
  readonly isBrief?: boolean;
  /**
   * Whether two hold at the same time with the protections, and without them: never, or, unless the machine is too
   * busy, always. Left open where it is by chance.
   */
  readonly coexist: { readonly on?: boolean; readonly off?: boolean };
  /** A holder that is late writes for sure, whatever protects the lock itself. */
  readonly isLateForSure?: boolean;
  /** Without the protections tokens go back. */
  readonly misleadsTokens?: boolean;
  run(stage: Stage): Promise<void>;
}

const SHORT_HOLDS = { writes: 5, pauseMs: 10, acquire: { ttl: TTL_MS, wait: 5_000 } };

/** Three workers that take turns, each of which has held. */
async function takeTurns(stage: Stage): Promise<readonly Contender[]> {
  for (let n = 0; n < 3; n++) await stage.add(SHORT_HOLDS);
  await stage.until('all hold', () => stage.contenders.every((each) => each.count('begin') > 0));
  await stage.untilVotes(...ALL_NODES);
  return stage.contenders;
}

interface Rivals {
  readonly holder: Contender;
  /** Asks all the time. */
  readonly rival: Contender;
}

/** One that holds for as long as it can, and one that asks all the time, and holds for longer than a lease. */
async function rivals(stage: Stage, cutOffFrom: readonly number[] = []): Promise<Rivals> {
  const holder = await stage.add({});
  await stage.untilVotes(...ALL_NODES);
  await stage.until('the first one holds, on all nodes', async () => {
    const leases = await stage.leases();
    return leases.every((lease) => lease !== undefined && lease === holder.token);
  });
  const rival = await stage.add({ writes: 100 }, cutOffFrom);
  await rival.ready();
  await stage.until('the other one asks', () => rival.count('ask') > 2);
  return { holder, rival };
}

/**
 * The holder has been cut off from two nodes for as long as a lease lasts there, so that its lease is on a bare
 * majority, and each of those three votes is needed.
 */
async function onBareMajority(stage: Stage, cutOffFrom?: readonly number[]): Promise<Rivals> {
  const { holder, rival } = await rivals(stage, cutOffFrom);
  stage.cutOff(holder, 3, 4);
  await stage.until('its lease is on three nodes alone', async () => {
    const leases = await stage.leases();
    const has = leases.map((lease) => lease !== undefined && lease === holder.token);
    return String(has) === 'true,true,true,false,false';
  });
  return { holder, rival };
}

/** From now on; resolves once the other one has the name, and the former holder knows. */
function changeOfHands(stage: Stage, { holder, rival }: Rivals): () => Promise<void> {
  const begun = rival.count('begin');
  const ended = holder.count('end');
  return async () => {
    await stage.until('the other one holds', () => rival.count('begin') > begun);
    await stage.until('the first one has ended', () => holder.count('end') > ended);
  };
}

/** The holder cannot reach that node, and the other one never could before. */
async function stepUnseen(stage: Stage, ms: number): Promise<void> {
  const both = await onBareMajority(stage, [0]);
  const { holder, rival } = both;
  stage.cutOff(holder, 0);
  await stage.until('the step would end its lease', async () => {
    const left = await stage.leftOn(0);
    return left >= 0 && left < ms;
  });
  const changed = changeOfHands(stage, both);
  stage.step(0, ms);
  stage.heal(rival);
  await changed();
}

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'one node killed, and back empty',
    isBrief: true,
    coexist: { on: false },
    async run(stage) {
      await takeTurns(stage);
      await stage.kill(0);
      await stage.work(2);
      await stage.restart(0);
      await stage.work(2);
      await stage.untilVotes(...ALL_NODES);
      await stage.work();
    },
  },
  {
    title: 'one node stopped for a while',
    isBrief: true,
    coexist: { on: false },
    async run(stage) {
      await takeTurns(stage);
      stage.pause(0);
      await stage.work(3);
      stage.resume(0);
      await stage.work();
    },
  },
  {
    title: 'a minority cut off from one worker',
    isBrief: true,
    coexist: { on: false },
    async run(stage) {
      const [one] = await takeTurns(stage);
      stage.cutOff(one!, 0, 1);
      await stage.work(3);
      stage.heal(one!);
      await stage.work();
    },
  },
  {
    title: 'a majority cut off from the holder',
    isBrief: true,
    coexist: { on: false },
    async run(stage) {
      const both = await rivals(stage);
      const changed = changeOfHands(stage, both);
      stage.cutOff(both.holder, 0, 1, 2);
      await changed();
    },
  },
  {
    title: 'a majority cut off from everybody',
    coexist: { on: false },
    async run(stage) {
      const all = await takeTurns(stage);
      for (const each of all) stage.cutOff(each, 0, 1, 2);
      await stage.until('nobody holds', () => all.every(({ token }) => token === undefined));
      const asked = all.map((each) => each.count('ask'));
      await stage.until('all have asked in vain', () =>
        all.every((each, i) => each.count('ask') > asked[i]! + 1),
      );
      for (const each of all) stage.heal(each);
      await stage.work();
    },
  },
  {
    title: 'a clock stepped forward past the ttl',
    isBrief: true,
    stepsClocks: true,
    coexist: { on: false, off: true },
    async run(stage) {
      const both = await onBareMajority(stage);
      const changed = changeOfHands(stage, both);
      stage.step(0, 2 * TTL_MS);
      await changed();
    },
  },
  {
    title: 'a clock stepped back past the ttl, and right again',
    stepsClocks: true,
    coexist: { on: false, off: true },
    async run(stage) {
      const both = await onBareMajority(stage);
      const { holder, rival } = both;
      const changed = changeOfHands(stage, both);
      const asked = rival.count('ask');
      stage.step(0, -2 * TTL_MS);
      // Both have looked meanwhile: else it would be a step that the other one cannot have seen.
      await stage.until('the holder renews, or has lost, and the other one asks', async () => {
        const left = await stage.leftOn(0);
        const isRenewed = left >= 0 && left <= TTL_MS;
        return (isRenewed || holder.token === undefined) && rival.count('ask') > asked + 2;
      });
      stage.step(0, 2 * TTL_MS);
      await changed();
    },
  },
  {
    title: 'a clock stepped back and right again, which the holder alone can see',
    stepsClocks: true,
    coexist: { on: false, off: true },
    async run(stage) {
      const both = await onBareMajority(stage);
      const { holder, rival } = both;
      const changed = changeOfHands(stage, both);
      stage.stop(rival);
      stage.step(0, -2 * TTL_MS);
      // Without protections it is renewed there instead, for a time that the second step ends.
      await stage.until('the node does not vote, or has renewed', async () => {
        const left = await stage.leftOn(0);
        const isKept = stage.mode.isProtected ? !(await stage.votes(0)) : left <= TTL_MS;
        return isKept || holder.token === undefined;
      });
      stage.step(0, 2 * TTL_MS);
      stage.goOn(rival);
      await changed();
    },
  },
  {
    title: 'a clock stepped by seconds where nobody looked',
    stepsClocks: true,
    coexist: { on: false, off: true },
    run: (stage) => stepUnseen(stage, 2 * TTL_MS),
  },
  {
    title: 'a clock stepped by less than a second where nobody looked',
    stepsClocks: true,
    // It is too little to be told from clocks that are not set well.
    coexist: { on: true, off: true },
    run: (stage) => stepUnseen(stage, 950),
  },
  {
    title: 'a node restarted empty inside the restart delay',
    isBrief: true,
    coexist: { on: false, off: true },
    async run(stage) {
      const both = await onBareMajority(stage);
      const changed = changeOfHands(stage, both);
      await stage.restart(0);
      await changed();
    },
  },
  {
    title: 'FLUSHALL on a node',
    coexist: { on: false, off: true },
    async run(stage) {
      const both = await onBareMajority(stage);
      const changed = changeOfHands(stage, both);
      await stage.flush(0);
      await changed();
    },
  },
  {
    title: 'all nodes restarted empty, one right after the other',
    coexist: { on: false },
    async run(stage) {
      const { holder, rival } = await rivals(stage);
      const begun = () => holder.count('begin') + rival.count('begin');
      const before = begun();
      for (const which of ALL_NODES) await stage.restart(which);
      await stage.until('one of them holds again', () => begun() > before);
    },
  },
  {
    title: 'all nodes restarted empty, one by one, each with its delay',
    coexist: { on: false },
    async run(stage) {
      const { holder } = await rivals(stage);
      for (const which of ALL_NODES) {
        await stage.restart(which);
        await stage.until(`n${which} has the lease again`, async () => {
          const lease = await stage.leaseOn(which);
          return lease !== undefined && lease === holder.token;
        });
      }
    },
  },
  {
    title: 'a clock ahead for a while, and then all nodes restarted empty together',
    stepsClocks: true,
    coexist: { on: false },
    misleadsTokens: true,
    async run(stage) {
      await takeTurns(stage);
      stage.step(0, 2 * TTL_MS);
      await stage.work();
      stage.step(0, -2 * TTL_MS);
      await stage.restart(...ALL_NODES);
      await stage.work();
    },
  },
  {
    title: 'a worker stopped past its lease',
    isBrief: true,
    coexist: { on: false },
    isLateForSure: true,
    async run(stage) {
      const late = await stage.add({ stops: { 1: 'write' } });
      await late.stoppedIn(1);
      stage.noteStopped(late);
      const next = await stage.add({});
      await stage.until('the next one writes', () => next.count('write') > 0);
      stage.goOn(late);
      await stage.until('the first one has ended', () => late.count('end') > 0);
    },
  },
];
