import type { LockClient } from '../../core/lock-client.js';
import type { ReportReader } from '../../core/bounded-store.js';
import type { Holder, LeaseRecord, Subject } from '../../stores/lock-store.interface.js';
import {
  compareNames,
  type ProcessRecord,
  type ReportedName,
} from '../../stores/report.interface.js';
import { cursorAt, type ResolvedHeldQuery } from './held-query.js';
import { MergedNames } from './merged-names.js';
import type { HeldName, HeldPage } from './overview.interface.js';

/** What one call may cost, whatever is searched for: names read, and names looked at closely. */
const MOST_READ = 25_000;
const MOST_INSPECTED = 1_000;

/** Lists names that are held: as the processes have told, but for those that are not held any more. */
export class HeldListing {
  private readonly told = new Set<string>();
  private readonly merged: MergedNames;

  constructor(
    private readonly client: LockClient,
    private readonly reports: ReportReader,
    private readonly processes: readonly ProcessRecord[],
    private readonly query: ResolvedHeldQuery,
  ) {
    const ids = processes.map(({ id }) => id);
    const { limit, isSearch, after } = query;
    this.merged = new MergedNames(reports, ids, after, isSearch ? MOST_READ / 4 : limit);
  }

  async page(): Promise<HeldPage> {
    const { merged, query } = this;
    const { limit, isAsked } = query;
    const names: HeldName[] = [];
    let last: ReportedName | undefined;
    let read = 0;
    let inspected = 0;
    let isEnd = false;
    while (!isEnd && names.length < limit && read < MOST_READ && inspected < MOST_INSPECTED) {
      const found: ReportedName[] = [];
      while (found.length < limit - names.length && read < MOST_READ) {
        if (!merged.isReady) await merged.read();
        const next = merged.take();
        if (!next) {
          isEnd = true;
          break;
        }
        last = next;
        read++;
        if (isAsked(next) && !this.told.has(idOf(next))) found.push(next);
      }
      inspected += found.length;
      names.push(...(await this.verified(found)));
    }
    const total = this.processes.reduce((sum, { held }) => sum + held, 0);
    return isEnd || !last ? { names, total } : { names, total, cursor: cursorAt(last) };
  }

  private async verified(names: readonly ReportedName[]): Promise<HeldName[]> {
    const found = await Promise.all(names.map((name) => this.verify(name)));
    const held: HeldName[] = [];
    for (const each of found) {
      if (!each || this.told.has(idOf(each))) continue;
      this.told.add(idOf(each));
      held.push(each);
    }
    return held;
  }

  /** As it is held at the moment; `undefined` if it is not, or is told in another place. */
  private async verify(reported: ReportedName): Promise<HeldName | undefined> {
    const { name, kind, fencingToken } = reported;
    const record = await this.client.inspect({ name, kind }).catch((error: Error) => {
      // Somebody else's key: one that cannot be read hides no others.
      if (error.cause instanceof Error && error.cause.message.includes('WRONGTYPE')) return null;
      throw error;
    });
    if (!record) return undefined;
    const { holders } = record;
    if (!holders.some((holder) => holder.fencingToken === fencingToken)) return undefined;
    return (await this.wasTold(reported, holders)) ? undefined : { ...record, name, kind };
  }

  /** Whether it stands on a page before, with one that has held it for longer. */
  private async wasTold(subject: Subject, holders: readonly LeaseRecord[]): Promise<boolean> {
    const { after } = this.query;
    if (!after) return false;
    const earlier = holders.filter(
      ({ fencingToken }) => compareNames({ ...subject, fencingToken }, after) <= 0,
    );
    if (earlier.length === 0) return false;
    const tellers = this.processes.filter(({ process }) =>
      earlier.some(({ holder }) => isSame(holder, process)),
    );
    const tokens = await this.reports.tokensOf(
      subject,
      tellers.map(({ id }) => id),
    );
    return earlier.some(({ fencingToken }) => tokens.includes(fencingToken));
  }
}

const isSame = (a: Holder, b: Holder): boolean =>
  a.pid === b.pid && a.host === b.host && a.service === b.service;

const idOf = ({ kind, name }: Subject): string => `${kind} ${name}`;
