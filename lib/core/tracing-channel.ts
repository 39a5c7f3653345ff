import type { AsyncLocalStorage } from 'node:async_hooks';

/**
 * A `Channel` of `node:diagnostics_channel`, with the type of its messages.
 *
 * @example
 * const channel: LockChannel<NodeErrorMessage> = lockChannels.nodeError;
 */
export interface LockChannel<Message extends object> {
  readonly name: string | symbol;
  readonly hasSubscribers: boolean;
  subscribe(onMessage: (message: Message) => void): void;
  unsubscribe(onMessage: (message: Message) => void): boolean;
  publish(message: Message): void;
  /** What `store` has while an operation is called; of each message by default the message itself. */
  bindStore<Store>(store: AsyncLocalStorage<Store>, transform?: (message: Message) => Store): void;
  unbindStore<Store>(store: AsyncLocalStorage<Store>): void;
  runStores<T>(message: Message, call: () => T): T;
}

/**
 * Listeners to some parts of a tracing channel.
 *
 * @example
 * const listeners: LockListeners<HoldMessage> = { error: ({ name }) => page(name) };
 */
export type LockListeners<Message extends object> = Partial<
  Record<TracingPart, (message: Message) => void>
>;

/** The parts of a tracing channel, in their order but for `error`. */
type TracingPart = 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error';

/**
 * A `TracingChannel` of `node:diagnostics_channel`, with the type of its messages: Node's own types have
 * changed from version to version.
 *
 * @example
 * const channel: LockTracingChannel<AcquireMessage> = lockChannels.acquire;
 */
export interface LockTracingChannel<Message extends object> extends Readonly<
  Record<TracingPart, LockChannel<Message>>
> {
  readonly hasSubscribers: boolean;
  subscribe(listeners: LockListeners<Message>): void;
  unsubscribe(listeners: LockListeners<Message>): boolean;
}
