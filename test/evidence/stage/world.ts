import type { Connection } from '../client/plan.js';

export type WorldKind = Connection['kind'];

/** The servers of a run. */
export interface World {
  readonly kind: WorldKind;
  /** A way to them for one client process, whatever came before it on that place. */
  connection(place: number): Promise<Connection>;
  /** All keys on all servers that run. */
  keys(): Promise<string[]>;
  stop(): Promise<void>;
}
