import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOST } from './redis-server.js';

/** A TCP proxy in front of a local server, to put faults on the wire. The knobs work at once. */
export class TcpProxy {
  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.server.listen(0, HOST);
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** Swallow what the server sends: requests are carried out, the client hears nothing. */
  dropReplies = false;
  /** Swallow what clients send. */
  dropRequests = false;
  /** Hold everything back this long, in order; or each direction by its own time. */
  delayMs: number | { requests?: number; replies?: number } = 0;
  /** Destroy new connections at once; those there are stay. */
  refuse = false;
  /** Swallow what the server sends where this says so. */
  dropsReply?: (data: Buffer) => boolean;
  /** Sends what clients send once more, so much later, on another connection, whose answers nobody hears. */
  repeatAfterMs?: () => number;
  /** Sees what clients send as it arrives, dropped or not. */
  onRequest?: (data: Buffer) => void;

  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  /** @param targetPort may be another one for connections to come, as behind a name that leads elsewhere */
  private constructor(public targetPort: number) {
    this.server = createServer((client) => this.accept(client));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://${HOST}:${this.port}`;
  }

  /** Destroys all live connections, with what is still held back. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.cut();
    await closed;
  }

  private accept(client: Socket): void {
    if (this.refuse) {
      client.destroy();
      return;
    }
    const upstream = connect(this.targetPort, HOST);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.once('close', () => this.sockets.delete(socket));
      this.sockets.add(socket);
    }
    this.repeat(client);
    this.pump(client, upstream, 'requests');
    this.pump(upstream, client, 'replies');
  }

  private repeat(client: Socket): void {
    let echo: Socket | undefined;
    let queue = Promise.resolve();
    client.on('data', (data: Buffer) => {
      const { repeatAfterMs } = this;
      if (!repeatAfterMs) return;
      echo ??= this.openEcho();
      const repeated = echo;
      const due = performance.now() + repeatAfterMs();
      // In their order, as all that travels on one connection.
      queue = queue.then(async () => {
        await sleep(Math.max(0, due - performance.now()), undefined, { ref: false });
        if (!repeated.destroyed) repeated.write(data);
      });
    });
    // What is under way still arrives.
    client.once('close', () => void queue.then(() => echo?.destroySoon()));
  }

  private openEcho(): Socket {
    const echo = connect(this.targetPort, HOST);
    echo.setNoDelay(true).on('error', () => {});
    echo.once('close', () => this.sockets.delete(echo));
    this.sockets.add(echo);
    // Heard by nobody, but read: else the server's answers would pile up.
    return echo.resume();
  }

  private pump(from: Socket, to: Socket, direction: 'requests' | 'replies'): void {
    let queue = Promise.resolve();
    const afterDelay = (action: () => void) => {
      const delay = typeof this.delayMs === 'number' ? this.delayMs : this.delayMs[direction];
      const due = performance.now() + (delay ?? 0);
      queue = queue.then(async () => {
        // Again and again: timers may fire a little early.
        for (let left; (left = due - performance.now()) > 0;) {
          await sleep(left, undefined, { ref: false });
        }
        action();
      });
    };
    from.on('data', (data: Buffer) => {
      if (direction === 'requests') this.onRequest?.(data);
      if (direction === 'requests' ? this.dropRequests : this.dropReplies) return;
      if (direction === 'replies' && this.dropsReply?.(data)) return;
      afterDelay(() => {
        if (!to.destroyed) to.write(data);
      });
    });
    // What was sent before the end is under way still, as on a real network.
    from.once('close', () => afterDelay(() => to.destroySoon()));
  }
}
