import type { NameState, ScriptRun, WaiterState } from './simulated-redis.js';

export interface OrderCheck {
  readonly violation: string | undefined;
  /** How many were rightly passed over. */
  readonly passedOver: number;
}

/**
 * First come, first served, by what the server had before and after a script. Passed over may be
 * only whose registration is older than its claim, and who cannot be told.
 */
export function checkOrder(
  before: NameState,
  after: NameState,
  { nowMs, args, listening }: ScriptRun,
): OrderCheck {
  const isStale = ({ validUntilMs }: WaiterState): boolean => validUntilMs < nowMs;
  const isDeaf = ({ channel }: WaiterState): boolean => channel !== '-' && !listening.has(channel);
  const stillWaits = new Set(after.waiters.map(({ owner }) => owner));
  const heldBefore = new Set(before.holders.map(({ token }) => token));
  let violation: string | undefined;
  let passedOver = 0;

  for (const { owner, token } of after.holders) {
    if (heldBefore.has(token)) continue;
    const place = before.waiters.findIndex((waiter) => waiter.owner === owner);
    const asks = args.includes(owner);
    const entry = before.waiters[place];
    if (entry && !asks && isStale(entry)) {
      violation = `it was handed to a registration older than its claim`;
    }
    if (entry && !asks && isDeaf(entry)) violation = `it was handed to who cannot be told`;
    if (stillWaits.has(owner)) violation = `who was given it stands in the queue yet`;
    const ahead = before.waiters.slice(0, place < 0 ? undefined : place);
    for (const waiter of ahead.filter((each) => stillWaits.has(each.owner))) {
      if (isStale(waiter) || isDeaf(waiter)) passedOver++;
      else violation = `place ${place + 1} was served before one that stood ahead`;
    }
  }

  const stood = before.waiters.map(({ owner }) => owner).filter((owner) => stillWaits.has(owner));
  const stands = after.waiters.map(({ owner }) => owner).filter((owner) => stood.includes(owner));
  if (stood.join() !== stands.join()) violation = 'places in the queue were changed';
  return { violation, passedOver };
}
