import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { ClerkModule } from '../clerk/clerk.module.ts';
import { ClerkService } from '../clerk/clerk.service.ts';
import { mulberry32 } from '../shared/mulberry32.ts';
import { AuthorityClient } from './authority-client.ts';
import { Child } from './child.ts';
import type { Display } from './display.ts';
import { planFaults } from './fault-plan.ts';
import { Faults } from './faults.ts';
import { Fleet } from './fleet.ts';
import type { RunOptions } from './run.ts';

/** All that a run needs. */
export interface Stage {
  readonly authority: AuthorityClient;
  readonly fleet: Fleet;
  readonly faults: Faults;
  /** `undefined` without locks: there is nothing to look into. */
  readonly clerk: ClerkService | undefined;
  /** Asks all to end, and leaves nothing behind. */
  readonly clear: () => Promise<void>;
}

/** Starts an authority with an empty ledger and the replicas, and waits until all are up. */
export async function setStage(
  options: RunOptions,
  display: Display,
  end: AbortController,
): Promise<Stage> {
  const onError = (error: Error): void => end.abort(error);
  const onOutput = (from: string, line: string): void => display.output(from, line);
  const authorityProcess = new Child({
    name: 'authority',
    script: 'authority/authority.main.js',
    env: {},
    onOutput: (line) => onOutput('authority', line),
  });
  authorityProcess.crashed.catch(onError);
  const { url } = await authorityProcess.says('listening');
  const authority = new AuthorityClient(url);

  const invoicesFile = resolve('sample-app/data/invoices.csv');
  // Every run begins anew, whatever earlier ones have left in this Redis.
  const prefix = `sample-app-${randomUUID()}`;
  const fleet = new Fleet({
    script: options.locked
      ? 'worker/worker.main.js'
      : 'worker/without-locks/unlocked-worker.main.js',
    env: {
      TAX_AUTHORITY_URL: url,
      INVOICES_FILE: invoicesFile,
      INVOICES: String(options.invoices),
      LOCK_PREFIX: prefix,
    },
    signal: end.signal,
    onOutput,
    onCrash: onError,
  });
  await Promise.all(Array.from({ length: options.replicas }, () => fleet.start()));
  display.note(`the tax authority and ${fleet.awake.map(({ name }) => name).join(', ')} are up`);

  const config = { replica: 'clerk', authorityUrl: url, invoicesFile, invoices: options.invoices };
  const app = options.locked
    ? await NestFactory.createApplicationContext(ClerkModule.for(config, prefix), {
        logger: ['error'],
        abortOnError: false,
      })
    : undefined;
  const clerk = app?.get(ClerkService);

  const faults = new Faults({
    plan: planFaults(mulberry32(options.seed), options.replicas > 1),
    fleet,
    authority,
    signal: end.signal,
    note: (text) => display.note(text),
    onError,
  });

  const clear = async (): Promise<void> => {
    await fleet.end();
    await authorityProcess.end();
    await clerk?.forgetAll();
    await app?.close();
  };
  return { authority, fleet, faults, clerk, clear };
}
