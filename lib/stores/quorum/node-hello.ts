import { evictionProblem, parseInfo } from '../redis/redis-info.js';
import type { NodeHello } from './node-port.interface.js';

export interface HelloContext {
  readonly description: string;
}

/** Reads what the script `hello` answers, and what CONFIG GET *appendfsync* does. */
export function parseHello(reply: unknown, fsync: unknown, context: HelloContext): NodeHello {
  const [micros, marker, ...sections] = (reply as unknown[]).map(String);
  const info = parseInfo(sections.join('\n'));
  const runId = info.get('run_id');
  if (!runId) throw new Error(`${context.description} does not tell its run_id (INFO server)`);
  return {
    runId,
    micros: Number(micros),
    markerText: marker === '' ? null : marker!,
    isDurable: isDurable(info, fsync),
    refusal: refusalOf(info, context),
    notices: noticesAbout(info, context),
  };
}

export const isClusterNode = (description: string): string =>
  `${description} is one node of a Redis Cluster, whose slots may move to others unseen`;

/** Whether it has every write on disk before it answers, as far as it tells. */
function isDurable(info: ReadonlyMap<string, string>, fsync: unknown): boolean | undefined {
  if (info.get('aof_enabled') !== '1') return false;
  const told = Array.isArray(fsync) ? fsync.map(String) : [];
  const setting = (name: string): string | undefined =>
    told.find((_, i) => i % 2 === 1 && told[i - 1] === name);
  // Else nothing is synced while the AOF is rewritten, or a snapshot taken.
  const isAlways =
    setting('appendfsync') === 'always' && setting('no-appendfsync-on-rewrite') === 'no';
  // Just turned on, it has yet to write what was there before.
  const isWritten =
    info.get('aof_rewrite_in_progress') === '0' &&
    info.get('aof_rewrite_scheduled') === '0' &&
    info.get('aof_last_write_status') === 'ok';
  if (told.length === 0) return isWritten ? undefined : false;
  return isAlways && isWritten;
}

function refusalOf(
  info: ReadonlyMap<string, string>,
  { description }: HelloContext,
): string | undefined {
  if (info.get('cluster_enabled') === '1') return isClusterNode(description);
  if (info.get('role') === 'slave') return `${description} is a replica, which takes no votes`;
  return undefined;
}

function noticesAbout(info: ReadonlyMap<string, string>, { description }: HelloContext): string[] {
  const problem = evictionProblem(info.get('maxmemory_policy'));
  if (!problem) return [];
  return [
    `${description} ${problem}: a lease that is evicted is a vote that is forgotten. ` +
      'Set maxmemory-policy to noeviction.',
  ];
}
