import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  Get,
  type INestApplication,
  Injectable,
  type MiddlewareConsumer,
  Module,
  Param,
  Query,
  Res,
  Sse,
  UseGuards,
} from '@nestjs/common';
import {
  LockBusyError,
  Locked,
  LockOptionsError,
  LockService,
  StaleFencingTokenError,
  WithPermit,
} from 'nestjs-locker';
import { concat, from, Observable, of, throwError } from 'rxjs';
import { afterTest, Deferred, RecordingLogger, watch } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { type Platform, startHttpApp } from './fixtures/app.js';

const KEEP = { retention: '1h' } as const;

@Injectable()
class BusyGuard implements CanActivate {
  constructor(private readonly locks: LockService) {}

  canActivate(): Promise<boolean> {
    return this.locks.withLock('secret:7', () => true, { wait: 0 });
  }
}

/** Every error as a program comes by it. */
@Controller('invoices')
class InvoiceController {
  readonly begun = new Deferred();
  readonly goOn = new Deferred();

  constructor(private readonly locks: LockService) {}

  @Get('issue/:id')
  @Locked('secret:<id>', { wait: 0 })
  async issue(@Param('id') id: string): Promise<string> {
    return `issued ${id}`;
  }

  @Get('wait/:id')
  @Locked('secret:<id>', { wait: '2s' })
  async wait(@Param('id') id: string): Promise<string> {
    return `issued ${id}`;
  }

  @Get('submit')
  @WithPermit('secret', { permits: 1, wait: 0 })
  async submit(): Promise<string> {
    return 'submitted';
  }

  @Get('long')
  @Locked('long')
  async long(): Promise<string> {
    this.begun.resolve();
    await this.goOn.promise;
    return 'done';
  }

  @Get('aborted')
  async aborted(): Promise<void> {
    await this.locks.acquire('secret:7', { signal: AbortSignal.abort(new Error('secret')) });
  }

  @Get('stale')
  @Locked('stale')
  async stale(): Promise<never> {
    throw new StaleFencingTokenError('secret', this.locks.current()!.fencingToken, 1234);
  }

  @Get('uncertain')
  @Locked('secret', { once: { ...KEEP, onUnknown: 'hold', unknownIf: () => true } })
  async uncertain(): Promise<never> {
    throw new Error('no answer');
  }

  @Get('fingerprint')
  async fingerprint(@Query('amount') amount: string): Promise<string> {
    const options = { ...KEEP, fingerprint: amount };
    return (await this.locks.once('secret', () => 'booked', options)).status;
  }

  @Get('wrong')
  async wrong(): Promise<void> {
    await this.locks.acquire('secret:7', { ttl: -1 });
  }

  @Get('guarded')
  @UseGuards(BusyGuard)
  async guarded(): Promise<string> {
    return 'in';
  }

  @Get('middleware/:what')
  async middleware(): Promise<string> {
    return 'through';
  }

  @Get('streaming')
  async streaming(@Res() response: any): Promise<void> {
    const raw = response.raw ?? response;
    raw.writeHead(200, { 'content-type': 'text/plain' });
    raw.write('first');
    await this.locks.acquire('secret:7', { wait: 0 });
  }

  @Sse('sse/busy')
  @Locked('secret:7', { wait: 0 })
  sse(): Observable<{ data: string }> {
    return of({ data: 'one' });
  }

  @Sse('sse/later')
  later(): Observable<{ data: string }> {
    const busy = from(this.locks.acquire('secret:7', { wait: 0 }).then(() => ({ data: 'two' })));
    return concat(of({ data: 'one' }), busy);
  }

  @Get('stream')
  stream(): Observable<string> {
    return throwError(() => new LockBusyError('secret', 'secret', null));
  }
}

@Module({})
class BusyMiddlewareModule {
  constructor(private readonly locks: LockService) {}

  configure(consumer: MiddlewareConsumer): void {
    type Next = (error?: unknown) => void;
    const take = async (next: Next) => {
      await this.locks.acquire('secret:7', { wait: 0 });
      next();
    };
    const throwing = (_request: unknown, _response: unknown, next: Next) => take(next);
    const telling = (_request: unknown, _response: unknown, next: Next) =>
      // oxlint-disable-next-line promise/no-callback-in-promise -- it is how a middleware tells
      void take(next).catch(next);
    consumer.apply(throwing).forRoutes('invoices/middleware/throwing');
    consumer.apply(telling).forRoutes('invoices/middleware/telling');
  }
}

const problem = (status: number, code: string, retryAfter: string | null = null) => ({
  status,
  retryAfter,
  body: {
    type: expect.stringMatching(/^urn:nestjs-locker:/),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code,
  },
});

describe.each<Platform>(['express', 'fastify'])('an error of a lock on %s', (platform) => {
  const start = async (prepare?: (app: INestApplication) => unknown) => {
    const metadata = { imports: [BusyMiddlewareModule], controllers: [InvoiceController] };
    const logger = new RecordingLogger();
    const started = await startHttpApp(metadata, platform, async (app) => {
      app.useLogger(logger);
      await prepare?.(app);
    });
    const get = (path: string, init?: RequestInit) =>
      fetch(`${started.url}/invoices/${path}`, init);
    const logged = () => logger.lines.filter((line) => /^(warn|error) /.test(line));
    return { ...started, get, logged };
  };

  /** What was answered, with nothing of what is inside. */
  const problemOf = async (response: Response): Promise<unknown> => {
    const text = await response.text();
    const { status, headers } = response;
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
    expect(text).not.toMatch(/secret|elsewhere|somebody-else|1234/);
    return { status, retryAfter: headers.get('retry-after'), body: JSON.parse(text) };
  };

  it('is 409 if it is busy, and nothing to log', async () => {
    const { get, store, logged } = await start();
    await store.busy('secret:7');
    expect(await problemOf(await get('issue/7'))).toEqual(problem(409, 'LOCK_BUSY'));
    expect(logged()).toEqual([]);
    await store.free('secret:7');
    expect(await (await get('issue/7')).text()).toBe('issued 7');
  });

  it('is 409 if the wait has ended', async () => {
    const { get, store } = await start();
    await store.busy('secret:7');
    const answer = watch(get('wait/7'));
    await until(() => store.clock.advance('1s').then(() => answer.settled), { what: 'an answer' });
    expect(await problemOf(answer.value!)).toEqual(problem(409, 'LOCK_TIMEOUT'));
  });

  it('is 429 if a semaphore is full, until its permit ends by itself', async () => {
    const { get, store, locks } = await start();
    const permit = await locks.semaphore('secret', 1).acquire({ ttl: '30s', renew: false });
    await store.clock.advance('20500ms');
    expect(await problemOf(await get('submit'))).toEqual(problem(429, 'LOCK_BUSY', '10'));
    await permit.release();
    expect(await (await get('submit')).text()).toBe('submitted');
  });

  it('is 503 if the store is out of reach, and an error in the log', async () => {
    const { get, store, logged } = await start();
    store.fail('acquire', { times: 100, error: new Error('secret-host:6379 is gone') });
    expect(await problemOf(await get('issue/7'))).toEqual(
      problem(503, 'LOCK_STORE_UNREACHABLE', '5'),
    );
    expect(logged()).toEqual([expect.stringMatching(/^error The lock store .*"secret:7"/)]);
  });

  it('is 503 while the application shuts down', async () => {
    const { app, get } = await start();
    const { begun, goOn } = app.get(InvoiceController);
    const long = watch(get('long'));
    await begun.promise;
    const closed = app.close();
    expect(await problemOf(await get('issue/7'))).toEqual(problem(503, 'LOCK_DRAINING', '1'));
    goOn.resolve();
    await closed;
    await until(() => long.settled, { what: 'the long one is done' });
  });

  it('is 503 if the wait was aborted', async () => {
    const { get } = await start();
    expect(await problemOf(await get('aborted'))).toEqual(problem(503, 'LOCK_ABORTED', '1'));
  });

  it('is 412 for a stale token, and a warning in the log', async () => {
    const { get, logged } = await start();
    const { body, ...others } = problem(412, 'LOCK_STALE_FENCING_TOKEN');
    // So that whoever passes on the refusal of a service behind it does not take it for its own.
    const fencingToken = expect.any(Number);
    expect(await problemOf(await get('stale'))).toEqual({
      ...others,
      body: { ...body, fencingToken },
    });
    expect(logged()).toEqual([expect.stringMatching(/^warn The write to "secret"/)]);
  });

  it('is 500 if the lock was lost meanwhile, and an error in the log', async () => {
    const { app, get, store, logged } = await start();
    const answer = watch(get('long'));
    const { begun, goOn } = app.get(InvoiceController);
    await begun.promise;
    await store.forceLose('long');
    goOn.resolve();
    await until(() => answer.settled, { what: 'it is answered' });
    expect(await problemOf(answer.value!)).toEqual(problem(500, 'LOCK_LOST'));
    expect(logged()).toContainEqual(expect.stringMatching(/^error The lock "long" was lost: /));
  });

  it('is 409 if nobody knows whether it was done', async () => {
    const { get } = await start();
    expect((await get('uncertain')).status).toBe(500);
    expect(await problemOf(await get('uncertain'))).toEqual(problem(409, 'LOCK_OUTCOME_UNKNOWN'));
  });

  it('is 422 if it comes with other content', async () => {
    const { get } = await start();
    expect(await (await get('fingerprint?amount=1')).text()).toBe('executed');
    expect(await problemOf(await get('fingerprint?amount=2'))).toEqual(
      problem(422, 'LOCK_FINGERPRINT'),
    );
  });

  it("is Nest's own 500 if it is a fault of the program", async () => {
    const { get, logged } = await start();
    const response = await get('wrong');
    expect(await response.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
    expect(logged()).toEqual([expect.stringContaining(LockOptionsError.name)]);
  });

  it.each(['guarded', 'middleware/throwing', 'middleware/telling', 'stream'])(
    'is the same from elsewhere: %s',
    async (path) => {
      const { get, store } = await start();
      await store.busy('secret:7');
      expect(await problemOf(await get(path))).toEqual(problem(409, 'LOCK_BUSY'));
    },
  );

  it('is the same with a prefix and for other origins', async () => {
    const { url, store } = await start((app) => {
      app.setGlobalPrefix('api');
      app.enableCors();
    });
    await store.busy('secret:7');
    const response = await fetch(`${url}/api/invoices/issue/7`, {
      headers: { origin: 'http://a' },
    });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await problemOf(response)).toEqual(problem(409, 'LOCK_BUSY'));
  });

  it('has no body for HEAD', async () => {
    const { get, store } = await start();
    await store.busy('secret:7');
    const response = await get('issue/7', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([409, '']);
  });

  it('ends an answer that has begun', async () => {
    const { get, store, url, logged } = await start();
    await store.busy('secret:7');
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    afterTest(async () => socket.destroy());
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.write('GET /invoices/streaming HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await once(socket, 'end');
    expect(text).toMatch(/ 200 OK[^]*first[^]*\r\n0\r\n\r\n$/);
    expect(logged()).toEqual(['warn An answer that had begun ends early: Busy.']);
    expect(await problemOf(await get('issue/7'))).toEqual(problem(409, 'LOCK_BUSY'));
  });

  it('of server-sent events is a problem before the first of them', async () => {
    const { get, store } = await start();
    await store.busy('secret:7');
    expect(await problemOf(await get('sse/busy'))).toEqual(problem(409, 'LOCK_BUSY'));
    // Nest does not ask filters here; the stream tells of an error, and ends.
    expect(await (await get('sse/later')).text()).toMatch(/data: one[^]*event: error/);
  });
});
