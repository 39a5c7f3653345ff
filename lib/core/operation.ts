import type { Clock } from './clock.js';
import type { LockTracingChannel } from './tracing-channel.js';

/** What is filled in at the end. */
interface Ending {
  durationMs?: number;
  result?: unknown;
  error?: unknown;
}

/**
 * An operation that is told on a tracing channel, as `tracePromise` of Node tells a call: `start` and `end`
 * when it begins; `error` if it fails, then `asyncStart` and `asyncEnd`.
 *
 * It is made only if somebody listens then: who comes later hears nothing of it.
 */
export class Operation<Message extends Ending> {
  private readonly startedAt: number;

  constructor(
    private readonly channel: LockTracingChannel<Message>,
    readonly message: Message,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.now();
  }

  /** It begins here, and ends elsewhere. */
  begin(): this {
    this.channel.start.publish(this.message);
    this.channel.end.publish(this.message);
    return this;
  }

  /** It is a call, which has the context that listeners bind to it. */
  trace<T>(take: () => Promise<T>, resultOf: (value: T) => Message['result']): Promise<T> {
    const { start, end } = this.channel;
    return start.runStores(this.message, () => {
      const taken = take().then(
        (value) => {
          this.succeed(resultOf(value));
          return value;
        },
        (error: unknown) => {
          this.fail(error);
          throw error;
        },
      );
      end.publish(this.message);
      return taken;
    });
  }

  succeed(result: Message['result']): void {
    this.message.result = result;
    this.over();
  }

  /** @param result of what has one all the same */
  fail(error: unknown, result?: Message['result']): void {
    if (result !== undefined) this.message.result = result;
    this.message.error = error;
    this.message.durationMs = this.clock.now() - this.startedAt;
    this.channel.error.publish(this.message);
    this.over();
  }

  private over(): void {
    this.message.durationMs = this.clock.now() - this.startedAt;
    this.channel.asyncStart.publish(this.message);
    this.channel.asyncEnd.publish(this.message);
  }
}
