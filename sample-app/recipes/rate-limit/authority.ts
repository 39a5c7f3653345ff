import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The third party: it takes its time, and answers 429 to whoever comes as the fifth. */
export class Authority {
  most = 0;
  readonly arrivals: number[] = [];
  private present = 0;

  private readonly server = createServer((_, response) => {
    this.present++;
    this.most = Math.max(this.most, this.present);
    this.arrivals.push(performance.now());
    response.statusCode = this.present > 4 ? 429 : 204;
    setTimeout(() => {
      this.present--;
      response.end();
    }, 20);
  });

  async open(): Promise<string> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From the first call to the last. */
  get lastedMs(): number {
    return this.arrivals.at(-1)! - this.arrivals[0]!;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
