import type { NodeStatus } from './lock-store.interface.js';

/** How a store looks at its servers. */
export interface SurveyRequest {
  /** After how long a server counts as one that gives no answer, in ms. */
  readonly timeoutMs: number;
  /** Also what is not asked every few seconds: persistence, permissions, and whether messages arrive. */
  readonly isThorough: boolean;
}

/**
 * Whether those that wait are told of a hand-over: they are (`push`), they have to ask (`polling`), they will be
 * once the connection stands (`connecting`), or nobody has waited yet (`untried`).
 *
 * @example
 * if (survey.handOvers.how === 'polling') logger.warn(survey.handOvers.error);
 */
export interface HandOverFacts {
  readonly how: 'push' | 'polling' | 'connecting' | 'untried';
  /** Why not, if they are not told. */
  readonly error: Error | null;
}

/**
 * What a server keeps over a restart.
 *
 * @example
 * const isDurable = facts.persistence?.appendfsync === 'always';
 */
export interface PersistenceFacts {
  readonly appendonly: boolean;
  /** When the append-only file is written to the disk; `null` if it may not be asked. */
  readonly appendfsync: string | null;
  /** When snapshots are made, as Redis has it: '' for never; `null` if it may not be asked. */
  readonly save: string | null;
}

/**
 * What is known of one server that a store stands on; `null` for what it did not tell.
 *
 * @example
 * const slow = survey.servers.filter(({ latencyMs }) => latencyMs === null || latencyMs > 100);
 */
export interface ServerFacts {
  /** Such as `Redis at redis-1:6379`; never a password. */
  readonly server: string;
  /** How long it took to write there and to take it back, in ms; `null` if it failed. */
  readonly latencyMs: number | null;
  /** Why it cannot be written to. */
  readonly error: Error | null;
  /** Such as `Redis` or `Valkey`, and as what version of Redis it behaves. */
  readonly product: string | null;
  readonly version: string | null;
  readonly role: 'master' | 'replica' | null;
  /** Whether it is one of a Redis Cluster. */
  readonly isClusterNode: boolean | null;
  readonly evictionPolicy: string | null;
  /** Its wall clock against this machine's, in ms; half a round trip may be missing. */
  readonly clockOffsetMs: number | null;
  /** Only when it is looked at thoroughly. */
  readonly persistence: PersistenceFacts | null;
  /** What its user lacks, as ACL rules; only when it is looked at thoroughly. */
  readonly missing: readonly string[] | null;
  /** What it is to a quorum, if it is a node of one. */
  readonly node: NodeStatus | null;
}

/**
 * What a store has found out about the servers that it stands on.
 *
 * @example
 * const { servers, quorum }: StoreSurvey = (await locks.check()).survey;
 */
export interface StoreSurvey {
  readonly servers: readonly ServerFacts[];
  readonly handOvers: HandOverFacts;
  /** Of several nodes: how many vote, of all, and how many are needed; `null` where there is one deployment. */
  readonly quorum: {
    readonly voting: number;
    readonly needed: number;
    readonly all: number;
  } | null;
  /** Whether a Cluster serves all its slots, and why not; `null` where there is none. */
  readonly cluster: { readonly isComplete: boolean; readonly state: string } | null;
}
