import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Deferred } from './lock-service.js';
import { HOST } from './redis-server.js';

interface StoredBytes {
  readonly body: Buffer;
  readonly etag: string;
  readonly metadata: Record<string, string>;
}

export interface ObjectServerOptions {
  /**
   * What an ETag is made of: the bytes alone, as with S3, or a number that each write raises.
   * Default `'hash'`.
   */
  etags?: 'hash' | 'counter';
}

/** In the words of S3, for its SDK. */
const REFUSALS: Readonly<Record<number, string>> = {
  404: '<Error><Code>NoSuchKey</Code></Error>',
  412: '<Error><Code>PreconditionFailed</Code></Error>',
};

/** A request that is held back before the server does anything of it. */
export interface HeldRequest {
  readonly arrived: Promise<void>;
  letGo(): void;
}

interface Hold {
  readonly method: string;
  readonly arrived: Deferred;
  readonly released: Deferred;
}

/** A small object store over HTTP: GET, HEAD, PUT and DELETE with `If-Match`, `If-None-Match` and metadata. */
export class ObjectServer {
  static async start(options: ObjectServerOptions = {}): Promise<ObjectServer> {
    const server = new ObjectServer(options);
    server.http.listen(0, HOST);
    await once(server.http, 'listening');
    return server;
  }

  /** Every request that was carried out: `'PUT 412'`. */
  readonly log: string[] = [];
  /** Answers the next request of a method with this status, and does nothing. */
  readonly failures: { method: string; status: number }[] = [];
  /** Carries out the next so many PUTs, and cuts their connections instead of answering. */
  unansweredPuts = 0;

  private readonly http: Server;
  private readonly objects = new Map<string, StoredBytes>();
  private readonly holds: Hold[] = [];
  private writes = 0;

  private constructor(private readonly options: ObjectServerOptions) {
    this.http = createServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
  }

  get url(): string {
    return `http://${HOST}:${(this.http.address() as AddressInfo).port}`;
  }

  textOf(key: string): string | undefined {
    return this.objects.get(`/${key}`)?.body.toString();
  }

  etagOf(key: string): string | undefined {
    return this.objects.get(`/${key}`)?.etag;
  }

  /** The next request with that method waits until it is let go. */
  hold(method: string): HeldRequest {
    const hold = { method, arrived: new Deferred(), released: new Deferred() };
    this.holds.push(hold);
    return { arrived: hold.arrived.promise, letGo: () => hold.released.resolve() };
  }

  async stop(): Promise<void> {
    for (const { released } of this.holds) released.resolve();
    const closed = once(this.http, 'close');
    this.http.close();
    this.http.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const path = decodeURIComponent(url.replace(/\?.*/, ''));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    await this.passHold(method);
    const status = this.carryOut(method, path, request, Buffer.concat(chunks));
    this.log.push(`${method} ${status}`);
    if (method === 'PUT' && this.unansweredPuts > 0) {
      this.unansweredPuts--;
      response.destroy();
      return;
    }
    const stored = status === 200 ? this.objects.get(path) : undefined;
    response.writeHead(status, stored && { etag: stored.etag, ...stored.metadata });
    response.end(method === 'GET' && stored ? stored.body : REFUSALS[status]);
  }

  private async passHold(method: string): Promise<void> {
    const index = this.holds.findIndex((hold) => hold.method === method);
    if (index < 0) return;
    const [hold] = this.holds.splice(index, 1) as [Hold];
    hold.arrived.resolve();
    await hold.released.promise;
  }

  /** In one step, as a store must: nothing comes between the condition and the write. */
  private carryOut(method: string, path: string, request: IncomingMessage, body: Buffer): number {
    const failure = this.failures.findIndex((failing) => failing.method === method);
    if (failure >= 0) return this.failures.splice(failure, 1)[0]!.status;
    const present = this.objects.get(path);
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
    switch (method) {
      case 'GET':
      case 'HEAD':
        return present ? 200 : 404;
      case 'DELETE':
        this.objects.delete(path);
        return 204;
      case 'PUT':
        if (ifMatch !== undefined && ifMatch !== present?.etag) return 412;
        if (ifNoneMatch === '*' && present) return 412;
        this.objects.set(path, { body, etag: this.etag(body), metadata: metadataOf(request) });
        return 200;
      default:
        return 405;
    }
  }

  private etag(body: Buffer): string {
    this.writes++;
    if (this.options.etags === 'counter') return `"${this.writes}"`;
    return `"${createHash('md5').update(body).digest('hex')}"`;
  }
}

function metadataOf({ headers }: IncomingMessage): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(own) as Record<string, string>;
}
