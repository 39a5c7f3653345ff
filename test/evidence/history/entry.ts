/** What is locked: one at a time, or as many as there are permits. */
export type Kind = 'lock' | 'permit';

/** Which of the two counters a write went to. */
export type Counter = 'guarded' | 'unguarded';

interface Told {
  /** The machine's monotonic clock in microseconds, which all its processes share. */
  readonly at: number;
  readonly process: string;
}

/** What a client tells of one call: from the question to the release. */
export type CallEntry = Told & { readonly call: number } & (
    | { readonly type: 'invoke'; readonly name: string; readonly kind: Kind }
    | { readonly type: 'ok'; readonly token?: number }
    /** Refused in good order: somebody else had it for as long as was waited. */
    | { readonly type: 'busy' }
    /** Failed, so that nobody knows what the servers have made of it. */
    | { readonly type: 'unknown'; readonly error: string }
    /** It looked, and the library said that it is held. */
    | { readonly type: 'sure' }
    /** It looked, and the library said that it is not held any more. */
    | { readonly type: 'unsure' }
    /** The library told the loss of its own accord, by the signal. */
    | { readonly type: 'told' }
    | { readonly type: 'write'; readonly counter: Counter; readonly result: WriteResult }
    /** About to give it back. */
    | { readonly type: 'release' }
    | { readonly type: 'released'; readonly result: string }
  );

/** `stale`: the storage refused it, since it had seen a newer token. */
export type WriteResult = 'done' | 'stale' | 'failed';

/** What the injector tells. */
export type FaultEntry = Told & {
  /** `hung`: a client that did not end when it was told to. */
  readonly type: 'begin' | 'end' | 'killed' | 'stopped' | 'continued' | 'recover' | 'hung';
  readonly what: string;
  /** Of `recover`: from here on it is counted until one of these names is taken again. */
  readonly names?: readonly string[];
};

/** What a client tells of itself, beside its calls: a rejection that nobody handled. */
export type ProcessEntry = Told & { readonly type: 'unhandled'; readonly what: string };

export type HistoryEntry = CallEntry | FaultEntry | ProcessEntry;

export const isCall = (entry: HistoryEntry): entry is CallEntry => 'call' in entry;

/** An entry as its author has it, before it is stamped. */
export type Unstamped<T> = T extends unknown ? Omit<T, 'at' | 'process'> : never;

export const now = (): number => Number(process.hrtime.bigint() / 1000n);
