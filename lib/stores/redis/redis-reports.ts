import type { Cluster, Redis } from 'ioredis';
import {
  compareNames,
  type ProcessRecord,
  type Report,
  type ReportedName,
  type ReportStore,
  type ToldEvent,
} from '../report.interface.js';
import type { Subject } from '../lock-store.interface.js';
import { commonReportKeys, type ReportKeys, reportKeysOf } from './redis-keys.js';
import { parseEvent, parseRecord } from './report-codec.js';
import { withoutCommand } from './redis-script.js';

/** What goes out before the server is waited for: the connection is that of the locks. */
const NAMES_AT_ONCE = 1_000;

const MOST_PROCESSES = 10_000;
const MOST_EVENTS = 1_000;
const MOST_JOBS = 1_000;

const DAY_MS = 24 * 3_600_000;
const EVENTS_KEPT_MS = 7 * DAY_MS;
/** Longer than outcomes are kept as a rule. */
const JOBS_KEPT_MS = 100 * DAY_MS;

type Command = [name: string, key: string, ...args: (string | number)[]];

/**
 * What processes tell of themselves, in keys that end by themselves: for each process its record and a sorted
 * set of the names that it holds, by token; for all a register, a stream of events, and the jobs.
 */
export class RedisReports implements ReportStore {
  private readonly common: ReturnType<typeof commonReportKeys>;
  /** The last report of each process that was written as a whole. */
  private readonly written = new Map<string, number>();

  constructor(
    private readonly client: Redis | Cluster,
    private readonly prefix: string,
  ) {
    this.common = commonReportKeys(prefix);
  }

  async write(report: Report): Promise<void> {
    this.refuseUnready();
    const { id } = report.record;
    const keys = reportKeysOf(this.prefix, id);
    const isNext = this.written.get(id) === report.number - 1;
    this.written.delete(id);
    const changes = isNext ? changesOf(keys, report) : [];
    const last = changes.pop() ?? [];
    for (const each of changes) await this.run(each);
    const replies = await this.run([
      ...last,
      ['set', keys.record, JSON.stringify(report.record), 'PX', report.expiresInMs, 'GET'],
      ['pexpire', keys.names, report.expiresInMs],
      ['zcard', keys.names],
    ]);
    const [former, , count] = replies.slice(last.length);
    const isWhole = isNext && Number(count) === report.names.size;
    if (!isWhole) await this.rewrite(keys, report);
    // The server has forgotten the record, so maybe the register, too. After it: who reads that counts on it.
    const isKnown = isWhole && former !== null && !report.isSignOfLife;
    await this.run(this.commonOf(report, !isKnown));
    this.written.set(id, report.number);
  }

  async remove(id: string): Promise<void> {
    this.refuseUnready();
    const keys = reportKeysOf(this.prefix, id);
    this.written.delete(id);
    await this.run([
      ['unlink', keys.record, keys.names],
      ['zrem', this.common.processes, id],
    ]);
  }

  async tell(events: readonly ToldEvent[]): Promise<void> {
    await this.run(this.eventsOf(events));
  }

  async processes(): Promise<readonly ProcessRecord[]> {
    const ids = await this.ask(this.client.zrange(this.common.processes, '0', '-1'));
    const texts = await this.ask(
      Promise.all(
        ids.map((id) =>
          this.client.get(reportKeysOf(this.prefix, id).record).catch((error: Error) => {
            if (error.message.startsWith('WRONGTYPE')) return ''; // somebody else's
            throw error;
          }),
        ),
      ),
    );
    const dead = ids.filter((_, i) => texts[i] === null);
    if (dead.length > 0) await this.ask(this.client.zrem(this.common.processes, ...dead));
    return texts.flatMap((text) => parseRecord(text) ?? []);
  }

  async names(
    id: string,
    after: ReportedName | undefined,
    count: number,
  ): Promise<readonly ReportedName[]> {
    const { names } = reportKeysOf(this.prefix, id);
    const from = after ? String(after.fencingToken) : '-inf';
    const limit = count + 1; // `after` itself comes first, as a rule
    const found: ReportedName[] = [];
    for (let offset = 0; ; offset += limit) {
      const reply = await this.ask(
        this.client.zrangebyscore(names, from, '+inf', 'WITHSCORES', 'LIMIT', offset, limit),
      );
      const page = toNames(reply);
      for (const name of page) if (!after || compareNames(name, after) > 0) found.push(name);
      if (page.length < limit || found.length >= count) return found.slice(0, count);
    }
  }

  async tokensOf(subject: Subject, ids: readonly string[]): Promise<(number | undefined)[]> {
    const member = memberOf(subject);
    const scores = await this.ask(
      Promise.all(ids.map((id) => this.client.zscore(reportKeysOf(this.prefix, id).names, member))),
    );
    return scores.map((score) => (score === null ? undefined : Number(score)));
  }

  async events(limit: number): Promise<readonly ToldEvent[]> {
    const entries = await this.ask(
      this.client.xrevrange(this.common.events, '+', '-', 'COUNT', limit),
    );
    return entries.flatMap(([, fields]) => parseEvent(fields.at(-1)) ?? []);
  }

  async jobs(limit: number): Promise<readonly string[]> {
    return this.ask(this.client.zrange(this.common.jobs, '0', String(limit - 1), 'REV'));
  }

  private async rewrite(keys: ReportKeys, { names, expiresInMs }: Report): Promise<void> {
    const all = names.all();
    await this.run([['unlink', keys.names]]);
    for (const each of slices(all)) await this.run([addition(keys, each)]);
    if (all.length > 0) await this.run([['pexpire', keys.names, expiresInMs]]);
  }

  private commonOf({ record, events, jobs }: Report, registers: boolean): Command[] {
    const { processes, jobs: jobsKey } = this.common;
    const commands = this.eventsOf(events);
    const now = Date.now();
    if (registers) {
      commands.push(
        ['zadd', processes, now, record.id],
        ['zremrangebyrank', processes, 0, -MOST_PROCESSES - 1],
        ['pexpire', processes, DAY_MS],
      );
    }
    if (jobs.length > 0) {
      commands.push(
        ['zadd', jobsKey, ...jobs.flatMap((job) => [now, job])],
        ['zremrangebyrank', jobsKey, 0, -MOST_JOBS - 1],
        ['pexpire', jobsKey, JOBS_KEPT_MS],
      );
    }
    return commands;
  }

  private eventsOf(events: readonly ToldEvent[]): Command[] {
    if (events.length === 0) return [];
    const { events: key } = this.common;
    const commands = events.map((event): Command => [
      'xadd',
      key,
      'MAXLEN',
      '~',
      MOST_EVENTS,
      '*',
      'e',
      JSON.stringify(event),
    ]);
    return [...commands, ['pexpire', key, EVENTS_KEPT_MS]];
  }

  /** One after the other; on a Cluster those of one slot go together. */
  private async run(commands: readonly Command[]): Promise<unknown[]> {
    const replies: unknown[] = [];
    for (const group of this.groups(commands)) {
      const results = await this.client.pipeline(group).exec();
      for (const [error, reply] of results ?? []) {
        if (error) throw withoutCommand(error);
        replies.push(reply);
      }
    }
    return replies;
  }

  private groups(commands: readonly Command[]): Command[][] {
    if (!this.client.isCluster) return commands.length > 0 ? [[...commands]] : [];
    const groups = new Map<string, Command[]>();
    for (const command of commands) {
      const slot = /\{(.+?)\}/.exec(command[1])?.[1] ?? command[1];
      const group = groups.get(slot);
      if (group) group.push(command);
      else groups.set(slot, [command]);
    }
    return [...groups.values()];
  }

  private ask<T>(reply: Promise<T>): Promise<T> {
    return reply.catch((error: unknown) => {
      throw withoutCommand(error);
    });
  }

  /** While there is no connection, reports would pile up in the client; the next one has all that counts. */
  private refuseUnready(): void {
    if (this.client.status !== 'ready') throw new Error('no connection stands');
  }
}

const memberOf = ({ kind, name }: Subject): string => kind[0] + name;

function addition({ names }: ReportKeys, added: readonly ReportedName[]): Command {
  return ['zadd', names, ...added.flatMap((each) => [each.fencingToken, memberOf(each)])];
}

/** What has changed since the report before, in pieces. */
function changesOf(keys: ReportKeys, { added, removed }: Report): Command[][] {
  const pieces: Command[] = [
    ...slices(removed).map((each): Command => ['zrem', keys.names, ...each.map(memberOf)]),
    ...slices(added).map((each) => addition(keys, each)),
  ];
  return added.length + removed.length > NAMES_AT_ONCE ? pieces.map((piece) => [piece]) : [pieces];
}

function slices<T>(items: readonly T[]): (readonly T[])[] {
  const found: (readonly T[])[] = [];
  for (let start = 0; start < items.length; start += NAMES_AT_ONCE) {
    found.push(items.slice(start, start + NAMES_AT_ONCE));
  }
  return found;
}

/** Members with their scores: in RESP2 in one list, in RESP3 in pairs. */
function toNames(reply: readonly unknown[]): ReportedName[] {
  const flat = reply.flat() as unknown[];
  const names: ReportedName[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const member = String(flat[i]);
    const kind = member.startsWith('s') ? 'semaphore' : 'lock';
    names.push({ name: member.slice(1), kind, fencingToken: Number(flat[i + 1]) });
  }
  return names;
}
