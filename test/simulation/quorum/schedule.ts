import fc from 'fast-check';
import type { Keeps } from './node-host.js';

export const NAMES: readonly string[] = ['a', 'b'];
/** Of what is done once: under "hold" at most once, else at least once. */
export const ELEMENTS: readonly string[] = ['hold:1', 'hold:2', 'retry:1', 'retry:2'];

/** Short ones end in the midst of things; under long ones whatever is left behind shows. */
export const SHORT_TTL_MS = 1_000;
export const LONG_TTL_MS = 30_000;

export interface Take {
  readonly type: 'take';
  readonly process: number;
  readonly name: string;
  readonly waitMs: number;
  /** The ttl, as a part of the longest. */
  readonly ttl: number;
  readonly renews: boolean;
  readonly holdMs: number;
}

/** Something is done once, or fails. */
export interface Once {
  readonly type: 'once';
  readonly process: number;
  readonly name: string;
  readonly waitMs: number;
  readonly holdMs: number;
  readonly isFailing: boolean;
}

/** Between processes and nodes; `undefined` stands for all of them. */
export interface LinkTrouble {
  readonly type: 'link';
  readonly process: number | undefined;
  readonly node: number | undefined;
  readonly what:
    | 'requests lost'
    | 'replies lost'
    /** What is sent comes after what is sent later. */
    | 'late'
    | 'slow'
    /** What is sent comes once more later. */
    | 'doubled'
    /** Everything waits until it is over, then comes in order. */
    | 'stalled'
    | 'cut'
    /** The connection breaks, and is made anew at once. */
    | 'reset'
    | 'messages lost';
  /** How slow, how late. */
  readonly ms: number;
  readonly forMs: number;
  /** The connection breaks as soon as what was lost might show; what is late has no answer; what was on its way is lost. */
  readonly isHarsh: boolean;
}

export type Step =
  | Take
  | Once
  | LinkTrouble
  | { readonly type: 'cancel'; readonly index: number }
  /** Its code stands still for a while; its clock goes on. */
  | { readonly type: 'stop'; readonly process: number; readonly forMs: number }
  /** It never does anything any more, and another one starts in its place. */
  | { readonly type: 'crash'; readonly process: number }
  /** Nodes go down, and come back with what they keep. */
  | {
      readonly type: 'down';
      readonly nodes: readonly number[];
      readonly forMs: number;
      readonly keeps: Keeps;
      readonly isNoticed: boolean;
    }
  | { readonly type: 'freeze'; readonly nodes: readonly number[]; readonly forMs: number }
  | { readonly type: 'flush'; readonly nodes: readonly number[] }
  /** Clocks are moved, and moved back if it is for a time only. */
  | {
      readonly type: 'clock';
      readonly nodes: readonly number[];
      readonly byMs: number;
      readonly forMs: number;
    }
  /** A lease is gone from some nodes, as if it had expired early. */
  | { readonly type: 'evict'; readonly nodes: readonly number[]; readonly name: string };

export interface Schedule {
  readonly seed: number;
  /** Ttls are a part of it. */
  readonly maxTtlMs: number;
  /** Of the processes' clocks, one for each. */
  readonly processes: readonly number[];
  readonly nodes: readonly NodeStart[];
  /** Nodes begin with counters that are an hour ahead, so that no token comes from the time. */
  readonly areCountersAhead: boolean;
  /** Nodes begin with nothing at all, and every process may take that for a first deployment. */
  readonly isFirstDeployment: boolean;
  readonly steps: readonly (readonly [pauseMs: number, step: Step])[];
}

/** What a node begins with. */
export interface NodeStart {
  readonly wander: number;
  readonly offsetMs: number;
  readonly isDurable: boolean;
  /** How far its counters are ahead of others, if they are ahead at all. */
  readonly lead: number;
}

/** How often something happens, in parts of all steps. */
export interface Weights {
  readonly take: number;
  readonly once: number;
  readonly cancel: number;
  readonly link: number;
  readonly stop: number;
  readonly crash: number;
  readonly down: number;
  readonly freeze: number;
  readonly flush: number;
  readonly clock: number;
  readonly evict: number;
}

const STEADY: Weights = {
  take: 12,
  once: 0,
  cancel: 1,
  link: 5,
  stop: 2,
  crash: 1,
  down: 3,
  freeze: 1,
  flush: 1,
  clock: 0,
  evict: 0,
};

/** `steady`: no node's clock is moved, so that what was granted is held. */
export const WEIGHTS = {
  steady: STEADY,
  stepped: { ...STEADY, clock: 4, evict: 2 },
} as const;

export interface ScheduleOptions {
  readonly clocks: keyof typeof WEIGHTS;
  readonly weights?: Partial<Weights>;
  readonly areCountersAhead?: boolean;
  readonly nodes?: 3 | 5;
  readonly maxTtlMs?: number;
  readonly links?: readonly LinkTrouble['what'][];
  /** By how many ms clocks are moved. */
  readonly jumps?: readonly number[];
  /** What every schedule begins with; where a step has no pause before it, each has one of its own. */
  readonly opening?: readonly (Step | readonly [pauseMs: number, step: Step])[];
}

const LINK_TROUBLES: readonly LinkTrouble['what'][] = [
  'requests lost',
  'replies lost',
  'late',
  'late',
  'slow',
  'doubled',
  'stalled',
  'cut',
  'reset',
  'messages lost',
];

/** Some show as a clock that is far from the others, some only as a jump, some not at all. */
const JUMPS_MS: readonly number[] = [
  -100_000, -3_000, -400, -30, 30, 70, 400, 1_100, 3_000, 100_000,
];

const process = fc.nat({ max: 3 });
const node = fc.nat({ max: 4 });
/** One more often than two, or most. */
const nodes = fc.oneof(
  { weight: 5, arbitrary: node.map((one) => [one]) },
  { weight: 2, arbitrary: fc.uniqueArray(node, { minLength: 2, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.uniqueArray(node, { minLength: 3, maxLength: 5 }) },
);
const name = fc.constantFrom('a', 'a', 'a', 'b');
const orAll = (one: fc.Arbitrary<number>): fc.Arbitrary<number | undefined> =>
  fc.oneof({ weight: 3, arbitrary: one }, { weight: 1, arbitrary: fc.constant(undefined) });

const take: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('take' as const),
  process,
  name,
  waitMs: fc.constantFrom(0, 0, 20, 300, 5_000, Infinity),
  ttl: fc.constantFrom(0.06, 0.3, 0.3, 1),
  renews: fc.constantFrom(true, true, true, false),
  holdMs: fc.constantFrom(0, 3, 15, 40, 200, 400, 1_500),
});

const once: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('once' as const),
  process,
  name: fc.constantFrom(...ELEMENTS),
  waitMs: fc.constantFrom(0, 0, 300, 5_000),
  holdMs: fc.constantFrom(0, 3, 15, 40, 400),
  isFailing: fc.boolean(),
});

const link = (what: readonly LinkTrouble['what'][]): fc.Arbitrary<Step> =>
  fc.record({
    type: fc.constant('link' as const),
    process: orAll(process),
    node: orAll(node),
    what: fc.constantFrom(...what),
    ms: fc.constantFrom(3, 20, 60, 150, 330, 1_100),
    forMs: fc.constantFrom(2, 10, 40, 200, 1_000),
    isHarsh: fc.boolean(),
  });

const stepsOf = (
  weights: Weights,
  links: readonly LinkTrouble['what'][],
  jumps: readonly number[],
): { weight: number; arbitrary: fc.Arbitrary<Step> }[] => {
  const arbitraries: Record<keyof Weights, fc.Arbitrary<Step>> = {
    take,
    once,
    link: link(links),
    cancel: fc.record({ type: fc.constant('cancel' as const), index: fc.nat({ max: 20 }) }),
    stop: fc.record({
      type: fc.constant('stop' as const),
      process,
      forMs: fc.constantFrom(5, 30, 70, 320, 1_050),
    }),
    crash: fc.record({ type: fc.constant('crash' as const), process }),
    down: fc.record({
      type: fc.constant('down' as const),
      nodes,
      forMs: fc.constantFrom(0, 5, 60, 320, 1_050),
      keeps: fc.constantFrom<Keeps[]>('all', 'nothing', 'nothing', 'a snapshot'),
      isNoticed: fc.boolean(),
    }),
    freeze: fc.record({
      type: fc.constant('freeze' as const),
      nodes,
      forMs: fc.constantFrom(5, 70, 320, 1_050),
    }),
    flush: fc.record({ type: fc.constant('flush' as const), nodes }),
    clock: fc.record({
      type: fc.constant('clock' as const),
      nodes,
      byMs: fc.constantFrom(...jumps),
      forMs: fc.constantFrom(0, 1, 30, Infinity, Infinity, Infinity),
    }),
    evict: fc.record({ type: fc.constant('evict' as const), nodes, name }),
  };
  return Object.entries(weights).map(([type, weight]) => ({
    weight: weight as number,
    arbitrary: arbitraries[type as keyof Weights],
  }));
};

// The drift that leases allow for is 1 %, between any two clocks.
const rate = fc.constantFrom(0.9955, 0.999, 1, 1.001, 1.0045);

export function schedules(options: ScheduleOptions): fc.Arbitrary<Schedule> {
  const { clocks, areCountersAhead, opening } = options;
  const { links = LINK_TROUBLES, jumps = JUMPS_MS } = options;
  const step = fc.oneof(...stepsOf({ ...WEIGHTS[clocks], ...options.weights }, links, jumps));
  const pause = fc.constantFrom(0, 0, 0.5, 1, 2, 5, 20, 70, 310, 1_050);
  const nodeStart: fc.Arbitrary<NodeStart> = fc.record({
    wander: fc.constantFrom(0, 0.0045, -0.0045),
    offsetMs: fc.constantFrom(0, 0, -50, 3, 40, 900),
    isDurable: fc.boolean(),
    lead: fc.constantFrom(0, 0, 1, 2, 5, 40),
  });
  const nodesOf = (count: number): fc.Arbitrary<NodeStart[]> =>
    fc.array(nodeStart, { minLength: count, maxLength: count });
  return fc.record({
    seed: fc.nat(),
    maxTtlMs: options.maxTtlMs
      ? fc.constant(options.maxTtlMs)
      : fc.constantFrom(SHORT_TTL_MS, SHORT_TTL_MS, SHORT_TTL_MS, LONG_TTL_MS),
    processes: fc.array(rate, { minLength: 2, maxLength: 4 }),
    nodes: options.nodes
      ? nodesOf(options.nodes)
      : fc.oneof({ weight: 3, arbitrary: nodesOf(3) }, { weight: 1, arbitrary: nodesOf(5) }),
    areCountersAhead: areCountersAhead === undefined ? fc.boolean() : fc.constant(areCountersAhead),
    isFirstDeployment: fc.oneof(
      { weight: 7, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    steps: opening
      ? fc
          .tuple(
            fc.array(pause, { minLength: opening.length, maxLength: opening.length }),
            fc.array(fc.tuple(pause, step), { maxLength: 10, size: 'max' }),
          )
          .map(([pauses, others]) => [
            ...opening.map((each, i): readonly [number, Step] =>
              'type' in each ? [pauses[i]!, each] : each,
            ),
            ...others,
          ])
      : fc.array(fc.tuple(pause, step), { minLength: 5, maxLength: 25, size: 'max' }),
  });
}
