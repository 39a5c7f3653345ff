import { setTimeout as sleep } from 'node:timers/promises';
import { resolve } from 'node:path';
import type { Submission, SubmissionStatistics } from '../shared/submission.interface.ts';
import { Child } from './child.ts';
import type { Display } from './display.ts';
import { classifyDuplicates, type Duplicates } from './duplicates.ts';
import { Faults, type Pause } from './faults.ts';

const LOCK_TTL_MS = 2_000;
/** So long that another replica has taken over what the stopped one held before it wakes. */
const STOP_MS = 5_000;
const LOOK_EVERY_MS = 25;
const TIME_LIMIT_MS = 120_000;

export interface RunOptions {
  readonly locked: boolean;
  readonly replicas: number;
  readonly invoices: number;
}

export interface RunResult {
  readonly locked: boolean;
  readonly invoices: number;
  readonly submissions: number;
  readonly duplicates: Duplicates;
  /** How many submissions were on their way at one moment, at the most. */
  readonly mostAtOnce: number;
  readonly locksLost: number;
  /** From the moment all replicas were ready to the last invoice issued, in milliseconds. */
  readonly tookMs: number;
  readonly replicas: readonly { readonly name: string; readonly submissions: number }[];
  readonly pause: Pause | undefined;
  readonly killed: string | undefined;
}

/** One run: an authority with an empty ledger, the replicas, what goes wrong, and the count. */
export async function run(options: RunOptions, display: Display): Promise<RunResult> {
  let locksLost = 0;
  const authority = new Child({
    name: 'authority',
    script: 'authority/authority.main.js',
    env: {},
    onOutput: (line) => display.output('authority', line),
  });
  const { url } = await authority.says('listening');

  const replicas = Array.from({ length: options.replicas }, (_, index) => {
    const name = `replica-${index + 1}`;
    return new Child({
      name,
      script: options.locked
        ? 'worker/worker.main.js'
        : 'worker/without-locks/unlocked-worker.main.js',
      env: {
        REPLICA: name,
        TAX_AUTHORITY_URL: url,
        INVOICES_FILE: resolve('sample-app/data/invoices.csv'),
        INVOICES: String(options.invoices),
        LOCK_TTL_MS: String(LOCK_TTL_MS),
      },
      onMessage: (message) => {
        if (message.type === 'lock-lost') locksLost += 1;
      },
      onOutput: (line) => display.output(name, line),
    });
  });
  await Promise.all(replicas.map((replica) => replica.says('ready')));
  display.note(`the tax authority and ${replicas.map(({ name }) => name).join(', ')} are up`);

  const faults = new Faults({ replicas, stopMs: STOP_MS, note: (text) => display.note(text) });
  const startedAt = performance.now();
  const crash = Promise.race([authority, ...replicas].map((child) => child.crashed));
  await Promise.race([issueAll(url, options.invoices, faults, display), crash]);
  const tookMs = performance.now() - startedAt;

  // The late submission of a replica that stood still counts too: the ledger is read at the end.
  await faults.over();
  await Promise.all(replicas.map((replica) => replica.end()));
  const ledger = await get<Submission[]>(`${url}/submissions`);
  const { mostAtOnce } = await get<SubmissionStatistics>(`${url}/statistics`);
  await authority.end();

  return {
    locked: options.locked,
    invoices: new Set(ledger.map((submission) => submission.invoice)).size,
    submissions: ledger.length,
    duplicates: classifyDuplicates(ledger, faults.pause),
    mostAtOnce,
    locksLost,
    tookMs,
    replicas: replicas.map(({ name }) => ({
      name,
      submissions: ledger.filter(({ submittedBy }) => submittedBy === name).length,
    })),
    pause: faults.pause,
    killed: faults.killed,
  };
}

/** Looks on until the authority has every invoice. */
async function issueAll(
  url: string,
  total: number,
  faults: Faults,
  display: Display,
): Promise<void> {
  const deadline = performance.now() + TIME_LIMIT_MS;
  while (performance.now() < deadline) {
    const { submissions, invoices } = await get<SubmissionStatistics>(`${url}/statistics`);
    faults.advance(invoices / total);
    const done = invoices === total;
    display.progress({ submissions, invoices, total }, done);
    if (done) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`Not all invoices were issued within ${TIME_LIMIT_MS / 1_000} s.`);
}

async function get<T>(url: string): Promise<T> {
  const response = await fetch(url);
  return (await response.json()) as T;
}
