import { TcpProxy } from './tcp-proxy.js';

/** One client's own ways to several servers: it alone can be cut off from any of them. */
export class NodeLinks {
  static async start(ports: readonly number[]): Promise<NodeLinks> {
    return new NodeLinks(await Promise.all(ports.map((port) => TcpProxy.start(port))));
  }

  private readonly broken = new Set<number>();

  /** @param proxies in the order of the servers, for finer faults than these */
  private constructor(readonly proxies: readonly TcpProxy[]) {}

  /** For the client, in the order of the servers. */
  get urls(): string[] {
    return this.proxies.map(({ url }) => url);
  }

  /** Nothing gets through to these any more, nor back; connections stay open, and new ones are silent, too. */
  cutOff(...which: number[]): void {
    for (const index of which) {
      this.lose(index, true);
      this.broken.add(index);
    }
  }

  /**
   * Joins the client again to these, or to all of them. Connections that were there are reset, as when their
   * retransmissions have ended: a stream that has lost its middle is no fault that a network has.
   */
  heal(...which: number[]): void {
    for (const index of which.length > 0 ? which : [...this.broken]) {
      if (!this.broken.delete(index)) continue;
      this.proxies[index]!.cut();
      this.lose(index, false);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
  }

  private lose(index: number, isLost: boolean): void {
    Object.assign(this.proxies[index]!, { dropRequests: isLost, dropReplies: isLost });
  }
}
