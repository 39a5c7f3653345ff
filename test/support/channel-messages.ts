import { type LockChannel, lockChannels, type LockTracingChannel } from 'nestjs-locker';
import { afterTest } from './lock-service.js';

const PHASES = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

/** One message, as it was when it came. */
export interface Heard {
  readonly phase: string;
  readonly message: Record<string, unknown>;
  /** The object itself, which is one from start to end. */
  readonly object: object;
}

/** Listens to one channel until the test is over. */
export function listenTo(which: keyof typeof lockChannels): Heard[] {
  const heard: Heard[] = [];
  const channel: LockTracingChannel<object> | LockChannel<object> = lockChannels[which] as never;
  const listen = (part: LockChannel<object>, phase: string): void => {
    const onMessage = (object: object): void => {
      heard.push({ phase, message: { ...object }, object });
    };
    part.subscribe(onMessage);
    afterTest(() => part.unsubscribe(onMessage));
  };
  if ('asyncEnd' in channel) for (const phase of PHASES) listen(channel[phase], phase);
  else listen(channel, 'message');
  return heard;
}

/** What is told at the ends of operations. */
export const endingsOf = (heard: readonly Heard[]): Record<string, unknown>[] =>
  heard.filter(({ phase }) => phase === 'asyncEnd').map(({ message }) => message);
