/**
 * How each way ends; what is found of it before its first command; and each command, with what is found
 * if the process is killed when that was carried out: the state, and how often the work was done.
 */
export const WAYS: Record<
  string,
  [end: string, before: string, ...steps: `${string} → ${string}`[]]
> = {
  succeeds: ['executed', 'open 0', 'o → unknown 0', 'rpush → unknown 1', 'p → processed 1'],
  tagged: [
    'executed',
    'open 0',
    'zadd → open 0',
    'o → unknown 0',
    'rpush → unknown 1',
    'p → processed 1',
  ],
  throws: ['mine', 'open 0', 'o → unknown 0', 'rpush → unknown 1', 'u → open 1'],
  again: ['executed', 'unknown 0', 'o → unknown 0', 'rpush → unknown 1', 'p → processed 1'],
  asksRetry: [
    'executed',
    'unknown 0',
    'o → unknown 0',
    'o → unknown 0',
    'rpush → unknown 1',
    'p → processed 1',
  ],
  // Who was asked said that it was done.
  asksProcessed: [
    'replayed',
    'unknown 0',
    'o → unknown 0',
    'v → processed 0',
    'q → processed 0',
    'r → processed 0',
  ],
  asksHold: ['LOCK_OUTCOME_UNKNOWN', 'unknown 0', 'o → unknown 0', 'r → unknown 0'],
  manager: ['returned', 'open 0', 'o → unknown 0', 'rpush → unknown 1', 'p → processed 1'],
  givesBack: ['returned', 'open 0', 'o → unknown 0', 'u → open 0'],
  // It asks twice: for a place in the queue, and when it was handed the name.
  waitsForFailure: [
    'executed',
    'open 0',
    'o → open 0',
    'o → unknown 0',
    'rpush → unknown 1',
    'p → processed 1',
  ],
  waitsForSuccess: ['replayed', 'processed 0', 'o → processed 0', 'o → processed 0'],
};
export const commandsOf = (way: string) => WAYS[way]!.slice(2).map((step) => step.split(' → ')[0]);
/** What is found once so many commands were carried out. */
export const foundAfter = (way: string, steps: number) =>
  WAYS[way]![steps + 1]?.split(' → ').at(-1);

export interface CrashPoint {
  readonly way: string;
  readonly name: string;
  readonly when: 'before' | 'sent' | 'answered';
  readonly n: number;
}
const pointOf = (way: string, when: CrashPoint['when'], n: number): CrashPoint => {
  const id = `${way}-${when}-${n}`;
  return { way, name: way === 'tagged' ? `crash:{${id}}` : `crash:${id}`, when, n };
};
/** All that there are. */
export const POINTS = Object.keys(WAYS).flatMap((way) =>
  commandsOf(way).flatMap((_command, i) =>
    (['before', 'sent', 'answered'] as const).map((when) => pointOf(way, when, i + 1)),
  ),
);
/** No crash point: these come to their ends. */
export const ENDS = Object.keys(WAYS).map((way) =>
  pointOf(way, 'before', commandsOf(way).length + 1),
);
