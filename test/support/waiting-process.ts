import type { Want } from '../../lib/core/acquisition.js';
import { Acquisition, type AcquisitionTools } from '../../lib/core/acquisition.js';
import type { ResolvedAcquireOptions } from '../../lib/core/acquire-options.js';
import { BoundedStore } from '../../lib/core/bounded-store.js';
import { LeaseBook } from '../../lib/core/lease-book.js';
import { LeaseCleaner } from '../../lib/core/lease-cleaner.js';
import { Line } from '../../lib/core/line.js';
import type { LockEvent } from '../../lib/core/lock-events.js';
import { WaitTally } from '../../lib/core/wait-tally.js';
import { WaitList } from '../../lib/core/wait-list.js';
import { Wait, type WaitListener, type WaitRequest } from '../../lib/core/wait.js';
import type { Clock } from '../../lib/core/clock.js';
import type { LockStore } from '../../lib/stores/lock-store.interface.js';

export const HOLDER = { service: 'billing', host: 'h', pid: 1 };

/** What a process needs to wait for names and to hold them, without a client around it. */
export class WaitingProcess {
  readonly events: LockEvent[] = [];
  readonly lines = new Map<string, Line>();
  readonly waits: WaitList;
  readonly store: BoundedStore;
  readonly cleaner: LeaseCleaner;
  readonly leases: LeaseBook;
  readonly tools: AcquisitionTools;

  constructor(
    store: LockStore,
    private readonly clock: Clock,
  ) {
    const emit = (event: LockEvent): void => void this.events.push(event);
    this.store = new BoundedStore(store, clock, 2_000);
    this.cleaner = new LeaseCleaner(this.store, clock);
    this.waits = new WaitList(clock, (error) => emit({ type: 'polling', error }));
    this.store.listen(this.waits);
    this.leases = new LeaseBook({
      store: this.store,
      clock,
      cleaner: this.cleaner,
      emit,
      service: HOLDER.service,
      passOn: (lease) => this.lines.get(lease.name)?.pass(lease) ?? false,
      freed: (name) => this.lines.get(name)?.advance(),
      renewing: () => undefined,
      ended: () => undefined,
    });
    this.tools = {
      store: this.store,
      clock,
      cleaner: this.cleaner,
      holder: HOLDER,
      startWait: (request, listener) => this.startWait(request, listener),
      lineFor: (name) => this.lineFor(name),
      existingLine: (name) => this.lines.get(name),
      begin: (grant, terms, waitedMs) => this.leases.begin(grant, terms, waitedMs),
      ended: () => undefined,
      tally: new WaitTally(),
      emit,
      takeOver: (lease, waitedMs) => this.leases.takeOver(lease, waitedMs),
      permitsChanged: ({ name, permits }, formerPermits) =>
        emit({ type: 'permits-changed', name, permits, formerPermits }),
    };
  }

  startWait(request: WaitRequest, listener: WaitListener): Wait {
    const { store, clock, cleaner } = this;
    const permitsChanged = (asked: WaitRequest, former: number): void =>
      this.tools.permitsChanged(asked, former);
    const tools = { store, clock, cleaner, holder: HOLDER, permitsChanged };
    return new Wait(tools, this.waits, request, listener);
  }

  lineFor(name: string): Line {
    const existing = this.lines.get(name);
    if (existing) return existing;
    const tools = {
      clock: this.clock,
      startWait: (request: WaitRequest, listener: WaitListener) =>
        this.startWait(request, listener),
      leaseOf: (leased: string) => this.leases.leaseOf(leased),
      giveBack: ({ name: given, kind, owner }: { name: string; kind: 'lock'; owner: string }) =>
        this.cleaner.leave({ name: given, kind, owner }, 30_000),
    };
    const line = new Line(name, tools as ConstructorParameters<typeof Line>[1], () =>
      this.lines.delete(name),
    );
    this.lines.set(name, line);
    return line;
  }

  /** An acquisition of the exclusive lock "a", which waits 5 s, unless told otherwise. */
  acquisition(options: Partial<ResolvedAcquireOptions> = {}, want: Partial<Want> = {}) {
    const whole: ResolvedAcquireOptions = {
      ttlMs: 30_000,
      waitMs: 5_000,
      maxHoldMs: Infinity,
      minHoldMs: 0,
      isShared: false,
      isReentrant: true,
      isQuiet: false,
      minReplicas: 0,
      onWaiting: undefined,
      renew: true,
      signal: undefined,
      ...options,
    };
    const exclusive = { name: 'a', kind: 'lock', units: 0, permits: 0 } as const;
    return new Acquisition(this.tools, { ...exclusive, ...want }, whole);
  }
}

/** What a promise has come to by now. */
export function look<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const seen: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  );
  return seen;
}
