import { Attempt } from '../../../lib/stores/quorum/attempt.js';
import { LeaseBook } from '../../../lib/core/lease-book.js';
import { NodeAdmission } from '../../../lib/stores/quorum/node-admission.js';
import { NodeClock } from '../../../lib/stores/quorum/node-clock.js';
import { OtherNodes } from '../../../lib/stores/quorum/other-nodes.js';
import { OutcomeWriter } from '../../../lib/stores/quorum/outcome-writer.js';
import type { QuorumNode } from '../../../lib/stores/quorum/quorum-node.js';
import { RecordWrite } from '../../../lib/stores/quorum/record-write.js';
import {
  markerText,
  type NodeMarker,
  type NodePort,
} from '../../../lib/stores/quorum/node-port.interface.js';
import { SHORT_TTL_MS, type ScheduleOptions, type Step } from './schedule.js';
import type { WorldOptions } from './world.js';

/** A rule of the protocol that is left out, and the schedules that have to show it. */
export interface SeededFault extends ScheduleOptions, Pick<WorldOptions, 'faults' | 'wrapPort'> {
  readonly what: string;
  /** Where the first finds it late: one that finds it soon. */
  readonly seed?: number;
  /** Puts the fault into the library's own classes, and returns what takes it out again. */
  readonly plant?: () => () => void;
}

type Method = (...args: never[]) => unknown;

/** @throws if there is no such method any more: then the fault is none */
function replaced(
  { prototype }: { readonly prototype: object },
  name: string,
  replacement: (original: Method) => Method,
): () => void {
  const methods = prototype as Record<string, Method | undefined>;
  const original = methods[name];
  if (!original) throw new Error(`there is no method "${name}" any more`);
  methods[name] = replacement(original);
  return () => void (methods[name] = original);
}

/** What the planted methods see of an attempt. */
interface AttemptInside {
  readonly stored: readonly (number | undefined)[];
  token: number | undefined;
  readonly tools: { readonly majority: number };
  countStored(token?: number): number;
  hold(token: number): void;
}

interface AdmissionInside {
  quarantineOf(...args: unknown[]): NodeMarker;
}

const highestOf = (tokens: readonly (number | undefined)[]): number =>
  Math.max(...tokens.filter((token) => token !== undefined));

const LINK = { type: 'link', process: 0, isHarsh: false } as const;

/** Whoever puts a node in quarantine keeps to it; the node itself votes, for all that others can see. */
function keepingQuarantineToItself(port: NodePort): NodePort {
  let kept: { readonly told: string; readonly written: string } | undefined;
  return {
    description: port.description,
    open: (listener) => port.open(listener),
    take: (marker, steps) => port.take(marker, steps),
    highestToken: (marker) => port.highestToken(marker),
    listenTo: () => port.listenTo(),
    close: () => port.close(),
    hello: async () => {
      const hello = await port.hello();
      return hello.markerText === kept?.written ? { ...hello, markerText: kept!.told } : hello;
    },
    mark: async (expected, marker, floor) => {
      const present = expected !== null && expected === kept?.told ? kept.written : expected;
      const written: NodeMarker = { ...marker, state: 'voting', votesFromMs: 0 };
      const isWritten = await port.mark(present, written, floor);
      if (isWritten) kept = { told: markerText(marker), written: markerText(written) };
      return isWritten;
    },
  };
}

const take = (process: number): Step => ({
  type: 'take',
  process,
  name: 'a',
  waitMs: 0,
  ttl: 1,
  renews: true,
  holdMs: 0,
});

/** Nodes whose counters differ, so that the votes rarely agree. */
const SPLIT_TOKENS = {
  clocks: 'steady',
  areCountersAhead: true,
  weights: { down: 0, flush: 0, stop: 0, crash: 0 },
} as const satisfies ScheduleOptions;

/**
 * A write-back that comes late, to a node that has lost the lease and given it to others since: too rare in
 * schedules that are all random.
 */
const LATE_WRITE_BACK = {
  clocks: 'stepped',
  nodes: 3,
  maxTtlMs: SHORT_TTL_MS,
  areCountersAhead: true,
  opening: [
    { ...LINK, node: 1, what: 'cut', ms: 0, forMs: 1_000 },
    { ...LINK, node: 0, what: 'doubled', ms: 20, forMs: 2 },
    take(0),
    { ...LINK, node: 0, what: 'late', ms: 60, forMs: 10 },
    { type: 'evict', nodes: [0], name: 'a' },
    take(1),
    take(0),
    take(1),
  ],
} as const satisfies ScheduleOptions;

const once = (process: number, isFailing = false): Step => ({
  type: 'once',
  process,
  name: 'hold:1',
  waitMs: 0,
  holdMs: 40,
  isFailing,
});

const cut = (node: number, forMs: number): Step => ({
  ...LINK,
  process: undefined,
  node,
  what: 'cut',
  ms: 0,
  forMs,
});

/** What is done once, on three nodes: that something goes wrong there needs several troubles in a row. */
const ONCE = {
  clocks: 'steady',
  nodes: 3,
  maxTtlMs: SHORT_TTL_MS,
} as const satisfies ScheduleOptions;

/** What the planted methods see of what is recorded. */
interface WriteInside {
  readonly consents: ReadonlySet<QuorumNode>;
  finish(result: 'done'): void;
}

interface WriterInside {
  readonly electorate: { readonly nodes: readonly QuorumNode[] };
  send(node: QuorumNode, step: object): void;
}

export const SEEDED_FAULTS: readonly SeededFault[] = [
  {
    what: 'the write-back is unconditional',
    ...LATE_WRITE_BACK,
    faults: { confirms: 'unconditionally' },
  },
  {
    what: 'the write-back is conditional on the owner alone',
    seed: 7,
    ...LATE_WRITE_BACK,
    faults: { confirms: 'by owner alone' },
  },
  {
    what: 'the write-back is left out',
    ...SPLIT_TOKENS,
    plant: () =>
      replaced(
        Attempt,
        'writeBack',
        () =>
          function (this: AttemptInside) {
            this.token = highestOf(this.stored);
            this.hold(this.token);
          },
      ),
  },
  {
    what: 'mixed answers count as a majority',
    ...SPLIT_TOKENS,
    plant: () =>
      replaced(
        Attempt,
        'decideConfirmed',
        (original) =>
          function (this: AttemptInside) {
            if (this.countStored() >= this.tools.majority) this.hold(this.token!);
            else original.call(this as never);
          },
      ),
  },
  {
    what: 'a node that has forgotten votes at once',
    seed: 2,
    clocks: 'steady',
    plant: () => {
      const uproot = replaced(NodeAdmission, 'quarantineLeftMs', () => () => 0);
      const uprootToo = replaced(
        NodeAdmission,
        'quarantineOf',
        (original) =>
          function (this: AdmissionInside, ...args: never[]) {
            const marker = original.apply(this as never, args) as NodeMarker;
            return { ...marker, votesFromMs: marker.sinceMs };
          },
      );
      return () => [uproot, uprootToo].forEach((each) => each());
    },
  },
  {
    what: 'a node that has forgotten does not catch up',
    clocks: 'steady',
    areCountersAhead: true,
    plant: () => replaced(NodeAdmission, 'catchUp', () => () => Promise.resolve(0)),
  },
  {
    what: 'only who saw it knows of a quarantine',
    clocks: 'steady',
    wrapPort: keepingQuarantineToItself,
  },
  {
    what: 'the jump of a clock is not noticed',
    seed: 8,
    clocks: 'stepped',
    nodes: 3,
    maxTtlMs: SHORT_TTL_MS,
    weights: {
      take: 16,
      clock: 8,
      evict: 0,
      link: 8,
      stop: 0,
      freeze: 0,
      crash: 0,
      down: 0,
      flush: 0,
    },
    links: ['cut', 'requests lost'],
    jumps: [70, 400, 900],
    plant: () =>
      replaced(
        NodeClock,
        'observe',
        (original) =>
          function (this: NodeClock, ...args: never[]) {
            original.apply(this as never, args);
            return 0;
          },
      ),
  },
  {
    what: 'a lease counts from the answer',
    seed: 8,
    clocks: 'steady',
    maxTtlMs: SHORT_TTL_MS,
    nodes: 3,
    weights: { link: 6, cancel: 0, stop: 0, freeze: 0, crash: 0, down: 0, flush: 0 },
    links: ['slow'],
    plant: () =>
      replaced(
        LeaseBook,
        'begin',
        (original) =>
          function (this: { tools: { clock: { now(): number } } }, ...args: never[]) {
            const [grant, ...rest] = args as unknown as [object, ...never[]];
            const sentAt = this.tools.clock.now();
            return original.call(this as never, { ...grant, sentAt } as never, ...rest);
          },
      ),
  },
  {
    what: 'what was granted too late is not given back',
    clocks: 'steady',
    plant: () => replaced(Attempt, 'giveBack', () => () => undefined),
  },
  {
    what: 'a node that has forgotten is not told what is done',
    ...ONCE,
    opening: [
      [0, cut(2, 1_200)],
      [2, once(0)],
      [100, { type: 'crash', process: 0 }],
      [2, { type: 'down', nodes: [0], forMs: 0, keeps: 'nothing', isNoticed: true }],
      [1_500, cut(1, 1_000)],
      [5, once(1)],
    ],
    plant: () => replaced(OtherNodes, 'copyOutcomes', () => () => Promise.resolve(undefined)),
  },
  {
    what: 'one node that knows of a beginning is enough',
    ...ONCE,
    opening: [
      [0, once(0)],
      { ...LINK, node: 1, what: 'requests lost', ms: 0, forMs: 1_000, isHarsh: true },
      [0, { ...LINK, node: 2, what: 'requests lost', ms: 0, forMs: 1_000, isHarsh: true }],
      [20, { type: 'crash', process: 0 }],
      [1_200, cut(0, 1_000)],
      [5, once(1)],
    ],
    plant: () =>
      replaced(
        RecordWrite,
        'consider',
        (original) =>
          function (this: WriteInside) {
            if (this.consents.size > 0) this.finish('done');
            original.call(this as never);
          },
      ),
  },
  {
    what: 'what has failed is forgotten before all nodes know',
    ...ONCE,
    opening: [[0, once(0, true)], cut(2, 300), [1_200, once(1)]],
    plant: () =>
      replaced(
        OutcomeWriter,
        'finish',
        () =>
          async function (this: WriterInside, name: never, write: never) {
            const { texts, ended } = write as RecordWrite;
            await ended;
            for (const node of this.electorate.nodes) {
              this.send(node, { type: 'forget', name, expected: texts.get(node) ?? '' });
            }
          },
      ),
  },
];
