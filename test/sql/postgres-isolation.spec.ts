import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import './support/patience.js';
import { FencedDatabase, FORMS, ISOLATIONS, read, write } from './support/postgres-fences.js';
import { outcomeOf, type PostgresSession } from './support/postgres-session.js';

let database: FencedDatabase;
/** Two holders of one lock, after each other, whose transactions meet. */
let older: PostgresSession;
let newer: PostgresSession;

const [OLD, NEW] = [33, 34];
const STALE = 'StaleFencingTokenError';
const SERIALIZATION_FAILURE = '40001';

beforeAll(async () => {
  database = await FencedDatabase.start();
  [older, newer] = [await database.session(), await database.session()];
});
afterAll(() => database?.stop());
afterEach(() => Promise.all([older.rollback(), newer.rollback()]));

describe.each(FORMS)('$name', (form) => {
  const { assertFence } = form;
  const fence = () => database.fenceOf(form, 'a');
  beforeEach(() => database.reset(['a', 'b'], form));

  describe.each(ISOLATIONS)('at %s', (isolation) => {
    // The snapshot of these is from before the wait, and the server lets nobody write to what is newer.
    const afterTheWait = (outcome: string) =>
      isolation === 'READ COMMITTED' ? outcome : SERIALIZATION_FAILURE;

    /** A whole transaction, as it is repeated after a serialisation failure. */
    const transaction = (session: PostgresSession, token: number) =>
      outcomeOf(
        (async () => {
          await session.begin(isolation);
          await assertFence(session, 'a', token);
          await session.commit();
        })(),
      );

    it('a newer holder waits until the older one has committed, and passes', async () => {
      await older.begin(isolation);
      await assertFence(older, 'a', OLD);
      await newer.begin(isolation);
      const arrival = outcomeOf(assertFence(newer, 'a', NEW));
      await newer.waits();
      await older.commit();
      expect(await arrival).toBe(afterTheWait('done'));
      await newer.client.query('COMMIT'); // a ROLLBACK after a failure
      // Of a holder that was told to repeat it, the second time.
      expect(await transaction(newer, NEW)).toBe('done');
      expect(await fence()).toBe(NEW);
    });

    it('an older one waits until the newer one has committed, and is stale', async () => {
      await newer.begin(isolation);
      await assertFence(newer, 'a', NEW);
      await older.begin(isolation);
      const arrival = outcomeOf(assertFence(older, 'a', OLD));
      await older.waits();
      await newer.commit();
      expect(await arrival).toBe(afterTheWait(STALE));
      await older.rollback();
      expect(await transaction(older, OLD)).toBe(STALE);
      expect(await fence()).toBe(NEW);
    });

    it('an older one passes when the newer one rolls back', async () => {
      await newer.begin(isolation);
      await assertFence(newer, 'a', NEW);
      await older.begin(isolation);
      const arrival = outcomeOf(assertFence(older, 'a', OLD));
      await older.waits();
      await newer.rollback();
      expect(await arrival).toBe('done');
      await older.commit();
      expect(await fence()).toBe(OLD);
    });

    it('a newer one passes when the older one rolls back', async () => {
      await older.begin(isolation);
      await assertFence(older, 'a', OLD);
      await newer.begin(isolation);
      const arrival = outcomeOf(assertFence(newer, 'a', NEW));
      await newer.waits();
      await older.rollback();
      expect(await arrival).toBe('done');
      await newer.commit();
      expect(await fence()).toBe(NEW);
    });

    it('an older one is stale at once when the newer one has committed before', async () => {
      expect(await transaction(newer, NEW)).toBe('done');
      await older.begin(isolation);
      await expect(assertFence(older, 'a', OLD)).rejects.toMatchObject({
        name: STALE,
        fencingToken: OLD,
        newestToken: NEW,
      });
    });

    it('one holder writes several times, in one transaction and in several', async () => {
      await older.begin(isolation);
      await assertFence(older, 'a', OLD);
      await assertFence(older, 'a', OLD);
      await older.commit();
      expect(await transaction(newer, OLD)).toBe('done');
      expect(await transaction(older, OLD)).toBe('done');
      expect(await fence()).toBe(OLD);
    });

    it('two transactions of one holder come one after the other', async () => {
      await older.begin(isolation);
      await assertFence(older, 'a', OLD);
      await newer.begin(isolation);
      const arrival = outcomeOf(assertFence(newer, 'a', OLD));
      await newer.waits();
      await older.commit();
      expect(await arrival).toBe(afterTheWait('done'));
    });

    it('writes to different things do not wait for each other', async () => {
      await older.begin(isolation);
      await newer.begin(isolation);
      await assertFence(older, 'a', OLD);
      await assertFence(newer, 'b', NEW);
      await write(older, 'a', await read(older, 'a'), OLD);
      await write(newer, 'b', await read(newer, 'b'), NEW);
      await older.commit();
      await newer.commit();
      expect([await database.tokensOf('a'), await database.tokensOf('b')]).toEqual([[OLD], [NEW]]);
    });
  });
});
