import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { PATIENCE_MS } from './support/patience.js';
import { type AssertFence, FencedDatabase, FORMS, ISOLATIONS } from './support/postgres-fences.js';
import { type Guarding, ScheduleRun, schedules } from './support/postgres-schedule.js';
import type { PostgresSession } from './support/postgres-session.js';
import { FenceGuard } from '../../lib/fencing/sql/fence-guard.js';

const RUNS = Number(process.env['SCHEDULE_RUNS'] ?? 25);
const SEED = Number(process.env['SCHEDULE_SEED'] ?? 1);
/** Enough to find each of the faults below with several seeds. */
const RUNS_TO_FIND = 200;

// A failure is made small first, which takes longer than to find it.
jest.setTimeout(PATIENCE_MS + RUNS * 1_000);

let database: FencedDatabase;
let sessions: PostgresSession[];

beforeAll(async () => {
  database = await FencedDatabase.start();
  sessions = [await database.session(), await database.session(), await database.session()];
});
afterAll(() => database?.stop());
afterEach(() => Promise.all(sessions.map((session) => session.rollback())));

describe('Random schedules of three sessions', () => {
  it.each(FORMS)('write with growing tokens and lose nothing, by $name', async (form) => {
    const { assertFence } = form;
    const outcomes = new Map<string, number>();
    const property = fc.asyncProperty(schedules(ISOLATIONS), async (schedule) => {
      const run = new ScheduleRun(schedule, database, sessions, { assertFence, form });
      await run.run();
      for (const outcome of run.outcomes) {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
    // Otherwise they would show nothing.
    const seen = ['done', 'StaleFencingTokenError', '40001', '40P01'];
    expect([...outcomes.keys()].toSorted()).toEqual(seen.toSorted());
  });

  const guard = new FenceGuard({ dialect: 'postgres' });
  const { assertFence } = FORMS[0]!;

  const unconditional: AssertFence = async ({ client }, document, token) => {
    await client.query(
      'INSERT INTO fence_guard VALUES ($1, $2) ON CONFLICT (resource) DO UPDATE SET fence = EXCLUDED.fence',
      [document, token],
    );
  };

  const comparedBefore: AssertFence = async (session, document, token) => {
    const stored = await session.row('SELECT fence FROM fence_guard WHERE resource = $1', document);
    if (Number(stored?.fence ?? 0) > token) throw new Error('stale');
    await unconditional(session, document, token);
  };

  /** By a client that says it were in a transaction. */
  const onItsOwn: AssertFence = (_session, document, token) => {
    const query = (text: string, values: unknown[]) => database.monitor.query(text, values);
    const tx = { query, getTransactionStatus: () => 'T' };
    return guard.assertFence(tx, document, token);
  };

  const neverRaised: AssertFence = async (session, document, token) => {
    const { fence } = (await session.row(
      'INSERT INTO fence_guard VALUES ($1, $2) ON CONFLICT (resource) DO UPDATE SET updated_at = now() RETURNING fence',
      document,
      token,
    )) as { fence: string };
    if (Number(fence) > token) throw new Error('stale');
  };

  it.each<Guarding & { fault: string }>([
    { fault: 'is not there', assertFence: async () => {} },
    { fault: 'takes every token', assertFence: unconditional },
    { fault: 'compares before it raises', assertFence: comparedBefore },
    { fault: 'keeps the first token', assertFence: neverRaised },
    { fault: 'is in no transaction', assertFence: onItsOwn },
    { fault: 'comes after the read', assertFence, readsFirst: true },
  ])('find out that a fence $fault', async ({ assertFence, readsFirst }) => {
    const property = fc.asyncProperty(schedules(['READ COMMITTED']), (schedule) =>
      new ScheduleRun(schedule, database, sessions, { assertFence, readsFirst }).run(),
    );
    const options = { numRuns: RUNS_TO_FIND, seed: SEED, endOnFailure: true };
    const { failed, errorInstance } = await fc.check(property, options);
    expect(failed).toBe(true);
    expect(String(errorInstance)).toMatch(/was written with the tokens/);
  });
});
