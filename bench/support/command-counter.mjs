// Counts the commands that clients send, at the door that every one of them goes through. Redis' own
// counters would not do: they count what scripts call inside as well.
import { now } from './monotonic-clock.mjs';

let from = Infinity;
let to = Infinity;
let count = 0;

/** Counts only what is sent within the window, by the time it is sent. */
export const countWithin = (window) => {
  ({ from, to } = window);
};

export const commandsCounted = () => count;

/** Counts the `sendCommand` of an object's class, be it ioredis' or node-redis'. */
export function countCommandsOf(client) {
  let owner = client;
  while (!Object.hasOwn(owner, 'sendCommand')) owner = Object.getPrototypeOf(owner);
  const { sendCommand } = owner;
  owner.sendCommand = function (...args) {
    const at = now();
    if (at >= from && at < to) count++;
    return sendCommand.apply(this, args);
  };
}
