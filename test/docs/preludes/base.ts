import { type CanActivate, Controller, Injectable, Logger, type Type } from '@nestjs/common';
import { Redis } from 'ioredis';
import {
  type Job,
  JobLockManager,
  JobSemaphore,
  type LockEvent,
  LockModule,
  LockService,
  type LockModuleOptions,
  Locked,
} from 'nestjs-locker';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterTest, lockApp, RecordingLogger } from '../../support/lock-service.js';

export interface Invoice {
  readonly id: number;
  readonly number: string;
  readonly tenant: string;
}

export interface Account {
  readonly id: string;
}

export interface Entry {
  readonly account: string;
  readonly amount: number;
}

/** What does the work of the examples; it keeps what it was told. */
@Injectable()
export class TaxAuthority {
  readonly submitted: Invoice[] = [];

  async submit(invoice: Invoice, _options?: { signal?: AbortSignal; fencingToken?: number }) {
    this.submitted.push(invoice);
    return { receipt: `R-${invoice.id}` };
  }

  async hasReceived(invoice: Invoice): Promise<boolean> {
    return this.submitted.some(({ id }) => id === invoice.id);
  }
}

@Injectable()
export class InvoiceService {
  @Locked('invoice:<invoice.id>')
  async issue(invoice: Invoice): Promise<number> {
    return invoice.id;
  }
}

@Injectable()
export class AdminGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Controller('health')
export class HealthController {}

/** Which Redis the examples of a test run on; empty before each. */
export const server = { url: '' };

const INVOICE: Invoice = { id: 42, number: '2026-42', tenant: 'acme' };
const OTHERS: readonly Invoice[] = [
  { id: 1, number: '2026-1', tenant: 'acme' },
  { id: 2, number: '2026-2', tenant: 'acme' },
];

/** What every example finds around it. */
export default async function base() {
  const options: LockModuleOptions = { redis: server.url };
  const app = await lockApp(options);
  const redis = new Redis(server.url);
  afterTest(() => redis.quit());
  const authority = new TaxAuthority();
  const events: LockEvent[] = [];
  const locks = app.get(LockService);
  locks.events$.subscribe((event) => events.push(event));
  const job = { data: { invoice: 0, lock: '' } };

  return {
    app,
    locks,
    manager: app.get(JobLockManager),
    semaphore: app.get(JobSemaphore),
    redis,
    events,
    authority,
    logger: new Logger('Example'),
    invoice: INVOICE,
    invoices: OTHERS,
    pending: OTHERS,
    request: new Request('http://localhost/'),
    job,
    queue: { add: async (_name: string, data: typeof job.data) => Object.assign(job, { data }) },
    book: async (_under?: unknown): Promise<void> => {},
    issue: async (_signal?: AbortSignal): Promise<void> => {},
    submitAll: (all: readonly Invoice[]) => Promise.all(all.map((each) => authority.submit(each))),
    report: (_invoice: Invoice, _result: unknown): void => {},
    page: (_name: string): void => {},
    /** An instance of a class of the page, as Nest makes it. */
    provide: async <T>(type: Type<T>, ...others: Type<unknown>[]): Promise<T> => {
      const module = await Test.createTestingModule({
        imports: [LockModule.forRoot({ drainTimeout: 0, ...options })],
        providers: [TaxAuthority, ...others, type],
      })
        .setLogger(new RecordingLogger())
        .compile();
      await module.init();
      afterTest(() => module.close());
      const made = module.get<T & { locks?: LockService }>(type, { strict: false });
      // A class that stands for members of one: these are bound to the service of its own module.
      if (made.locks) made.locks = module.get(LockService);
      return made;
    },
    /** What an application of the page answers, as long as it runs. */
    boot: async (type: Type<unknown>, ask: (app: TestingModule) => unknown): Promise<unknown> => {
      const module = await Test.createTestingModule({ imports: [type] })
        .setLogger(new RecordingLogger())
        .compile();
      await module.init();
      afterTest(() => module.close());
      return ask(module);
    },
    /** What became of an element. */
    stateOf: async <E>(of: Job<E>, element: E) =>
      (await locks.outcomes.of(of.nameOf(element)))?.state,
  };
}
