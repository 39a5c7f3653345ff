/** What is measured, once for all that exports it. */
export interface Measurement {
  /** `up-down` is what there is now, counted; `gauge` is read when it is asked for. */
  readonly kind: 'counter' | 'histogram' | 'up-down' | 'gauge';
  /** As UCUM has it: `s`, `1`, or what is counted in braces. */
  readonly unit: string;
  readonly description: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

/** From a round trip in one data centre to minutes of waiting. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Renewed in time, two thirds are left; below one third, a try has failed. */
const SHARES = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7];

const measure = <Label extends string>(measurement: Measurement & { labels: readonly Label[] }) =>
  measurement;

export const MEASUREMENTS = {
  'acquire.duration': measure({
    kind: 'histogram',
    unit: 's',
    description: 'From asking for a lock until it was given or refused.',
    labels: ['lock', 'mode', 'result'],
    buckets: SECONDS,
  }),
  'wait.duration': measure({
    kind: 'histogram',
    unit: 's',
    description: 'How long a lock was waited for that somebody else had.',
    labels: ['lock', 'mode', 'result'],
    buckets: SECONDS,
  }),
  'hold.duration': measure({
    kind: 'histogram',
    unit: 's',
    description: 'How long a lock was held.',
    labels: ['lock', 'mode', 'result'],
    buckets: SECONDS,
  }),
  held: measure({
    kind: 'up-down',
    unit: '{lock}',
    description: 'How many locks are held.',
    labels: ['lock', 'mode'],
  }),
  'held.age': measure({
    kind: 'gauge',
    unit: 's',
    description: 'For how long the oldest of the locks that are held has been.',
    labels: ['lock', 'mode'],
  }),
  waiting: measure({
    kind: 'up-down',
    unit: '{caller}',
    description: 'How many callers wait for a lock that somebody else has.',
    labels: ['lock', 'mode'],
  }),
  contentions: measure({
    kind: 'counter',
    unit: '{contention}',
    description: 'How often a lock was asked for that somebody else had.',
    labels: ['lock', 'mode'],
  }),
  lost: measure({
    kind: 'counter',
    unit: '{lock}',
    description: "Locks that ended without their holder's doing.",
    labels: ['lock', 'mode', 'reason'],
  }),
  'renew.headroom': measure({
    kind: 'histogram',
    unit: '1',
    description: 'How much of its ttl a lock had left when its renewal was confirmed.',
    labels: ['lock', 'mode'],
    buckets: SHARES,
  }),
  'node.errors': measure({
    kind: 'counter',
    unit: '{error}',
    description: 'Questions to the store that failed, and nodes that stopped voting.',
    labels: ['node', 'reason'],
  }),
  once: measure({
    kind: 'counter',
    unit: '{element}',
    description: 'What was to be done once, by how that ended.',
    labels: ['lock', 'result'],
  }),
  'fence.rejected': measure({
    kind: 'counter',
    unit: '{write}',
    description: 'Writes with a stale fencing token that a storage has refused.',
    labels: ['storage'],
  }),
} as const;

export type MeasurementName = keyof typeof MEASUREMENTS;

/** The labels of a measurement, and a text for each. */
export type Labels<Name extends MeasurementName> = Readonly<
  Record<(typeof MEASUREMENTS)[Name]['labels'][number], string>
>;

/** Where measurements go. */
export interface Recorder {
  /** Adds to a counter or an up-down one, or observes a value of a histogram. */
  record<Name extends MeasurementName>(name: Name, value: number, labels: Labels<Name>): void;
  /** From now on the gauge is read by that, until what this returns is called. */
  read<Name extends MeasurementName>(name: Name, take: () => Iterable<Reading<Name>>): () => void;
}

export interface Reading<Name extends MeasurementName> {
  readonly value: number;
  readonly labels: Labels<Name>;
}
