import type { INestApplication } from '@nestjs/common';
import { Locked } from 'nestjs-locker';
import type {
  AcquireMessage,
  AcquireReply,
  CheckReport,
  Clock,
  Holder,
  HeldPage,
  Job,
  JobLockManager,
  JobSemaphore,
  LeaseClaim,
  LeaseRecord,
  Lock,
  LockEvent,
  LockService,
  LockStore,
  OnceMessage,
  OutcomeRecord,
  RenewedLease,
  Report,
  ReportedName,
  Semaphore,
  ServerFacts,
  StoreSurvey,
  WaitCounts,
} from 'nestjs-locker';
import type {
  FenceColumn,
  FenceGuard,
  FencingRedis,
  ObjectStore,
  SqlTransaction,
} from 'nestjs-locker/fencing';
import type { LockHealthIndicator } from 'nestjs-locker/terminus';
import type { ManualClock, TestLockStore } from 'nestjs-locker/testing';

export { type Account, AdminGuard, type Entry, TaxAuthority } from './base.js';
export { TestLockStore as MyLockStore } from 'nestjs-locker/testing';

export class Invoice {
  id!: number;
  number!: string;
  customer!: { id: number };
}

export class InvoiceService {
  constructor(_repository?: unknown) {}

  @Locked('invoice:<id>')
  async issue(_invoice: Pick<Invoice, 'id'>): Promise<void> {}
}

export interface Receipt {
  readonly number: string;
}

export interface Authenticated {
  readonly user: { readonly email: string };
}

/** As that of @nestjs/config. */
export class ConfigService {
  get(_name: string): string | undefined {
    return undefined;
  }
}

type Anything = any;
type Call = (...args: Anything[]) => Anything;
type Transactions = { transaction(work: (tx: Anything) => unknown): Promise<unknown> };

/** Examples are compiled, and not run. */
const some = <T>(): T => undefined as T;

/** What examples of the reference speak of: of the package with its types, and what is the reader's own. */
export default async function examples() {
  return {
    // Of the package.
    locks: some<LockService>(),
    manager: some<JobLockManager>(),
    semaphore: some<JobSemaphore>(),
    authority: some<Semaphore & { submit: Call }>(),
    lock: some<Lock>(),
    event: some<LockEvent>(),
    INVOICES: some<Job<Invoice>>(),
    guard: some<FenceGuard>(),
    fences: some<FenceColumn>(),
    tx: some<SqlTransaction>(),
    store: some<
      LockStore & ObjectStore & Pick<TestLockStore, 'busy' | 'free' | 'forceLose' | 'fail'>
    >(),
    clock: some<ManualClock>(),
    systemClock: some<Clock>(),
    claim: some<LeaseClaim>(),
    holder: some<Holder>(),
    lease: some<LeaseRecord>(),
    record: some<OutcomeRecord & Call>(),
    names: some<ReportedName[]>(),
    survey: some<StoreSurvey>(),
    facts: some<ServerFacts>(),
    report: some<CheckReport & Report & Call>(),
    page: some<HeldPage & Call>(),
    message: some<AcquireMessage>(),
    renewal: some<RenewedLease>(),
    reply: some<AcquireReply & Call>(),
    ending: some<OnceMessage['result']>(),
    fence: some<FenceGuard>(),
    indicator: some<LockHealthIndicator>(),
    redis: some<FencingRedis>(),
    // The reader's own.
    at: some<Date>(),
    text: some<string>(),
    line: some<string>(),
    seconds: some<number>(),
    now: some<{ acquired: number }>(),
    before: some<{ acquired: number }>(),
    tokenOfTheRequest: some<number>(),
    waiting: some<Set<string>>(),
    count: some<Call>(),
    use: some<Call>(),
    details: some<Anything>(),
    result: some<Anything>(),
    meterProvider: some<Anything>(),
    invoice: some<Invoice>(),
    invoices: some<Invoice[]>(),
    pending: some<Invoice[]>(),
    body: some<string>(),
    csv: some<string>(),
    entry: some<{ account: string }>(),
    error: some<unknown>(),
    id: some<string>(),
    name: some<string>(),
    owner: some<string>(),
    fencingToken: some<number>(),
    signal: some<AbortSignal>(),
    ttlMs: some<number>(),
    url: some<string>(),
    app: some<INestApplication>(),
    alertSomebody: some<Call>(),
    ask: some<Call>(),
    askAgain: some<Call>(),
    audit: some<Call>(),
    book: some<Call>(),
    cancel: some<Call>(),
    giveUp: some<Call>(),
    hasArrived: some<Call>(),
    issue: some<Call>(),
    print: some<Call>(),
    refresh: some<Call>(),
    renewAll: some<Call>(),
    start: some<Call>(),
    submit: some<Call>(),
    config: some<Anything>(),
    dataSource: some<Transactions>(),
    holds: some<Anything>(),
    httpService: some<Anything>(),
    ledger: some<Anything>(),
    logger: some<Anything>(),
    metrics: some<Anything>(),
    pool: some<Anything>(),
    queue: some<Anything>(),
    registry: some<Anything>(),
    repository: some<Anything>(),
    request: some<Anything>(),
    response: some<Anything>(),
    sequelize: some<Anything>(),
    transaction: some<Anything>(),
    waits: some<WaitCounts & { get: Call; record: Call }>(),
    job: some<Anything>(),
    db: some<Transactions>(),
    health: some<Anything>(),
    provide: some<Call>(),
  };
}
