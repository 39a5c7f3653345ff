import type { ViolationKind } from '../checker/violation.js';
import type { ClusterWorld } from '../stage/cluster-world.js';
import type { NodesWorld } from '../stage/nodes-world.js';
import type { SentinelWorld } from '../stage/sentinel-world.js';
import type { SingleWorld } from '../stage/single-world.js';
import type { Stage } from '../stage/stage.js';

export const TTL_MS = 2_000;

/** ioredis waits for up to two seconds before it connects again. */
export const RECONNECT_MS = 2_000;

/** What the documentation says that no lock can prevent, which is counted apart. */
export interface Excuse {
  readonly kinds: readonly ViolationKind[];
  /** How long it may last at most, also after the fault's end: until the holder has to have learned of it. */
  readonly mostMs: number;
}

interface Common<W> {
  readonly name: string;
  /** What stands in the table. */
  readonly title: string;
  readonly excuse?: Excuse;
  /** Where another ttl than `TTL_MS` shows more. */
  readonly ttlMs?: number;
  /** For how long after it a call may fail: where connections are lost, they must be made again. */
  readonly reconnectMs?: number;
  start(): Promise<W>;
  /** Does it once, and makes it good. */
  inject(
    stage: Stage<W & (SingleWorld | SentinelWorld | ClusterWorld | NodesWorld)>,
  ): Promise<void>;
}

export type Fault =
  | ({ readonly world: 'single' } & Common<SingleWorld>)
  | ({ readonly world: 'sentinel' } & Common<SentinelWorld>)
  | ({ readonly world: 'cluster' } & Common<ClusterWorld>)
  | ({ readonly world: 'nodes' } & Common<NodesWorld>);

/**
 * Who has lost its key learns it with its next renewal, a third of the ttl after the last one; the renewal itself
 * may have to wait for an answer, and a busy machine takes its time.
 */
export const UNTIL_RENEWAL: Excuse = {
  kinds: ['overlap', 'capacity', 'told late'],
  mostMs: TTL_MS / 3 + 500,
};

/** While the servers cannot be reached, renewals fail, and the deadline tells. */
export const untilDeadline = (ttlMs = TTL_MS): Excuse => ({
  kinds: ['overlap', 'capacity', 'told late'],
  mostMs: ttlMs + 100,
});
