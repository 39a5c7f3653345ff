import type { LockListeners, LockTracingChannel } from '../core/tracing-channel.js';

/** Listens to some parts of a channel, until what this returns is called. */
export function listen<Message extends object>(
  channel: LockTracingChannel<Message>,
  listeners: LockListeners<Message>,
): () => void {
  channel.subscribe(listeners);
  return () => channel.unsubscribe(listeners);
}
