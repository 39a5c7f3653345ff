import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** Applications that know nothing of each other: each has its own providers and its own connection to Redis. */
export class Replicas {
  static async start(module: Type<unknown>, count = 2): Promise<Replicas> {
    const starts = Array.from({ length: count }, async () => {
      const app = await NestFactory.create(module, { logger: false, abortOnError: false });
      await app.listen(0, '127.0.0.1');
      return { app, url: await app.getUrl() };
    });
    return new Replicas(await Promise.all(starts));
  }

  private constructor(private readonly replicas: { app: INestApplication; url: string }[]) {}

  /** One of each. */
  all<T>(type: Type<T>): T[] {
    return this.replicas.map(({ app }) => app.get(type, { strict: false }));
  }

  /** What one of them has under a token. */
  get<T>(token: string): T {
    return this.replicas[0]!.app.get<T>(token, { strict: false });
  }

  /** Sends a request to one of them after the other, as a load balancer does. */
  async fetch(turn: number, path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.replicas[turn % this.replicas.length]!.url}${path}`, init);
  }

  /** Ends the last of them, as a deployment does. */
  async closeLast(): Promise<void> {
    await this.replicas.pop()?.app.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map(({ app }) => app.close()));
  }
}
