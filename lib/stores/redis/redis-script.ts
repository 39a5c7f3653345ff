import { createHash } from 'node:crypto';

/**
 * What Redis stores: bytes, or a text or number that becomes some.
 *
 * @example
 * const balance: RedisValue = 100;
 */
export type RedisValue = string | Buffer | number;

/** The part of an ioredis `Redis` or `Cluster` that scripts need. */
export interface ScriptClient {
  evalsha(sha1: string, keyCount: number, ...keysAndArgs: RedisValue[]): Promise<unknown>;
  eval(script: string, keyCount: number, ...keysAndArgs: RedisValue[]): Promise<unknown>;
}

/** A Lua script that is sent by its hash, and in full where the server does not know it yet. */
export class RedisScript {
  private readonly sha1: string;

  constructor(private readonly source: string) {
    this.sha1 = createHash('sha1').update(source).digest('hex');
  }

  async run(
    client: ScriptClient,
    keys: readonly string[],
    args: readonly RedisValue[] = [],
  ): Promise<unknown> {
    try {
      return await client.evalsha(this.sha1, keys.length, ...keys, ...args);
    } catch (error) {
      const isUnknown = error instanceof Error && error.message.startsWith('NOSCRIPT');
      if (!isUnknown) throw withoutCommand(error);
    }
    try {
      return await client.eval(this.source, keys.length, ...keys, ...args);
    } catch (error) {
      throw withoutCommand(error);
    }
  }
}

/**
 * ioredis puts the command with all its arguments on its errors: owners, and in AUTH the password.
 * Errors are logged, so these must not be on them.
 */
export function withoutCommand<E>(error: E): E {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
}
