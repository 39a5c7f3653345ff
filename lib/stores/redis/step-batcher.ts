import type { Cluster, Redis } from 'ioredis';
import * as lua from './lua.js';
import type { NameKeys } from './redis-keys.js';
import { RedisScript } from './redis-script.js';

const script = new RedisScript(lua.steps);
/** So that the server is at work on one batch while the client is on another; and holds up nobody for long. */
const BATCH_SIZE = 64;
/** Taken before a test can put fake timers in their place. */
const atEndOfCallback = process.nextTick.bind(process);
const atEndOfTurn = setImmediate;

/** What becomes of one step. */
interface Step {
  readonly parse: (reply: unknown) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The steps that go together, until they are sent. */
class Batch {
  readonly keys: string[] = [];
  /** Begins with what all steps have in common. */
  readonly args: string[] = ['', '', ''];
  readonly steps: Step[] = [];
  /** The asking process's description, as JSON; '' while no step needs it. */
  holder = '';

  constructor(readonly group: string) {}
}

/**
 * Sends the steps that are started in one turn of the event loop in one script call: the client's
 * work for each command is what a lock costs, so that fewer commands are the only way to more locks.
 * Only while the server has nothing to do are those of one callback sent when it ends.
 */
export class StepBatcher {
  private readonly batches = new Map<string, Batch>();
  private isScheduled = false;
  /** How many batches the server has not answered. */
  private unanswered = 0;
  private readonly publish: string;

  constructor(
    private readonly client: Redis | Cluster,
    /** Where the process hears of hand-overs; '' if it does not. */
    private readonly addressOf: (group: string) => string,
  ) {
    this.publish = client.isCluster ? 'SPUBLISH' : 'PUBLISH';
  }

  /**
   * Resolves with what `parse` makes of the step's reply; rejects with its error, or with that of the whole call.
   *
   * @param keys of one name, or as many as the step takes
   * @param group the slot's tag on a Cluster, whose scripts keep to one slot; otherwise ''
   */
  run<T>(
    group: string,
    keys: NameKeys | readonly string[],
    args: readonly string[],
    parse: (reply: unknown) => T,
    holder = '',
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const batch = this.batchFor(group, holder);
      if ('lease' in keys) {
        batch.keys.push(keys.lease, keys.queue, keys.waiters, keys.tokenCounter);
      } else {
        batch.keys.push(...keys);
      }
      for (const arg of args) batch.args.push(arg);
      batch.steps.push({ parse, resolve: resolve as (value: unknown) => void, reject });
      if (batch.steps.length >= BATCH_SIZE) this.send(batch);
    });
  }

  private batchFor(group: string, holder: string): Batch {
    let batch = this.batches.get(group);
    if (batch && holder !== '' && batch.holder !== '' && batch.holder !== holder) {
      this.send(batch);
      batch = undefined;
    }
    if (!batch) {
      batch = new Batch(group);
      this.batches.set(group, batch);
      this.schedule();
    }
    if (holder !== '') batch.holder = holder;
    return batch;
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    // While the server has nothing to do, to wait for more would only be later.
    const defer = this.unanswered === 0 ? atEndOfCallback : atEndOfTurn;
    defer(() => {
      this.isScheduled = false;
      for (const batch of this.batches.values()) this.send(batch);
    });
  }

  private send({ group, keys, args, holder, steps }: Batch): void {
    this.batches.delete(group);
    args[0] = this.publish;
    args[1] = this.addressOf(group);
    args[2] = holder;
    this.unanswered++;
    script.run(this.client, keys, args).then(
      (replies) => {
        this.unanswered--;
        for (let i = 0; i < steps.length; i++) settle(steps[i]!, (replies as unknown[])[i]);
      },
      (error: unknown) => {
        this.unanswered--;
        for (const { reject } of steps) reject(error);
      },
    );
  }
}

function settle({ parse, resolve, reject }: Step, reply: unknown): void {
  if (isFailure(reply)) return reject(refusedWith(String(reply[1])));
  try {
    resolve(parse(reply));
  } catch (error) {
    reject(error);
  }
}

/** By its name a refusal of the server is told from a connection that is gone, and comes back. */
const refusedWith = (message: string): Error =>
  Object.assign(new Error(message), { name: 'ReplyError' });

function isFailure(reply: unknown): reply is [number, unknown] {
  return Array.isArray(reply) && Number(reply[0]) === -2;
}
