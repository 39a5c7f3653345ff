import type { HandOver, HandOverListener } from '../lock-store.interface.js';
import type { HandOverFacts } from '../survey.interface.js';

/** Hears of hand-overs, on connections of its own that are made when somebody waits for the first time. */
export interface HandOverChannel {
  listen(listener: HandOverListener): void;
  /** To be called whenever somebody waits for a name of this group. */
  open(group: string): void;
  /** Where the process can be told of a group's hand-overs at the moment; '' if it cannot. */
  addressOf(group: string): string;
  /** Whether hand-overs are told at the moment. */
  readonly facts: HandOverFacts;
  close(): void;
}

/** What the scripts publish: owner, number of the registration, first and last token, how many wait yet. */
export function parseHandOver(message: string): HandOver {
  const [owner, number, first, last, others] = message.split(' ');
  return {
    owner: owner!,
    registrationNumber: Number(number),
    fencingToken: Number(first),
    lastToken: Number(last),
    isWaitedFor: others !== '0',
  };
}
