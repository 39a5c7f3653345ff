import { isLesserRight } from '../../stores/redis/needed-rights.js';
import { evictionProblem } from '../../stores/redis/redis-info.js';
import { tellState } from '../../stores/quorum/quorum-errors.js';
import type { ServerFacts, StoreSurvey } from '../../stores/survey.interface.js';
import type { Finding, Severity } from './check.interface.js';
import { explainError } from './explain-error.js';

/** Clocks that are kept right differ by less. */
const MOST_CLOCK_DIFFERENCE_MS = 1_000;
/** `SET … GET`, which the scripts use, is of this version. */
const LEAST_VERSION = [6, 2] as const;
/** So are messages of a Cluster's shards. */
const SHARDED_VERSION = [7, 0] as const;

/** What the facts mean, the worst of one server first. */
export function findingsOf(survey: StoreSurvey, maxLatencyMs: number): Finding[] {
  return [
    ...ofQuorum(survey),
    ...ofCluster(survey),
    ...survey.servers.flatMap((server) =>
      ofServer(server, survey, maxLatencyMs).map((finding) => ({
        ...finding,
        server: server.server,
      })),
    ),
    ...ofHandOvers(survey),
  ];
}

export function worstOf(findings: readonly Finding[]): Severity {
  const has = (severity: Severity): boolean => findings.some((each) => each.severity === severity);
  return has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok';
}

function ofQuorum({ quorum }: StoreSurvey): Finding[] {
  if (!quorum) return [];
  const { voting, needed, all } = quorum;
  const text = `${voting} of ${all} nodes vote, and ${needed} are needed`;
  if (voting === all) return [{ code: 'quorum', severity: 'ok', text }];
  if (voting >= needed) {
    const advice = `Mend the others: ${voting - needed} more may fail.`;
    return [{ code: 'quorum', severity: 'warn', text, advice }];
  }
  const advice = 'No lock is given or renewed until enough of them vote.';
  return [{ code: 'quorum', severity: 'fail', text, advice }];
}

function ofCluster({ cluster }: StoreSurvey): Finding[] {
  if (!cluster) return [];
  if (cluster.isComplete) {
    return [{ code: 'cluster', severity: 'ok', text: 'the Cluster serves all its slots' }];
  }
  const text = 'the Cluster does not serve all its slots';
  const advice = 'Look at CLUSTER INFO, and at the masters that are down.';
  return [{ code: 'cluster', severity: 'fail', text, advice, detail: cluster.state }];
}

function ofServer(facts: ServerFacts, survey: StoreSurvey, maxLatencyMs: number): Finding[] {
  return [
    ...ofWrite(facts, survey, maxLatencyMs),
    ...ofRole(facts, survey),
    ...ofSilence(facts),
    ...ofVersion(facts, survey),
    ...ofEviction(facts),
    ...ofClock(facts),
    ...ofPersistence(facts),
    ...ofPermissions(facts),
  ];
}

function ofWrite(
  { error, latencyMs, node }: ServerFacts,
  { quorum }: StoreSurvey,
  maxLatencyMs: number,
): Finding[] {
  if (error) {
    // Of several, the others may do without it.
    const severity = quorum && quorum.voting >= quorum.needed ? 'warn' : 'fail';
    const detail = error.message;
    if (node && node.state !== 'voting' && !node.error) {
      return [{ code: 'node', severity, text: tellState(node), detail }];
    }
    return [{ code: 'write', severity, ...explainError(error), detail }];
  }
  const text = `can be written to, in ${(latencyMs ?? 0).toFixed(1)} ms`;
  if ((latencyMs ?? 0) <= maxLatencyMs) return [{ code: 'write', severity: 'ok', text }];
  const advice =
    'Look at the load of server and network, and at a blocked event loop here: every lock takes this long at least.';
  return [{ code: 'latency', severity: 'warn', text: `${text}, which is slow`, advice }];
}

function ofRole({ role, error, isClusterNode }: ServerFacts, survey: StoreSurvey): Finding[] {
  if (isClusterNode && !survey.cluster) {
    const text = 'is one node of a Redis Cluster, and asked as if it were alone';
    const advice = 'Give the module a client of the whole Cluster; the command: --cluster.';
    return [{ code: 'cluster', severity: 'fail', text, advice }];
  }
  if (role !== 'replica' || error) return [];
  const text = 'is a replica that may be written to';
  const advice = 'Name its master: what is written to a replica is lost.';
  return [{ code: 'role', severity: 'fail', text, advice }];
}

/** A user with the least rights is told of nothing but its locks. */
function ofSilence({ version, error, missing, clockOffsetMs }: ServerFacts): Finding[] {
  // A store of the user's own has no server that could tell.
  const isServer = missing !== null || clockOffsetMs !== null;
  if (version !== null || error || !isServer) return [];
  const text =
    'does not tell of itself (INFO): neither its version nor its eviction policy nor what it keeps is known';
  const advice = 'ACL SETUSER <user> +info +config|get, or look at these yourself.';
  // Who looks thoroughly is to know what could not be looked at; every few seconds it is no news.
  const isAsked = missing !== null;
  return [{ code: 'info', severity: isAsked ? 'warn' : 'ok', text, ...(isAsked && { advice }) }];
}

function ofVersion({ version, product }: ServerFacts, { cluster }: StoreSurvey): Finding[] {
  if (version === null) return [];
  const name = product ?? version;
  if (isOlder(version, LEAST_VERSION)) {
    const text = `is ${name}, which is too old`;
    return [{ code: 'version', severity: 'fail', text, advice: 'Redis 6.2 or newer is needed.' }];
  }
  if (cluster && isOlder(version, SHARDED_VERSION)) {
    const text = `is ${name}, whose Cluster cannot tell those that wait`;
    const advice = 'With Redis 7 or newer they need not ask again and again.';
    return [{ code: 'version', severity: 'warn', text, advice }];
  }
  return [{ code: 'version', severity: 'ok', text: `is ${name}` }];
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = version.split('.').map(Number);
  return first < major || (first === major && second < minor);
}

function ofEviction({ evictionPolicy }: ServerFacts): Finding[] {
  if (evictionPolicy === null) return [];
  const problem = evictionProblem(evictionPolicy);
  if (!problem) return [{ code: 'eviction', severity: 'ok', text: 'evicts no keys (noeviction)' }];
  const text = `${problem}: a lease that is evicted is a lock that somebody else can take`;
  const advice = 'CONFIG SET maxmemory-policy noeviction';
  return [{ code: 'eviction', severity: 'warn', text, advice }];
}

function ofClock({ clockOffsetMs }: ServerFacts): Finding[] {
  if (clockOffsetMs === null) return [];
  const ms = Math.round(Math.abs(clockOffsetMs));
  const how = clockOffsetMs < 0 ? 'behind' : 'ahead of';
  const text = `has a clock that is ${ms} ms ${how} this machine's`;
  if (ms <= MOST_CLOCK_DIFFERENCE_MS) return [{ code: 'clock', severity: 'ok', text }];
  const advice = 'Have both clocks kept right, by NTP for instance.';
  return [{ code: 'clock', severity: 'warn', text, advice }];
}

function ofPersistence({ persistence, node }: ServerFacts): Finding[] {
  if (!persistence) return [];
  const { appendonly, appendfsync, save } = persistence;
  if (appendonly) {
    const fsync = appendfsync ? ` (appendfsync ${appendfsync})` : '';
    return [{ code: 'persistence', severity: 'ok', text: `has an append-only file${fsync}` }];
  }
  const kept = save ? `keeps snapshots only (save ${save})` : 'keeps nothing over a restart';
  if (node) {
    const text = `${kept}, so that it does not vote for a while after one`;
    return [{ code: 'persistence', severity: 'ok', text }];
  }
  const text = `${kept}: it forgets who holds what, and what is done once`;
  const advice = 'CONFIG SET appendonly yes, and the same in its configuration file.';
  return [{ code: 'persistence', severity: 'warn', text, advice }];
}

function ofPermissions({ missing, error }: ServerFacts): Finding[] {
  if (!missing || (error && missing.length === 0)) return [];
  if (missing.length === 0) {
    return [{ code: 'permissions', severity: 'ok', text: 'allows all that the module does' }];
  }
  const isLess = missing.every(isLesserRight);
  const text = `does not allow all that the module does: ${missing.join(' ')}`;
  const advice = `ACL SETUSER <user> ${missing.join(' ')}`;
  return [{ code: 'permissions', severity: isLess ? 'warn' : 'fail', text, advice }];
}

const TOLD = {
  push: 'those that wait are told when their turn has come (push)',
  connecting: 'the connection that tells those that wait is being made',
  untried: 'nobody has waited yet, so that nothing has been told',
} as const;

function ofHandOvers({ handOvers, servers }: StoreSurvey): Finding[] {
  const { how, error } = handOvers;
  if (how !== 'polling') return [{ code: 'hand-overs', severity: 'ok', text: TOLD[how] }];
  // Whoever cannot be reached tells nobody; that is said already.
  if (servers.every((server) => server.error)) return [];
  const text = 'those that wait are not told, and ask again and again (polling)';
  const advice =
    'Allow the channels &<prefix>:* and SUBSCRIBE, on a Cluster SSUBSCRIBE of Redis 7 or newer.';
  const detail = error?.message;
  return [{ code: 'hand-overs', severity: 'warn', text, advice, ...(detail && { detail }) }];
}
