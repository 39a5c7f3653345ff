import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpService } from '@nestjs/axios';
import { Body, Controller, Inject, Param, Put, UseGuards } from '@nestjs/common';
import axios from 'axios';
import { type Lock, LockLostError, type LockService } from 'nestjs-locker';
import {
  fencedFetch,
  FenceGuard,
  FencingToken,
  FencingTokenGuard,
  StaleFencingTokenError,
  useFencingTokens,
} from 'nestjs-locker/fencing';
import { TestLockStore } from 'nestjs-locker/testing';
import { firstValueFrom } from 'rxjs';
import { Deferred, lockService, watch } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { type Platform, startHttpApp } from './fixtures/app.js';

/** The way of requests to the database, on which they can be held up as by a network or a busy server. */
class Road {
  arrived = 0;
  done = 0;
  isBlocked = false;
  private readonly open = new Deferred();

  async travel(write: () => Promise<unknown>): Promise<void> {
    this.arrived++;
    if (this.isBlocked) await this.open.promise;
    try {
      await write();
    } finally {
      this.done++;
    }
  }

  clear(): void {
    this.open.resolve();
  }
}

@Controller('invoices/:id')
class InvoiceController {
  private readonly fence = new FenceGuard({ dialect: 'postgres' });

  constructor(
    @Inject(PGlite) private readonly db: PGlite,
    private readonly road: Road,
  ) {}

  @Put('fenced')
  @UseGuards(FencingTokenGuard)
  async fenced(
    @Param('id') id: string,
    @Body('by') by: string,
    @FencingToken() token: number,
  ): Promise<void> {
    await this.road.travel(() =>
      this.db.transaction(async (tx) => {
        await this.fence.assertFence(tx, `invoice:${id}`, token);
        await tx.query(APPEND, [id, by]);
      }),
    );
  }

  @Put('unfenced')
  async unfenced(@Param('id') id: string, @Body('by') by: string): Promise<void> {
    await this.road.travel(() => this.db.query(APPEND, [id, by]));
  }
}

const APPEND = 'UPDATE invoice SET by = array_append(by, $2) WHERE id = $1';

let db: PGlite;
beforeAll(async () => {
  db = await PGlite.create();
  await db.exec(`CREATE TABLE invoice (id text PRIMARY KEY, by text[] NOT NULL);
    ${new FenceGuard({ dialect: 'postgres' }).migration}`);
});
afterAll(() => db.close());
beforeEach(() =>
  db.exec(`DELETE FROM fence_guard; DELETE FROM invoice; INSERT INTO invoice VALUES ('42', '{}')`),
);

async function writersOf(): Promise<string[]> {
  const { rows } = await db.query<{ by: string[] }>('SELECT by FROM invoice');
  return rows[0]!.by;
}

type Write = (locks: LockService, lock: Lock, url: string, by: string) => Promise<unknown>;

const clients: Record<string, Write> = {
  fencedFetch: async (_locks, lock, url, by) => {
    const { status } = await fencedFetch(lock, url, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ by }),
    });
    expect(status).toBe(200);
  },
  HttpService: (locks, _lock, url, by) => {
    const http = new HttpService(axios.create());
    useFencingTokens(http.axiosRef, locks);
    return firstValueFrom(http.put(url, { by }));
  },
};

const SUBJECT = { name: 'invoice:42', kind: 'lock' } as const;

describe.each<Platform>(['express', 'fastify'])('a service on %s', (platform) => {
  describe.each(Object.keys(clients))('asked by another with %s', (client) => {
    const write = clients[client]!;

    async function start(handler: 'fenced' | 'unfenced') {
      const road = new Road();
      const { url } = await startHttpApp(
        {
          controllers: [InvoiceController],
          providers: [
            { provide: PGlite, useValue: db },
            { provide: Road, useValue: road },
          ],
        },
        platform,
      );
      const store = new TestLockStore();
      const [paused, next] = [await lockService({ store }), await lockService({ store })];
      const put = (locks: LockService, by: string) =>
        locks.withLock('invoice:42', (lock) =>
          write(locks, lock, `${url}/invoices/42/${handler}`, by),
        );
      return { road, store, paused, next, put, target: `${url}/invoices/42/${handler}` };
    }

    /** A holder wakes up after its lease has ended, and does not know yet. */
    async function wakeUpLate(handler: 'fenced' | 'unfenced') {
      const { store, paused, next, put, target } = await start(handler);
      const call = paused.withLock('invoice:42', async (lock) => {
        await store.forceRelease(SUBJECT);
        await put(next, 'the newer');
        expect(lock.isHeld).toBe(true);
        return write(paused, lock, target, 'the older');
      });
      return { call: watch(call), target };
    }

    it('writes for each holder in turn', async () => {
      const { paused, next, put } = await start('fenced');
      await put(paused, 'the first');
      await put(next, 'the second');
      await put(paused, 'the third');
      expect(await writersOf()).toEqual(['the first', 'the second', 'the third']);
    });

    it('refuses a holder that was paused too long', async () => {
      const { call, target } = await wakeUpLate('fenced');
      await until(() => call.settled, { what: 'the older is answered' });
      expect(call.error).toBeInstanceOf(StaleFencingTokenError);
      expect(call.error).toMatchObject({ resource: target });
      expect(await writersOf()).toEqual(['the newer']);
    });

    it('without a fence lets it write', async () => {
      const { call } = await wakeUpLate('unfenced');
      await until(() => call.settled, { what: 'the older is answered' });
      expect(await writersOf()).toEqual(['the newer', 'the older']);
    });

    /** A request is still on its way when its lock is lost. */
    async function overtaken(handler: 'fenced' | 'unfenced') {
      const { road, store, paused, next, put } = await start(handler);
      road.isBlocked = true;
      const call = watch(put(paused, 'the older'));
      await until(() => road.arrived === 1, { what: 'the older is on its way' });
      road.isBlocked = false;
      await store.forceLose('invoice:42');
      await until(() => call.settled, { what: 'the older has given up' });
      expect(call.error).toBeInstanceOf(LockLostError);
      await store.free('invoice:42');
      await put(next, 'the newer');
      road.clear();
      await until(() => road.done === 2, { what: 'the older has arrived after all' });
    }

    it('refuses what was sent before the lock was lost', async () => {
      await overtaken('fenced');
      expect(await writersOf()).toEqual(['the newer']);
    });

    it('without a fence writes it, though its sender has given up', async () => {
      await overtaken('unfenced');
      expect(await writersOf()).toEqual(['the newer', 'the older']);
    });
  });
});
