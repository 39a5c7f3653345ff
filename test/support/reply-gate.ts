import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { HOST } from './redis-server.js';

/** A way to a local server on which replies can be held back: whatever is asked is carried out, and not answered. */
export class ReplyGate {
  static async start(targetPort: number): Promise<ReplyGate> {
    const gate = new ReplyGate(targetPort);
    gate.server.listen(0, HOST);
    await once(gate.server, 'listening');
    return gate;
  }

  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private held: (() => void)[] | undefined;

  private constructor(targetPort: number) {
    this.server = createServer((client) => {
      const upstream = connect(targetPort, HOST);
      for (const socket of [client, upstream]) {
        socket.setNoDelay(true);
        socket.on('error', () => {});
        this.sockets.add(socket);
      }
      client.on('data', (data) => upstream.write(data));
      upstream.on('data', (data) => {
        if (this.held) this.held.push(() => client.write(data));
        else client.write(data);
      });
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
    });
  }

  get url(): string {
    return `redis://${HOST}:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on no reply gets through. */
  hold(): void {
    this.held ??= [];
  }

  /** Lets through what was held back, in its order, and whatever comes. */
  letGo(): void {
    const { held = [] } = this;
    this.held = undefined;
    for (const send of held) send();
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
