import type { Redis } from 'ioredis';

/** What a worker tells a storage of a hold. All of it stands in one list, in the order in which it arrived. */
export type JournalEntry = {
  readonly worker: string;
  /** The storage's own time, in microseconds. */
  readonly at: number;
} & (
  | { readonly type: 'ask' }
  /** It holds from here on. This is a write, too, if the storage let it pass. */
  | { readonly type: 'begin'; readonly token: number; readonly isAccepted: boolean }
  | { readonly type: 'write' | 'refused'; readonly token: number }
  /** For how long it has believed to hold since `begin`; rather too short than too long. */
  | { readonly type: 'end'; readonly token: number; readonly believedMs: number }
);

export type TokenEntry = Exclude<JournalEntry, { type: 'ask' }>;

export interface Coexistence {
  readonly workers: readonly [string, string];
  readonly tokens: readonly [number, number];
  readonly ms: number;
}

export interface JournalReport {
  /** How many began, and how many of them told no end: they were killed, or hold still. */
  readonly holds: number;
  readonly unfinished: number;
  /** How many the storage accepted, stale ones among them; the beginnings do not count. */
  readonly writes: number;
  /** Holds of two workers at the same time. One without an end counts up to its last accepted write. */
  readonly coexistences: readonly Coexistence[];
  /** Writes, and beginnings, after a newer token had begun. */
  readonly stale: {
    readonly accepted: readonly TokenEntry[];
    readonly refused: readonly TokenEntry[];
  };
  /** Writes that were refused although no newer token had begun. */
  readonly wronglyRefused: readonly TokenEntry[];
  readonly tokens: {
    /** Begun a second time. */
    readonly repeated: readonly TokenEntry[];
    /** Begun after a newer one: that may be a holder that was slow to begin. */
    readonly outOfOrder: readonly TokenEntry[];
    /** Even asked for after a newer one, or the same, had begun: nothing excuses that. */
    readonly wrong: readonly TokenEntry[];
  };
}

interface Hold {
  readonly worker: string;
  readonly token: number;
  readonly beganAt: number;
  endedAt: number;
  isFinished: boolean;
}

export async function readJournal(client: Redis, key: string): Promise<JournalEntry[]> {
  return (await client.lrange(key, 0, -1)).map((entry) => JSON.parse(entry) as JournalEntry);
}

/** Finds out from what workers told whether they kept out of each other's way, and what the storage let pass. */
export function checkJournal(entries: readonly JournalEntry[]): JournalReport {
  const journal = new HoldingJournal();
  for (const entry of entries) journal.add(entry);
  return journal.report();
}

class HoldingJournal {
  private readonly holds: Hold[] = [];
  private readonly latest = new Map<string, Hold>();
  private readonly newestWhenAsked = new Map<string, number>();
  private readonly begun = new Set<number>();
  private newest = 0;
  private writes = 0;
  private readonly stale = { accepted: [] as TokenEntry[], refused: [] as TokenEntry[] };
  private readonly wronglyRefused: TokenEntry[] = [];
  private readonly tokens = {
    repeated: [] as TokenEntry[],
    outOfOrder: [] as TokenEntry[],
    wrong: [] as TokenEntry[],
  };

  add(entry: JournalEntry): void {
    if (entry.type === 'ask') this.newestWhenAsked.set(entry.worker, this.newest);
    else if (entry.type === 'begin') this.begin(entry);
    else this.goOn(entry);
  }

  report(): JournalReport {
    const { holds, writes, stale, wronglyRefused, tokens } = this;
    return {
      holds: holds.length,
      unfinished: holds.filter(({ isFinished }) => !isFinished).length,
      writes,
      coexistences: coexistencesOf(holds),
      stale,
      wronglyRefused,
      tokens,
    };
  }

  private begin(entry: TokenEntry & { type: 'begin' }): void {
    const { worker, token, at } = entry;
    // One worker's entries come one after the other, so its holds do, too.
    if (this.latest.get(worker)?.isFinished === false) throw misfit(entry);
    const hold = { worker, token, beganAt: at, endedAt: at, isFinished: false };
    this.holds.push(hold);
    this.latest.set(worker, hold);
    if (this.begun.has(token)) this.tokens.repeated.push(entry);
    if (token <= (this.newestWhenAsked.get(worker) ?? 0)) this.tokens.wrong.push(entry);
    if (token < this.newest) {
      this.tokens.outOfOrder.push(entry);
      if (entry.isAccepted) this.stale.accepted.push(entry);
    }
    this.begun.add(token);
    this.newest = Math.max(this.newest, token);
  }

  private goOn(entry: Exclude<TokenEntry, { type: 'begin' }>): void {
    const { worker, token, at } = entry;
    const hold = this.latest.get(worker);
    if (hold?.token !== token || hold.isFinished) throw misfit(entry);
    const isStale = token < this.newest;
    if (entry.type === 'end') {
      hold.endedAt = Math.min(at, hold.beganAt + entry.believedMs * 1000);
      hold.isFinished = true;
    } else if (entry.type === 'write') {
      hold.endedAt = at;
      this.writes++;
      if (isStale) this.stale.accepted.push(entry);
    } else {
      (isStale ? this.stale.refused : this.wronglyRefused).push(entry);
    }
  }
}

const misfit = (entry: JournalEntry) =>
  new Error(`this does not go on from what its worker told before: ${JSON.stringify(entry)}`);

function coexistencesOf(holds: readonly Hold[]): Coexistence[] {
  const found: Coexistence[] = [];
  for (const [index, one] of holds.entries()) {
    // Those that began later, so that each pair is looked at once.
    for (let next = index + 1; next < holds.length; next++) {
      const other = holds[next]!;
      const both = Math.min(one.endedAt, other.endedAt) - Math.max(one.beganAt, other.beganAt);
      if (both <= 0) continue;
      const workers = [one.worker, other.worker] as const;
      found.push({ workers, tokens: [one.token, other.token], ms: both / 1000 });
    }
  }
  return found;
}
