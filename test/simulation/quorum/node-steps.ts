import {
  type AcquireStep,
  type AdoptStep,
  type ConfirmStep,
  type ForceStep,
  type InspectStep,
  MOST_AHEAD_MICROS,
  type NodeLease,
  type NodeReply,
  type NodeStep,
  type ReleaseStep,
  type RenewStep,
  type TransferStep,
} from '../../../lib/stores/quorum/node-port.interface.js';
import type { NodeData, StoredLease } from './node-data.js';
import { takeOutcomeStep } from './node-records.js';

/** Rules that a node's script leaves out, to see that the simulation finds it. */
export interface StepFaults {
  /** Writes the token whoever has the lease, or whatever token it has there. */
  readonly confirms?: 'unconditionally' | 'by owner alone';
}

/** What a step works on. */
export interface StepScene {
  readonly data: NodeData;
  readonly micros: number;
  readonly onFreed: (name: string) => void;
  readonly onGiven: (name: string, owner: string) => void;
  readonly faults?: StepFaults | undefined;
  /** When something that is to last so many ms of the node's clock is due, by the simulation's time. */
  readonly dueIn: (ms: number) => number;
}

export const VOTES: ReadonlySet<NodeStep['type']> = new Set([
  'acquire',
  'confirm',
  'renew',
  'adopt',
  'transfer',
  'recall',
  'forget',
  'list',
  'lists',
]);

const LONGEST_BLOCK = 64;
/** Counters that are further ahead of the clock, in µs, do not give blocks of tokens. */
const MOST_BLOCKS_AHEAD = 1_000_000;
const MARK_LENGTH = 8;

const FREE: NodeReply = { type: 'free' };
const BUSY: NodeReply = { type: 'busy' };
const DONE: NodeReply = { type: 'done' };

/** One step of the script of votes. What has expired is gone by now. */
export function takeStep(step: NodeStep, scene: StepScene): NodeReply {
  switch (step.type) {
    case 'acquire':
      return acquire(step, scene);
    case 'confirm':
      return confirm(step, scene);
    case 'renew':
      return renew(step, scene);
    case 'adopt':
      return adopt(step, scene);
    case 'transfer':
      return transfer(step, scene);
    case 'release':
      return release(step, scene);
    case 'inspect':
      return inspect(step, scene);
    case 'force':
      return force(step, scene);
    default:
      return takeOutcomeStep(step, scene);
  }
}

const nowOf = ({ micros }: StepScene): number => Math.floor(micros / 1_000);

const waitersOf = (name: string, { data }: StepScene): [string, number][] => [
  ...(data.waiters.get(name)?.until ?? []),
];

function tell(lease: StoredLease, scene: StepScene): NodeLease {
  const { owner, token, since, endsMs, holder } = lease;
  return {
    mark: owner.slice(0, MARK_LENGTH),
    fencingToken: token,
    sinceMs: Math.floor(since / 1_000),
    remainingMs: endsMs - nowOf(scene),
    holder,
  };
}

/** Who waits, of all its attempts. */
const baseOf = (owner: string): string => owner.split('.')[0]!;

/** Of this owner, or of an attempt of it. */
const isOf = (lease: StoredLease, owner: string): boolean =>
  lease.owner === owner || lease.owner.startsWith(`${owner}.`);

function ends(ttlMs: number, scene: StepScene): Pick<StoredLease, 'endsMs' | 'dueAt'> {
  return { endsMs: nowOf(scene) + ttlMs, dueAt: scene.dueIn(ttlMs) };
}

function acquire(step: AcquireStep, scene: StepScene): NodeReply {
  const { name, owner, ttlMs, proposal, waitMs } = step;
  const { data, micros } = scene;
  if (proposal > micros + MOST_AHEAD_MICROS) return { type: 'ahead' };
  const held = data.leases.get(name);
  if (held && isOf(held, owner)) {
    data.leases.set(name, { ...held, ...ends(ttlMs, scene) });
    return { type: 'granted', fencingToken: held.token, lastToken: held.token, isWaitedFor: false };
  }
  const waiting = new Map(waitersOf(name, scene).filter(([, until]) => until >= nowOf(scene)));
  const isWaiter = waiting.has(baseOf(owner));
  setWaiters(name, waiting, scene);
  if (!held && (waiting.size === 0 || isWaiter)) {
    return give(step, scene, waiting.size > Number(isWaiter));
  }
  if (waitMs > 0) {
    const until = nowOf(scene) + waitMs;
    waiting.set(baseOf(owner), until);
    setWaiters(name, waiting, scene, until + 1);
    if (held) data.leases.set(name, { ...held, isWaitedFor: true });
  }
  return held ? { type: 'busy', lease: tell(held, scene) } : BUSY;
}

function setWaiters(
  name: string,
  until: Map<string, number>,
  { data }: StepScene,
  endsMs = 0,
): void {
  const former = data.waiters.get(name)?.endsMs ?? 0;
  // An end that comes a millisecond later is not worth a write to the script.
  const end = former >= endsMs - 1 ? former : endsMs;
  if (until.size === 0) data.waiters.delete(name);
  else data.waiters.set(name, { until, endsMs: end });
}

function give(step: AcquireStep, scene: StepScene, isWaitedFor: boolean): NodeReply {
  const { name, owner, ttlMs, proposal, tokens, holder } = step;
  const { data, micros } = scene;
  const counter = data.counterOf(name);
  const token = Math.max(proposal, micros, counter + 1);
  const last = token + (counter >= micros + MOST_BLOCKS_AHEAD ? 1 : tokens) - 1;
  data.counters.set(name, last);
  const lease = { owner, token, since: micros, holder, isWaitedFor };
  data.leases.set(name, { ...lease, ...ends(ttlMs, scene) });
  scene.onGiven(name, owner);
  return { type: 'granted', fencingToken: token, lastToken: last, isWaitedFor };
}

function confirm(step: ConfirmStep, scene: StepScene): NodeReply {
  const { name, owner, fencingToken: token, lastToken, ttlMs } = step;
  const { data, faults } = scene;
  const held = data.leases.get(name);
  if (faults?.confirms === 'unconditionally') {
    const { since = scene.micros, holder = { service: '?', host: '?', pid: 0 } } = held ?? {};
    const lease = { owner, token, since, holder, isWaitedFor: false };
    data.leases.set(name, { ...lease, ...ends(ttlMs, scene) });
    data.counters.set(name, lastToken);
    return DONE;
  }
  if (!held) return FREE;
  if (held.owner !== owner) return BUSY;
  if (held.token > token && faults?.confirms !== 'by owner alone') {
    return { type: 'other-token', fencingToken: held.token };
  }
  if (faults?.confirms) data.counters.set(name, lastToken);
  else data.raise(name, lastToken);
  data.leases.set(name, { ...held, token, ...ends(ttlMs, scene) });
  return DONE;
}

/** What stands in the way of an owner that asks for its own lease; nothing if nobody has one. */
function obstacle(name: string, owner: string, { data }: StepScene): NodeReply | undefined {
  const held = data.leases.get(name);
  if (held?.owner === owner) return { type: 'other-token', fencingToken: held.token };
  if (data.forced.get(name)?.owners.includes(owner)) return { type: 'forced' };
  return held && BUSY;
}

function renew({ name, owner, fencingToken, ttlMs }: RenewStep, scene: StepScene): NodeReply {
  const { data } = scene;
  const held = data.leases.get(name);
  if (held?.owner !== owner || held.token !== fencingToken) {
    return obstacle(name, owner, scene) ?? FREE;
  }
  data.leases.set(name, { ...held, ...ends(ttlMs, scene) });
  return DONE;
}

function adopt(step: AdoptStep, scene: StepScene): NodeReply {
  const { name, owner, fencingToken: token, ttlMs, holder } = step;
  const { data, micros } = scene;
  const why = obstacle(name, owner, scene);
  if (why) return why;
  data.raise(name, token + LONGEST_BLOCK - 1);
  scene.onGiven(name, owner);
  const since = Math.min(token, micros);
  const lease = { owner, token, since, holder, isWaitedFor: data.waiters.has(name) };
  data.leases.set(name, { ...lease, ...ends(ttlMs, scene) });
  return DONE;
}

function transfer(step: TransferStep, scene: StepScene): NodeReply {
  const { name, owner, fencingToken, newOwner, ttlMs, holder } = step;
  const { data } = scene;
  const held = data.leases.get(name);
  if (held?.owner !== owner || held.token !== fencingToken) {
    return obstacle(name, owner, scene) ?? FREE;
  }
  data.leases.set(name, { ...held, owner: newOwner, holder, ...ends(ttlMs, scene) });
  leave(name, owner, data);
  return DONE;
}

/** The common case, for which the script looks neither at those that wait nor at the clock. */
export function isPlainRelease(step: NodeStep, data: NodeData): boolean {
  if (step.type !== 'release' || !step.leaves || step.minHoldMs > 0) return false;
  const held = data.leases.get(step.name);
  return held !== undefined && held.owner === step.owner && !held.isWaitedFor;
}

function release(step: ReleaseStep, scene: StepScene): NodeReply {
  const { name, owner, minHoldMs, leaves } = step;
  const { data, onFreed } = scene;
  const held = data.leases.get(name);
  if (isPlainRelease(step, data)) {
    data.leases.delete(name);
    return DONE;
  }
  const isOurs = held !== undefined && isOf(held, owner);
  if (isOurs && minHoldMs > 0) {
    const keepMs = Math.floor(held.since / 1_000) + minHoldMs - nowOf(scene);
    if (keepMs > 0) {
      data.leases.set(name, { ...held, ...ends(keepMs, scene) });
      return DONE;
    }
  }
  if (isOurs) data.leases.delete(name);
  if (leaves && data.waiters.has(name)) {
    leave(name, owner, data);
    if (isOurs && data.waiters.has(name)) {
      onFreed(name);
      return { type: 'done', isWaitedFor: true };
    }
  }
  if (isOurs) return DONE;
  return held ? BUSY : FREE;
}

function leave(name: string, owner: string, { waiters }: NodeData): void {
  const waiting = waiters.get(name);
  waiting?.until.delete(baseOf(owner));
  if (waiting?.until.size === 0) waiters.delete(name);
}

function inspect({ name }: InspectStep, scene: StepScene): NodeReply {
  const held = scene.data.leases.get(name);
  const until = new Map(waitersOf(name, scene));
  const waiting = [...until.values()].filter((end) => end >= nowOf(scene)).length;
  if (!held) return { type: 'found', lease: null, waiting };
  // Who has it keeps its place until the release.
  const others = waiting - Number(until.has(baseOf(held.owner)));
  return { type: 'found', lease: tell(held, scene), waiting: others };
}

function force({ name, mark = '' }: ForceStep, scene: StepScene): NodeReply {
  const { data, onFreed } = scene;
  const held = data.leases.get(name);
  if (!held) return FREE;
  const lease = tell(held, scene);
  if (mark !== '' && mark !== lease.mark) return BUSY;
  const { owners = '', endsMs = 0 } = data.forced.get(name) ?? {};
  const least = nowOf(scene) + 1;
  const last = Math.max(endsMs, held.endsMs, least);
  data.forced.set(name, { owners: `${owners} ${held.owner}`, endsMs: last });
  data.leases.delete(name);
  leave(name, held.owner, data);
  if (data.waiters.has(name)) onFreed(name);
  return { type: 'done', lease };
}
