import type { Call } from './call.js';
import { checkOrder } from './order.js';
import { type Kind, PERMITS } from './schedule.js';
import type { NameState, ScriptRun } from './simulated-redis.js';
import { STORE_TIMEOUT_MS } from './simulated-process.js';

/** A block of tokens is not longer. */
const BLOCK_SIZE = 64;
const TURN_MS = 25;
/** Answers and timers take their time. */
const SLACK_MS = 10;
/** By then a lease that was given in a world without troubles has begun, or has been given back. */
const BEGINS_WITHIN_MS = 300;

const titlesOf = (calls: readonly Call[]): string => calls.map(({ title }) => title).join(', ');

export interface InvariantOptions {
  readonly kind: Kind;
  readonly names: readonly string[];
  /** Nothing but impatient callers: nobody may be passed over for any reason. */
  readonly isCalm: boolean;
  serverNowMs(): number;
  states(): readonly NameState[];
}

/** What must be true of every schedule, looked at after everything that happens. */
export class Invariants {
  violation: string | undefined;
  readonly calls: Call[] = [];
  /** Per name: the highest token that was given or passed on. */
  private readonly highest = new Map<string, number>();
  /** Per name: the token of the last that began. */
  private readonly lastBegun = new Map<string, number>();
  /** Leases up to these tokens were forgotten by the server. */
  private readonly forgotten = new Map<string, number>();
  private readonly grants = new Map<
    number,
    { atMs: number; isWaitedFor: boolean; begunAt?: number }
  >();

  constructor(private readonly options: InvariantOptions) {}

  fail(what: string): void {
    this.violation ??= what;
  }

  /** After a script. */
  served(run: ScriptRun): void {
    const { names, isCalm } = this.options;
    names.forEach((name, i) => {
      const before = run.before[i]!;
      const after = run.after[i]!;
      const order = checkOrder(before, after, run);
      if (order.violation) this.fail(`${name}: ${order.violation}`);
      if (isCalm && order.passedOver > 0) this.fail(`${name}: somebody was passed over`);
      const former = new Set(before.holders.map((holder) => holder.token));
      for (const { token } of after.holders) {
        if (former.has(token)) continue;
        if (token <= (this.highest.get(name) ?? 0) && !this.isOlderInThisRun(token, before, name)) {
          this.fail(`${name}: token ${token} was given after ${this.highest.get(name)}`);
        }
        this.grants.set(token, { atMs: run.nowMs, isWaitedFor: after.waiters.length > 0 });
      }
      for (const { token } of after.holders) this.raise(name, token);
    });
  }

  /** Several may be given in one run: their tokens differ, and all are higher than those before. */
  private isOlderInThisRun(token: number, before: NameState, name: string): boolean {
    const tokens = before.holders.map((holder) => holder.token);
    return token > Math.max(0, ...tokens, this.lastBegun.get(name) ?? 0) && !this.grants.has(token);
  }

  /** A lease has begun, or was passed on to the next caller. */
  begun(name: string, token: number): void {
    const grant = this.grants.get(token);
    if (grant) grant.begunAt = this.options.serverNowMs();
    this.raise(name, token);
  }

  /** A caller has what it asked for. */
  started(call: Call): void {
    if (this.options.kind !== 'exclusive' && this.options.kind !== 'several names') return;
    if (!call.believesToHold) return; // lost between its start and this check
    for (const name of call.names) {
      const token = call.tokenOf(name);
      if (token <= (this.lastBegun.get(name) ?? 0) && !this.isForgotten(name, token)) {
        this.fail(`${call.title}: token ${token} began after ${this.lastBegun.get(name)}`);
      }
      this.lastBegun.set(name, Math.max(token, this.lastBegun.get(name) ?? 0));
    }
    if (this.options.kind === 'exclusive') this.checkTurn(call);
  }

  private checkTurn(call: Call): void {
    const token = call.tokenOf(call.names[0]!);
    const { process, take, id } = call;
    const earlier = this.calls.find(
      (other) =>
        other.process === process &&
        other.id < id &&
        other.outcome === undefined &&
        Math.min(other.take.waitMs, take.waitMs) > 0 &&
        !other.cancelling.signal.aborted,
    );
    if (earlier) this.fail(`${call.title} began before ${earlier.title}`);
    if (this.grants.has(token)) return;
    const first = Math.max(...[...this.grants.keys()].filter((each) => each < token));
    const { begunAt = 0, isWaitedFor } = this.grants.get(first)!;
    const now = this.options.serverNowMs();
    if (now - begunAt > TURN_MS + 2) this.fail(`${call.title} was passed a lease after its turn`);
    if (isWaitedFor && call.calledAt > begunAt - this.startMs + SLACK_MS) {
      this.fail(`${call.title} was passed a lease that others waited for`);
    }
  }

  /** The server's time when the schedule began. */
  startMs = 0;

  /** After everything that happens. */
  check(): void {
    const { names, kind } = this.options;
    names.forEach((name, i) => {
      const candidates = this.calls.filter(
        (call) => call.lock && call.names.includes(name) && call.believesToHold,
      );
      const holders = candidates.filter((call) => !this.isForgotten(name, call.tokenOf(name)));
      if (kind === 'semaphore') {
        const used = holders.reduce((sum, { take }) => sum + take.count, 0);
        if (used > PERMITS) this.fail(`${used} of ${PERMITS} permits: ${titlesOf(holders)}`);
      } else if (holders.length > 1 && holders.some(({ units }) => units === 0)) {
        this.fail(`held at the same time: ${titlesOf(holders)}`);
      }
      for (const call of holders) this.checkBacking(call, name, this.options.states()[i]!);
    });
    // Of several names, events tell only when all are taken.
    if (this.options.isCalm && kind !== 'several names') this.checkBeginnings();
  }

  /** Whoever is sure to hold a name does so in the server, too. */
  private checkBacking(call: Call, name: string, { holders }: NameState): void {
    const token = call.tokenOf(name);
    const now = this.options.serverNowMs();
    const hasIt = holders.some(
      (lease) => lease.endsMs >= now && lease.token <= token && token < lease.token + BLOCK_SIZE,
    );
    if (!hasIt)
      this.fail(`${call.title} is sure of ${name}, which the server has not given it any more`);
  }

  private checkBeginnings(): void {
    const now = this.options.serverNowMs();
    this.options.states().forEach(({ holders }, i) => {
      for (const { token, endsMs } of holders) {
        const grant = this.grants.get(token);
        if (!grant || grant.begunAt !== undefined || endsMs < now) continue;
        if (now - grant.atMs > BEGINS_WITHIN_MS) {
          this.fail(`${this.options.names[i]}: token ${token} was given to nobody`);
        }
      }
    });
  }

  /** All calls were to have settled in time, by the time of their processes that ran. */
  checkDeadlines(now: number): void {
    for (const call of this.calls) {
      const { process, take, settledAt, calledAt } = call;
      if (process.isCrashed) continue;
      if (settledAt === Infinity) this.fail(`${call.title} has not settled by ${now}`);
      const deadline = Math.max(calledAt + take.waitMs * 1.01, process.resumedAt);
      // Each of several names may cost an answer.
      const answersMs = STORE_TIMEOUT_MS * 1.01 + SLACK_MS;
      if (settledAt > deadline + answersMs) {
        this.fail(`${call.title} has settled ${settledAt - deadline} ms after its deadline`);
      }
    }
  }

  /** FLUSHALL: nobody can rely on what was given before, but for the order of tokens. */
  flushed(): void {
    for (const [name, token] of this.highest) this.forgotten.set(name, token + BLOCK_SIZE);
  }

  private isForgotten(name: string, token: number): boolean {
    return token <= (this.forgotten.get(name) ?? 0);
  }

  private raise(name: string, token: number): void {
    this.highest.set(name, Math.max(token, this.highest.get(name) ?? 0));
  }
}
