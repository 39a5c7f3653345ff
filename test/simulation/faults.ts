import * as lua from '../../lib/stores/redis/lua.js';
import { Wait } from '../../lib/core/wait.js';
import type { HandOver, LockStore } from '../../lib/stores/lock-store.interface.js';
import type { ScheduleOptions } from './schedule.js';
import type { ScriptSources } from './simulated-redis.js';

/** A rule of the protocol that is left out, and the schedules that have to show it. */
export interface SeededFault extends ScheduleOptions {
  readonly what: string;
  readonly sources?: ScriptSources;
  readonly wrapStore?: (store: LockStore) => LockStore;
  /** Puts the fault into the library's own objects, and returns what takes it out again. */
  readonly plant?: () => () => void;
}

/** @throws if the text is not there any more: then the fault is none */
function replaced(
  source: string,
  ...changes: readonly (readonly [from: string, to: string])[]
): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the script has no such text any more: ${from}`);
    return text.replace(from, () => to);
  }, source);
}

const steps = (...changes: readonly (readonly [string, string])[]): ScriptSources => ({
  ...lua,
  steps: replaced(lua.steps, ...changes),
});

const renew = (...changes: readonly (readonly [string, string])[]): ScriptSources => ({
  ...lua,
  renew: replaced(lua.renew, ...changes),
});

/** As if the second registration and all after it had the same number. */
function withNumbersReused(store: LockStore): LockStore {
  const latest = new Map<string, number>();
  const wrapped = Object.create(store) as LockStore;
  wrapped.acquire = (request) => {
    const { owner, registration } = request;
    if (registration) latest.set(owner, registration.number);
    return store.acquire(request);
  };
  wrapped.listen = (listener) =>
    store.listen?.({
      onFreed: (name) => listener.onFreed(name),
      onReconnect: () => listener.onReconnect(),
      onSilence: (reason) => listener.onSilence(reason),
      onHandOver: (handOver: HandOver) =>
        listener.onHandOver({
          ...handOver,
          registrationNumber: latest.get(handOver.owner) ?? handOver.registrationNumber,
        }),
    });
  return wrapped;
}

interface WaitInside {
  receive: (this: WaitInside, grant: unknown, number: number, lengthMs: number) => void;
  accept(grant: unknown, sentAt: number, lengthMs: number, beganAt: number): void;
  readonly tools: { readonly clock: { now(): number } };
}

function plantCountingFromArrival(): () => void {
  const inside = Wait.prototype as unknown as WaitInside;
  const { receive } = inside;
  if (!receive) throw new Error('Wait has no "receive" any more');
  inside.receive = function (grant, _number, lengthMs) {
    const now = this.tools.clock.now();
    this.accept(grant, now, lengthMs, now);
  };
  return () => void (inside.receive = receive);
}

export const SEEDED_FAULTS: readonly SeededFault[] = [
  {
    what: 'a grant counts from when its message arrives',
    kind: 'exclusive',
    plant: plantCountingFromArrival,
  },
  {
    what: 'the numbers of registrations are used again',
    kind: 'exclusive',
    oftenStops: true,
    wrapStore: withNumbersReused,
  },
  {
    what: 'a newcomer takes a free name past the queue',
    kind: 'exclusive',
    sources: steps(
      [` and call('EXISTS', queue) == 0 then`, ' then'],
      [`if call('EXISTS', KEYS[k], KEYS[k + 1]) == 0 then`, `if call('EXISTS', KEYS[k]) == 0 then`],
    ),
  },
  {
    what: 'a release does not compare the owner',
    kind: 'exclusive',
    sources: steps(
      [
        `local held = lease.holders[owner]\n    local outcome = 0`,
        `local held = lease.holders[owner] or lease.first\n    local outcome = 0`,
      ],
      [`if held and (token == '' or token == held.token) then`, 'if held then'],
    ),
  },
  {
    what: 'a renewal creates the lease that has ended',
    kind: 'exclusive',
    sources: renew([
      `  local units, held,`,
      `  record = record or '0 ' .. token .. ' ' .. now .. ' ' .. now .. ' {}'\n  local units, held,`,
    ]),
  },
  {
    what: 'a registration older than its claim is served',
    kind: 'exclusive',
    sources: steps([`elseif tonumber(validUntil) < now then`, 'elseif false then']),
  },
  {
    what: 'who gives up stays in the queue',
    kind: 'exclusive',
    isCalm: true,
    sources: steps([`if not held then leaveQueue(queue, waiters, owner) end`, '']),
  },
  {
    what: 'who cannot be told is served',
    kind: 'exclusive',
    sources: steps([
      `        if type(heard) == 'number' and heard > 0 then\n          leaveQueue`,
      '        if true then\n          leaveQueue',
    ]),
  },
  {
    what: 'a token is the one before and 1, without the time',
    kind: 'semaphore',
    flushes: true,
    sources: steps([
      `local first, last = micros, micros + block - 1\n    local counter = tonumber(string.match(set(last)`,
      `local first, last = 0, 0\n    local counter = tonumber(string.match(call('GET', counterKey)`,
    ]),
  },
  {
    what: 'a hand-over leaves the entry in the queue',
    kind: 'exclusive',
    isCalm: true,
    sources: steps([
      `          leaveQueue(queue, waiters, owner)\n          local length`,
      `          local length`,
    ]),
  },
  {
    what: 'those who share overtake a waiting writer',
    kind: 'shared',
    isCalm: true,
    sources: steps([
      `elseif not admits(lease, units, permits) then\n        break`,
      `elseif not admits(lease, units, permits) then\n        offset = offset + 1`,
    ]),
  },
  {
    what: 'one permit more is given',
    kind: 'semaphore',
    isCalm: true,
    sources: steps([`lease.used + units <= capacity`, 'lease.used + units <= capacity + 1']),
  },
];
