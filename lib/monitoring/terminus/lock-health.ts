import type { ServerFacts } from '../../stores/survey.interface.js';
import type { CheckReport, FindingCode, Severity } from '../checks/check.interface.js';

/**
 * Something that health is not up for.
 *
 * @example
 * const { code, text }: LockHealthProblem = details.locks.problems[0];
 */
export interface LockHealthProblem {
  readonly code: FindingCode;
  readonly severity: Exclude<Severity, 'ok'>;
  /** What was found; names no host. */
  readonly text: string;
  /** With `showServers`. */
  readonly server?: string;
  readonly detail?: string;
}

/**
 * What health tells besides the status; what is not known is left out.
 *
 * @example
 * const { latencyMs, handOvers }: LockHealth = result.details.locks;
 */
export interface LockHealth {
  /** How long a write took, of the slowest server that takes them, in ms. */
  readonly latencyMs?: number;
  /** How many servers there are, and how many can be written to. */
  readonly servers: number;
  readonly writable: number;
  /** Of several nodes: how many votes a lock takes. */
  readonly needed?: number;
  /** The server's clock against this machine's, of the one that is furthest off, in ms. */
  readonly clockOffsetMs?: number;
  /** Of the servers that evict keys, if there are any. */
  readonly evictionPolicy?: string;
  /** How those that wait learn that their turn has come. */
  readonly handOvers: 'push' | 'polling' | 'connecting' | 'untried';
  readonly problems?: readonly LockHealthProblem[];
  /** With `showServers`. */
  readonly details?: readonly Pick<
    ServerFacts,
    'server' | 'latencyMs' | 'clockOffsetMs' | 'product'
  >[];
}

/** A report in numbers. */
export function toHealth({ survey, findings }: CheckReport, showServers: boolean): LockHealth {
  const { servers, quorum, handOvers } = survey;
  const latencies = servers.flatMap(({ latencyMs }) => latencyMs ?? []);
  const offsets = servers.flatMap(({ clockOffsetMs }) => clockOffsetMs ?? []);
  const policies = servers.flatMap(({ evictionPolicy }) => evictionPolicy ?? []);
  const problems = findings.flatMap(({ code, severity, text, server, detail }) => {
    if (severity === 'ok') return [];
    return [{ code, severity, text, ...(showServers && { server, detail }) }];
  });
  return {
    ...(latencies.length > 0 && { latencyMs: rounded(Math.max(...latencies)) }),
    servers: servers.length,
    writable: latencies.length,
    ...(quorum && { needed: quorum.needed }),
    ...(offsets.length > 0 && { clockOffsetMs: rounded(furthest(offsets)) }),
    ...(policies.length > 0 && {
      evictionPolicy: policies.find((policy) => policy !== 'noeviction') ?? 'noeviction',
    }),
    handOvers: handOvers.how,
    ...(problems.length > 0 && { problems }),
    ...(showServers && {
      details: servers.map(({ server, latencyMs, clockOffsetMs, product }) => ({
        server,
        latencyMs,
        clockOffsetMs,
        product,
      })),
    }),
  };
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

const furthest = (offsets: readonly number[]): number =>
  offsets.reduce((most, each) => (Math.abs(each) > Math.abs(most) ? each : most));
