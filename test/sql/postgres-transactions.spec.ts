import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import './support/patience.js';
import { FencedDatabase, FORMS, ISOLATIONS, read, write } from './support/postgres-fences.js';
import { type Isolation, outcomeOf, type PostgresSession } from './support/postgres-session.js';

let database: FencedDatabase;
let older: PostgresSession;
let newer: PostgresSession;

const [OLD, NEW] = [33, 34];
const STALE = 'StaleFencingTokenError';

beforeAll(async () => {
  database = await FencedDatabase.start();
  [older, newer] = [await database.session(), await database.session()];
});
afterAll(() => database?.stop());
afterEach(() => Promise.all([older.rollback(), newer.rollback()]));

describe.each(FORMS)('a transaction with $name', (form) => {
  const { assertFence } = form;
  beforeEach(() => database.reset(['a', 'b'], form));

  /** The newest holder has come and gone. */
  async function supersede(document: string): Promise<void> {
    await newer.begin();
    await assertFence(newer, document, NEW);
    await write(newer, document, [], NEW);
    await newer.commit();
  }

  describe('that is refused', () => {
    it('has written nothing when it is rolled back, also to what it may write to', async () => {
      await supersede('a');
      await older.begin();
      await assertFence(older, 'b', OLD);
      await write(older, 'b', [], OLD);
      expect(await outcomeOf(assertFence(older, 'a', OLD))).toBe(STALE);
      await older.rollback();
      expect(await database.tokensOf('a')).toEqual([NEW]);
      expect(await database.tokensOf('b')).toEqual([]);
    });

    it('is no failed one: what went before can be committed', async () => {
      await supersede('a');
      await older.begin();
      await assertFence(older, 'b', OLD);
      await older.client.query('SAVEPOINT before_a');
      expect(await outcomeOf(assertFence(older, 'a', OLD))).toBe(STALE);
      await write(older, 'b', [], OLD);
      await older.client.query('ROLLBACK TO SAVEPOINT before_a');
      await write(older, 'b', [], OLD);
      await older.commit();
      expect(await database.tokensOf('b')).toEqual([OLD]);
      expect(await database.fenceOf(form, 'a')).toBe(NEW);
    });
  });

  it('is not guarded any more after ROLLBACK TO a savepoint from before the fence', async () => {
    await older.begin();
    await older.client.query('SAVEPOINT before_fence');
    await assertFence(older, 'a', OLD);
    await older.client.query('ROLLBACK TO SAVEPOINT before_fence');
    const before = await read(older, 'a');
    await supersede('a'); // does not wait for the older holder
    await write(older, 'a', before, OLD);
    await older.commit();
    expect(await database.tokensOf('a')).toEqual([OLD]); // the newer holder's write is lost
  });

  it('stays guarded by a fence from before the savepoint', async () => {
    await older.begin();
    await assertFence(older, 'a', OLD);
    await older.client.query('SAVEPOINT after_fence');
    await write(older, 'a', [], OLD);
    await older.client.query('ROLLBACK TO SAVEPOINT after_fence');
    await newer.begin();
    const arrival = outcomeOf(assertFence(newer, 'a', NEW));
    await newer.waits();
    await older.commit();
    expect(await arrival).toBe('done');
  });

  describe('reads what an older holder is still about to change', () => {
    /** The older holder is in its transaction; the newer one comes, reads, and adds to what it read. */
    async function meet(isolation: Isolation, when: 'read first' | 'fence first') {
      await older.begin(isolation);
      await assertFence(older, 'a', OLD);
      await newer.begin(isolation);
      let before = when === 'read first' ? await read(newer, 'a') : undefined;
      const arrival = outcomeOf(assertFence(newer, 'a', NEW));
      await newer.waits();
      await write(older, 'a', await read(older, 'a'), OLD);
      await older.commit();
      const outcome = await arrival;
      if (outcome !== 'done') return outcome;
      before ??= await read(newer, 'a');
      await write(newer, 'a', before, NEW);
      await newer.commit();
      return database.tokensOf('a');
    }

    it('if it reads before the fence, at READ COMMITTED: a write is lost', async () => {
      expect(await meet('READ COMMITTED', 'read first')).toEqual([NEW]);
    });

    it('never if the fence is its first statement', async () => {
      expect(await meet('READ COMMITTED', 'fence first')).toEqual([OLD, NEW]);
    });

    it.each(ISOLATIONS.slice(1))('never at %s: the server refuses', async (isolation) => {
      expect(await meet(isolation, 'read first')).toBe('40001');
      await newer.rollback();
      expect(await database.tokensOf('a')).toEqual([OLD]);
    });
  });

  describe("gets the server's own error", () => {
    it('of a deadlock, when two take several fences in different orders', async () => {
      await older.begin();
      await newer.begin();
      await assertFence(older, 'a', OLD);
      await assertFence(newer, 'b', NEW);
      const arrivals = [
        outcomeOf(assertFence(older, 'b', OLD)),
        outcomeOf(assertFence(newer, 'a', NEW)),
      ];
      // The server ends one of them, it decides which, and lets the other go on.
      expect((await Promise.all(arrivals)).toSorted()).toEqual(['40P01', 'done']);
    });

    it('of a limit on the wait', async () => {
      await older.begin();
      await assertFence(older, 'a', OLD);
      await newer.begin();
      await newer.client.query(`SET LOCAL lock_timeout = '5ms'`);
      expect(await outcomeOf(assertFence(newer, 'a', NEW))).toBe('55P03');
      await newer.rollback();
      await older.commit();
      expect(await database.fenceOf(form, 'a')).toBe(OLD);
    });
  });

  it('that stands still makes a newer one wait, until the server ends its session', async () => {
    const still = await database.session();
    const ends = once(still.client, 'error');
    still.client.on('error', () => {}); // that the connection is gone, too
    await still.begin();
    await assertFence(still, 'a', OLD);
    await write(still, 'a', [], OLD);
    await newer.begin();
    const arrival = outcomeOf(assertFence(newer, 'a', NEW));
    await newer.waits();
    // From here on it does nothing. As a rule it is set before: for the role, the database or the server.
    await still.client.query(`SET idle_in_transaction_session_timeout = '100ms'`);
    expect(await arrival).toBe('done');
    await write(newer, 'a', await read(newer, 'a'), NEW);
    await newer.commit();
    expect(await database.tokensOf('a')).toEqual([NEW]);
    expect((await ends)[0]).toMatchObject({ code: '25P03' });
  });
});

describe.each(FORMS)('a writer that was paused until its lock had passed on', (form) => {
  /** Two holders, each alone with the lock as far as it knows, add to a document; one sleeps in between. */
  async function tell(assertFence: typeof form.assertFence): Promise<string> {
    await database.reset(['a'], form);
    const before = await read(older, 'a');
    // It stops here, for longer than its lease: a long garbage collection, a machine that is moved.
    await newer.begin();
    await assertFence(newer, 'a', NEW);
    await write(newer, 'a', await read(newer, 'a'), NEW);
    await newer.commit();
    // It wakes up, and does not know.
    await older.begin();
    const end = await outcomeOf(
      assertFence(older, 'a', OLD)
        .then(() => write(older, 'a', before, OLD))
        .then(() => older.commit()),
    );
    await older.rollback();
    return end;
  }

  it(`overwrites the newer holder's work without a fence`, async () => {
    expect(await tell(async () => {})).toBe('done');
    expect(await database.tokensOf('a')).toEqual([OLD]);
  });

  it(`is refused by ${form.name}`, async () => {
    expect(await tell(form.assertFence)).toBe(STALE);
    expect(await database.tokensOf('a')).toEqual([NEW]);
  });
});
