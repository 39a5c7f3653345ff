import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEntry, Kind } from '../history/entry.js';
import { now } from '../history/entry.js';
import type { HistoryFile } from '../history/history-file.js';
import { Busy, type Held, type Locks } from './libraries/library.js';
import { BUSY, type ClientMessage, LONG, SEMAPHORE, SPREAD } from './plan.js';
import type { Storage } from './storage.js';

const LOOK_MS = 20;

export interface CallerContext {
  readonly locks: Locks;
  readonly storage: Storage;
  readonly history: Pick<HistoryFile<CallEntry>, 'add'>;
  readonly random: () => number;
  readonly permits: number;
  readonly longestHoldMs: number;
  readonly nextCall: () => number;
  readonly isOver: () => boolean;
  readonly tell: (message: ClientMessage) => void;
}

export const WANTS = ['busy', 'permits', 'long'] as const;
export type Wants = (typeof WANTS)[number];

/** Takes one lock after the other, works on what it protects, and writes down all of it. */
export class Caller {
  /** @param wants what it wants most: so nobody keeps the busy name free by waiting for the long one */
  constructor(
    private readonly context: CallerContext,
    private readonly wants: Wants,
  ) {}

  async run(): Promise<void> {
    while (!this.context.isOver()) {
      const isDone = await this.call(...this.choose());
      // Who was refused does not insist at once.
      await sleep(isDone ? this.between(0, 30) : this.between(50, 150));
    }
  }

  private choose(): [name: string, kind: Kind, holdMs: number] {
    const { random, locks } = this.context;
    const choice = random();
    if (this.wants === 'long' && choice < 0.7)
      return [LONG, 'lock', this.between(300, this.context.longestHoldMs)];
    if (this.wants !== 'busy' && choice > 0.5 && locks.acquirePermit) {
      return [SEMAPHORE, 'permit', this.between(50, 600)];
    }
    if (choice < 0.15) {
      return [SPREAD[Math.floor(random() * SPREAD.length)]!, 'lock', this.between(5, 25)];
    }
    return [BUSY, 'lock', this.between(5, 25)];
  }

  /** @returns whether it was granted */
  private async call(name: string, kind: Kind, holdMs: number): Promise<boolean> {
    const { locks, history, permits, tell } = this.context;
    const call = this.context.nextCall();
    history.add({ type: 'invoke', call, name, kind });
    let held: Held;
    try {
      held = await (kind === 'lock' ? locks.acquire(name) : locks.acquirePermit!(name, permits));
    } catch (error) {
      if (error instanceof Busy) history.add({ type: 'busy', call });
      else history.add({ type: 'unknown', call, error: String(error).slice(0, 800) });
      return false;
    }
    const { token } = held;
    history.add({ type: 'ok', call, ...(token !== undefined && { token }) });
    tell({ type: 'holds', name });
    await this.hold(call, name, kind, held, holdMs);
    tell({ type: 'gave back', name });
    return true;
  }

  private async hold(call: number, name: string, kind: Kind, held: Held, holdMs: number) {
    const { history } = this.context;
    const look = () => {
      // Before the look: what it says is true of then, however long the process stands still after it.
      const at = now();
      const isSure = held.isHeld();
      history.add({ type: isSure ? 'sure' : 'unsure', call }, at);
      return isSure;
    };
    const isTold = () => history.add({ type: 'told', call });
    if (held.signal.aborted) isTold();
    else held.signal.addEventListener('abort', isTold, { once: true });
    look();
    const looking = setInterval(look, LOOK_MS);
    try {
      const work = { call, name, held, look, holdMs };
      if (kind === 'lock') await this.work(work);
      else await this.pass(held, holdMs);
    } finally {
      clearInterval(looking);
      look();
      held.signal.removeEventListener('abort', isTold);
    }
    history.add({ type: 'release', call });
    const result = await held.release().catch((error: unknown) => `failed: ${String(error)}`);
    history.add({ type: 'released', call, result: result.slice(0, 800) });
  }

  /** As a careful handler does it: it stops when it is told, and looks right before it writes. */
  private async work({ call, name, held, look, holdMs }: Work): Promise<void> {
    const { storage, history } = this.context;
    const { token } = held;
    const guarded = token === undefined ? undefined : await storage.readGuarded(name, token);
    const unguarded = await storage.readUnguarded(name).catch(() => undefined);
    if (guarded === 'stale')
      history.add({ type: 'write', call, counter: 'guarded', result: 'stale' });
    await this.pass(held, holdMs);
    if (!look()) return;
    this.context.tell({ type: 'writes', name });
    // What stands between the look and the write in any handler; a process can stand still there, too.
    await sleep(this.between(0, 15));
    if (unguarded !== undefined) {
      const result = await storage.writeUnguarded(name, unguarded + 1);
      history.add({ type: 'write', call, counter: 'unguarded', result });
    }
    if (typeof guarded !== 'number') return;
    const result = await storage.writeGuarded(name, guarded + 1, token!);
    history.add({ type: 'write', call, counter: 'guarded', result });
  }

  private async pass(held: Held, ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: held.signal }).catch(() => undefined);
  }

  private between(least: number, most: number): number {
    return least + this.context.random() * (most - least);
  }
}

interface Work {
  readonly call: number;
  readonly name: string;
  readonly held: Held;
  readonly look: () => boolean;
  readonly holdMs: number;
}
