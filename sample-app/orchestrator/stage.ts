import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { ClerkModule } from '../clerk/clerk.module.ts';
import { ClerkService } from '../clerk/clerk.service.ts';
import { mulberry32 } from '../shared/mulberry32.ts';
import type { Authority } from './authority.ts';
import type { Display } from './display.ts';
import { planFaults } from './fault-plan.ts';
import { Faults } from './faults.ts';
import { Fleet } from './fleet.ts';
import { forgetKeys } from './forget-keys.ts';
import type { Page } from './page.ts';
import type { RunOptions } from './run.ts';

/** All that a run needs, beside the authority. */
export interface Stage {
  readonly fleet: Fleet;
  readonly faults: Faults;
  /** `undefined` without locks: there is nothing to look into. */
  readonly clerk: ClerkService | undefined;
  /** Starts the replicas, and waits until all are up. */
  readonly open: () => Promise<void>;
  /** Asks all to end, and leaves nothing behind but what `forget` removes. */
  readonly clear: () => Promise<void>;
  /** Takes the page away, and all that is in Redis. */
  readonly forget: () => Promise<void>;
}

/** Has the authority begin a new journal, and makes all else ready; nothing is in Redis yet. */
export async function setStage(
  options: RunOptions,
  { client: authority, crashed }: Authority,
  display: Display,
  end: AbortController,
  page?: Page,
): Promise<Stage> {
  const onError = (error: Error): void => end.abort(error);
  const onOutput = (from: string, line: string): void => display.output(from, line);
  const isLocked = options.mode !== 'without locks';
  crashed.catch(onError);
  await authority.beginJournal({ fencing: options.mode === 'with fencing' });

  const invoicesFile = resolve('sample-app/data/invoices.csv');
  // Every run begins anew, whatever earlier ones have left in this Redis.
  const prefix = `sample-app-${randomUUID()}`;
  const fleet = new Fleet({
    script: isLocked ? 'worker/worker.main.js' : 'worker/without-locks/unlocked-worker.main.js',
    env: {
      TAX_AUTHORITY_URL: authority.url,
      INVOICES_FILE: invoicesFile,
      INVOICES: String(options.invoices),
      LOCK_PREFIX: prefix,
    },
    signal: end.signal,
    onOutput,
    onCrash: onError,
  });

  const config = {
    replica: 'clerk',
    authorityUrl: authority.url,
    invoicesFile,
    invoices: options.invoices,
  };
  const app = isLocked
    ? await NestFactory.createApplicationContext(ClerkModule.for(config, prefix), {
        logger: ['error'],
        abortOnError: false,
      })
    : undefined;
  const clerk = app?.get(ClerkService);

  const faults = new Faults({
    plan: planFaults(mulberry32(options.seed), options.replicas > 1),
    fleet,
    replicas: options.replicas,
    authority,
    signal: end.signal,
    note: (text) => display.note(text),
    onError,
  });

  const open = async (): Promise<void> => {
    if (isLocked) await page?.show(options.mode, prefix);
    await Promise.all(Array.from({ length: options.replicas }, () => fleet.start()));
    display.note(`${fleet.awake.map(({ name }) => name).join(', ')} are up`);
  };
  const clear = async (): Promise<void> => {
    await fleet.end();
    await app?.close();
  };
  const forget = async (): Promise<void> => {
    await page?.end();
    if (isLocked) await forgetKeys(process.env['REDIS_URL']!, prefix);
  };
  return { fleet, faults, clerk, open, clear, forget };
}
