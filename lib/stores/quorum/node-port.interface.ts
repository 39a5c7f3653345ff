import type { Holder } from '../lock-store.interface.js';
import type { ReportStore } from '../report.interface.js';
import type { ServerFacts, SurveyRequest } from '../survey.interface.js';

/**
 * One thing that a node is asked to do, taken in one piece. `acquire`, `confirm`, `renew`, `adopt`, `transfer`,
 * `recall`, `forget`, `list` and `lists` are votes, which a node in quarantine refuses; the others are always taken.
 */
export type NodeStep =
  | AcquireStep
  | ConfirmStep
  | RenewStep
  | AdoptStep
  | TransferStep
  | ReleaseStep
  | InspectStep
  | ForceStep
  | RecallStep
  | RecordStep
  | ForgetStep
  | ListStep
  | ListsStep;

/** Takes a free name: the token is the highest of the proposal, the node's TIME, and its counter and 1. */
export interface AcquireStep {
  readonly type: 'acquire';
  readonly name: string;
  /** New for every attempt; up to its dot it is who waits. */
  readonly owner: string;
  readonly ttlMs: number;
  /** A token, in µs as TIME; refused where it is further ahead of the node's TIME than `MOST_AHEAD_MICROS`. */
  readonly proposal: number;
  /** How many tokens in a row are of use; only the first is given while the counter is far (1 s) ahead of TIME. */
  readonly tokens: number;
  readonly holder: Holder;
  /**
   * For how long it counts as waiting and is told when the name becomes free; 0 if it does not wait. Who
   * does not stand among those that wait takes no free name past them.
   */
  readonly waitMs: number;
}

/**
 * Raises counter and stored token to `fencingToken`, and counts the ttl anew, only where the lease is
 * this owner's and its stored token is not higher.
 */
export interface ConfirmStep {
  readonly type: 'confirm';
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
  /** The last of the block that begins with `fencingToken`. */
  readonly lastToken: number;
  readonly ttlMs: number;
}

/** Sets what is left of a lease; owner and token must be its own. Never creates one. */
export interface RenewStep {
  readonly type: 'renew';
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
  readonly ttlMs: number;
}

/**
 * Gives a lease that a majority has just renewed to a node that has none of the name (it was down, or
 * came back empty), with its token; the counter is raised past the longest block that begins with it.
 */
export interface AdoptStep {
  readonly type: 'adopt';
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
  readonly ttlMs: number;
  readonly holder: Holder;
}

/** Gives a lease to another owner and counts the ttl anew; owner and token must be its own. */
export interface TransferStep {
  readonly type: 'transfer';
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
  readonly newOwner: string;
  readonly ttlMs: number;
  readonly holder: Holder;
}

/** Gives up what an owner has, or any owner whose text goes on with a dot: all attempts of a wait. */
export interface ReleaseStep {
  readonly type: 'release';
  readonly name: string;
  readonly owner: string;
  /**
   * Whether it gives up its place among those that wait, too (the owner's text up to the dot), and they are
   * told that the name is free; an attempt that failed does not.
   */
  readonly leaves: boolean;
  /** Keeps the name taken until so long after its acquisition. */
  readonly minHoldMs: number;
}

export interface InspectStep {
  readonly type: 'inspect';
  readonly name: string;
}

/** Takes the lease away from whoever has it, or from the owner with this mark; those that wait are told. */
export interface ForceStep {
  readonly type: 'force';
  readonly name: string;
  readonly mark?: string | undefined;
}

/** Tells what is recorded of an element that is done once, and who has the lease. */
export interface RecallStep {
  readonly type: 'recall';
  readonly name: string;
}

/** A list of names: those of a job that are processed, or begun, and all that are kept beyond their end. */
export type ListId = `processed:${string}` | `begun:${string}` | 'kept';

/**
 * Records `next` of an element if what is there is `expected`, or that already; else tells what is there.
 */
export interface RecordStep {
  readonly type: 'record';
  readonly name: string;
  /** '' for nothing. */
  readonly expected: string;
  readonly next: string;
  /** When the node forgets it, in ms of its own clock; 0 for never. */
  readonly endsMs: number;
  /** Where the name is listed, as long as `expected` is there, and where it is to be. */
  readonly from?: ListId | undefined;
  readonly to?: ListId | undefined;
  /** Until when it is listed there, in ms; 0 for ever. */
  readonly listedUntil: number;
  /** Whether it is listed among those that are kept, until `endsMs`. */
  readonly isKept: boolean;
  /** Only while the lease is this owner's, with this token. */
  readonly claim?: { readonly owner: string; readonly fencingToken: number } | undefined;
}

/** Forgets what is recorded of an element if it is `expected`; from where it is listed, too. */
export interface ForgetStep {
  readonly type: 'forget';
  readonly name: string;
  readonly expected: string;
}

/** Some of the names of a list: each at least once that is there all the while, from cursor '0' until it is '0' again. */
export interface ListStep {
  readonly type: 'list';
  readonly id: ListId;
  readonly cursor: string;
  readonly count: number;
}

/** Which lists there are, in the same way. */
export interface ListsStep {
  readonly type: 'lists';
  readonly cursor: string;
}

/** A lease as a node has it. */
export interface NodeLease {
  /** The first characters of its owner, which tell owners apart and prove nothing. */
  readonly mark: string;
  readonly fencingToken: number;
  readonly sinceMs: number;
  readonly remainingMs: number;
  readonly holder: Holder;
}

/**
 * What a node answers to a step.
 *
 * - `granted`: to an acquire.
 * - `done`: confirmed, renewed, adopted, transferred, released, or taken by force (with the lease it was).
 * - `busy`: somebody else has it; without a lease: it is free, but others wait for it.
 * - `other-token`: to a confirmation, a renewal or a transfer: it is this owner's, with another token.
 * - `free`: nobody has it.
 * - `forced`: to a renewal or a transfer: it was taken away by force.
 * - `ahead`: to an acquire: the proposal is too far ahead of TIME.
 * - `no-vote`: the node may not vote.
 * - `found`: to an inspect.
 * - `recorded`: what is to be recorded is, or nothing any more.
 * - `recalled`: to a recall; and to what is to be recorded or forgotten, where something else is there.
 * - `unclaimed`: to what is to be recorded: the lease is not the owner's.
 * - `listed`: to `list` and `lists`.
 * - `failed`: this step alone; a call that fails rejects.
 */
export type NodeReply =
  | {
      readonly type: 'granted';
      readonly fencingToken: number;
      /** The last of the block. */
      readonly lastToken: number;
      /** Whether others wait for it. */
      readonly isWaitedFor: boolean;
    }
  | {
      readonly type: 'done';
      readonly lease?: NodeLease | undefined;
      /** To a release: others waited, and have been told. */
      readonly isWaitedFor?: boolean;
    }
  | { readonly type: 'busy'; readonly lease?: NodeLease | undefined }
  | { readonly type: 'other-token'; readonly fencingToken: number }
  | { readonly type: 'free' | 'forced' | 'ahead' | 'no-vote' }
  | { readonly type: 'failed'; readonly error: Error }
  | { readonly type: 'found'; readonly lease: NodeLease | null; readonly waiting: number }
  | { readonly type: 'recorded' }
  | {
      readonly type: 'recalled' | 'unclaimed';
      readonly text: string;
      /** Of who has the lease; '' and 0 for nobody. */
      readonly mark: string;
      readonly fencingToken: number;
    }
  | { readonly type: 'listed'; readonly cursor: string; readonly names: readonly string[] };

/** The replies of one call, in the order of its steps. */
export interface NodeAnswer {
  /** The node's TIME at which all were taken; 0 where nothing but releases was asked. */
  readonly micros: number;
  readonly replies: readonly NodeReply[];
}

/** Why a node may not vote. */
export type QuarantineReason = 'restarted' | 'emptied' | 'clock-jump';

/**
 * What a node keeps about itself, in a key of its own; every client sees the same.
 *
 * `voting` with the run id of the server that is up: it votes. With another run id it was restarted.
 */
export interface NodeMarker {
  readonly state: 'voting' | 'quarantined';
  readonly runId: string;
  /** The largest ttl that any of its clients may use: how long a node is kept from voting. */
  readonly maxTtlMs: number;
  /** Whether the server kept every write it acknowledged when this was written. */
  readonly isDurable: boolean;
  /** The node's time (ms) at which it was written. */
  readonly sinceMs: number;
  /** The node's time (ms) from which it may vote again; 0 while it votes. */
  readonly votesFromMs: number;
  /** Whether the clocks of most nodes told from when, too: then they can tell that it is over. */
  readonly isByMost: boolean;
  /** Why it was kept from voting; `first` if it never was: it is a first deployment. */
  readonly reason: QuarantineReason | 'first';
}

/** What a node says of itself on a new connection. */
export interface NodeHello {
  readonly runId: string;
  readonly micros: number;
  /** As it is stored: the scripts compare it, character by character. `null` if there is none. */
  readonly markerText: string | null;
  /** Whether the server keeps every write that it acknowledges, over a crash; `undefined` where it may not be asked. */
  readonly isDurable: boolean | undefined;
  /** Why it can be no node of a quorum, if it cannot. */
  readonly refusal?: string | undefined;
  /** What whoever runs it should know, such as a policy that evicts keys. */
  readonly notices: readonly string[];
}

export interface NodeListener {
  /** A new connection: nothing is known about who answers. */
  onOpen(): void;
  onClose(reason: Error | undefined): void;
  /** A name became free for which this process waits. */
  onFreed(name: string): void;
  /** Whether `onFreed` is told has changed; `refusal` if it never will be. */
  onListening(isListening: boolean, refusal?: Error): void;
}

/**
 * The connection to one node. A call goes out on the present connection, once, or fails: nothing is kept
 * for a later connection, nothing is sent again.
 */
export interface NodePort {
  readonly description: string;
  readonly lastError?: Error | undefined;
  /** What processes tell of themselves; of no meaning for any vote. */
  readonly reports?: ReportStore;
  /** Connects, and connects again whenever the connection is lost. */
  open(listener: NodeListener): void;
  hello(): Promise<NodeHello>;
  /** Takes the steps at once; the votes among them only if the node's marker is this text. */
  take(markerText: string, steps: readonly NodeStep[]): Promise<NodeAnswer>;
  /**
   * Writes the marker if the one that is there is `expected`, and raises every counter to `floor` with it.
   * `false` if it is another one.
   */
  mark(expected: string | null, marker: NodeMarker, floor: number): Promise<boolean>;
  /** The highest token that its counters know; `null` if its marker is another text. */
  highestToken(markerText: string): Promise<number | null>;
  /** From now on `onFreed` tells of names that become free while somebody of this process waits. */
  listenTo(): void;
  /** What the server says of itself, besides what `probe` finds; never rejects. */
  survey?(request: SurveyRequest, probe: () => Promise<void>): Promise<ServerFacts>;
  close(): Promise<void>;
}

/** How far a proposal may be ahead of a node's TIME, and nodes' clocks apart, in µs: 2 s. */
export const MOST_AHEAD_MICROS = 2_000_000;

export const markerText = (marker: NodeMarker): string =>
  [
    marker.state,
    marker.runId,
    marker.maxTtlMs,
    marker.isDurable ? 'durable' : 'volatile',
    marker.sinceMs,
    marker.votesFromMs,
    marker.isByMost ? 'by-most' : 'by-itself',
    marker.reason,
  ].join(' ');

/** `null` for a text that is no marker: somebody else's key. */
export function parseMarker(text: string): NodeMarker | null {
  const found =
    /^(voting|quarantined) (\S+) (\d+) (durable|volatile) (\d+) (\d+) (by-most|by-itself) (restarted|emptied|clock-jump|first)$/.exec(
      text,
    );
  if (!found) return null;
  const [, state, runId, maxTtlMs, durable, sinceMs, votesFromMs, by, reason] = found;
  return {
    state: state as NodeMarker['state'],
    runId: runId!,
    maxTtlMs: Number(maxTtlMs),
    isDurable: durable === 'durable',
    sinceMs: Number(sinceMs),
    votesFromMs: Number(votesFromMs),
    isByMost: by === 'by-most',
    reason: reason as NodeMarker['reason'],
  };
}
