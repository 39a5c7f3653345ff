import fc from 'fast-check';

export type Kind = 'exclusive' | 'shared' | 'semaphore' | 'several names';

export const KINDS: readonly Kind[] = ['exclusive', 'shared', 'semaphore', 'several names'];

export const PROCESSES = 3;
export const PERMITS = 3;

export interface Take {
  readonly type: 'take';
  readonly process: number;
  readonly waitMs: number;
  readonly ttlMs: number;
  readonly holdMs: number;
  /** Which of the three names; more than one of several. */
  readonly names: readonly number[];
  readonly isShared: boolean;
  /** Permits of a semaphore. */
  readonly count: number;
}

export interface Trouble {
  readonly type: 'trouble';
  readonly process: number;
  readonly what:
    | 'commands lost'
    | 'commands late'
    | 'replies lost'
    | 'slow'
    | 'messages lost'
    | 'messages late'
    | 'unsubscribed';
  /** How slow, how late. */
  readonly ms: number;
  readonly forMs: number;
}

export type Step =
  | Take
  | Trouble
  | { readonly type: 'cancel'; readonly index: number }
  /** Its code stands still for a while; its clock goes on. */
  | { readonly type: 'stop'; readonly process: number; readonly forMs: number }
  /** It never does anything any more, and another one starts in its place. */
  | { readonly type: 'crash'; readonly process: number; readonly isNoticed: boolean }
  | { readonly type: 'flush' };

export interface Schedule {
  readonly kind: Kind;
  readonly seed: number;
  readonly rates: readonly number[];
  readonly steps: readonly (readonly [pauseMs: number, step: Step])[];
}

export interface ScheduleOptions {
  readonly kind: Kind;
  /** No troubles but impatient callers. */
  readonly isCalm?: boolean;
  readonly flushes?: boolean;
  /** Processes stand still more often than not. */
  readonly oftenStops?: boolean;
}

const process = fc.nat({ max: PROCESSES - 1 });

const namesOf = (kind: Kind): fc.Arbitrary<number[]> =>
  kind === 'several names'
    ? fc.uniqueArray(fc.nat({ max: 2 }), { minLength: 1, maxLength: 3 })
    : fc.constant([0]);

const takeOf = (kind: Kind): fc.Arbitrary<Step> =>
  fc.record({
    type: fc.constant('take' as const),
    process,
    waitMs: fc.constantFrom(0, 20, 300, 5_000, 20_000, Infinity, Infinity, Infinity),
    ttlMs: fc.constantFrom(300, 300, 1_000, 4_000),
    holdMs: fc.constantFrom(0, 3, 15, 40, 200, 200, 400, 3_000),
    names: namesOf(kind),
    isShared: kind === 'shared' ? fc.boolean() : fc.constant(false),
    count: kind === 'semaphore' ? fc.integer({ min: 1, max: 2 }) : fc.constant(1),
  });

const cancel: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('cancel' as const),
  index: fc.nat({ max: 30 }),
});

const trouble: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('trouble' as const),
  process,
  what: fc.constantFrom(
    'commands lost',
    'commands late',
    'replies lost',
    'slow',
    'messages lost',
    'messages late',
    'unsubscribed',
  ),
  ms: fc.constantFrom(5, 60, 250, 400, 900, 1_700, 3_500),
  forMs: fc.constantFrom(2, 20, 200, 1_000, 3_000),
});

const stop: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('stop' as const),
  process,
  forMs: fc.constantFrom(10, 150, 320, 990, 2_000, 4_100),
});

const crash: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('crash' as const),
  process,
  isNoticed: fc.boolean(),
});

const flush: fc.Arbitrary<Step> = fc.constant({ type: 'flush' });

export function schedules({
  kind,
  isCalm = false,
  flushes = false,
  oftenStops = false,
}: ScheduleOptions): fc.Arbitrary<Schedule> {
  const step = fc.oneof(
    { weight: 10, arbitrary: takeOf(kind) },
    { weight: 2, arbitrary: cancel },
    { weight: isCalm ? 0 : 4, arbitrary: trouble },
    { weight: isCalm ? 0 : oftenStops ? 10 : 2, arbitrary: stop },
    { weight: isCalm ? 0 : 1, arbitrary: crash },
    { weight: flushes ? 1 : 0, arbitrary: flush },
  );
  const pause = fc.constantFrom(0, 0, 1, 3, 10, 40, 200, 700);
  // Leases allow for 1 % of drift, and the server's own clock is one of the two.
  const rate = fc.constantFrom(0.994, 0.999, 1, 1.001, 1.006);
  return fc.record({
    kind: fc.constant(kind),
    seed: fc.nat(),
    rates: fc.array(rate, { minLength: PROCESSES, maxLength: PROCESSES }),
    steps: fc.array(fc.tuple(pause, step), { minLength: 10, maxLength: 40, size: 'max' }),
  });
}
