// One measurement: a fresh server, or several, the processes of one contestant, one cell of one workload.
import { setTimeout as sleep } from 'node:timers/promises';
import { farNodes } from './support/far-nodes.mjs';
import { Worker } from './support/workers.mjs';
import { now } from './support/monotonic-clock.mjs';
import { startRedisNodes } from './support/redis-server.mjs';

/** For setting up and for what a workload does beside its window. */
const MARGIN_MS = 15_000;

/** The usual course: all processes set up, then all begin at once, then all report. */
export async function conductAtOnce({ startWorker, workload, settings }) {
  const workers = Array.from({ length: workload.processes ?? 1 }, (_, index) => startWorker(index));
  await Promise.all(workers.map((worker) => worker.told('ready')));
  const window = windowFrom(now(), settings);
  for (const worker of workers) worker.tell('begin', { window });
  return { window, reports: await Promise.all(workers.map((worker) => worker.told('report'))) };
}

export const windowFrom = (at, { warmUpMs, windowMs }) => ({
  from: at + warmUpMs,
  to: at + warmUpMs + windowMs,
});

/** @returns {Promise<{ metrics?: object, failures?: object, error?: string }>} */
export async function measure({ workload, contestant, cell, settings: given }) {
  const settings = { ...given, ...workload.timesOf?.(given) };
  const servers = await startRedisNodes(workload.nodes ?? 1, workload.isPinned ? 1 : undefined);
  const way =
    workload.awayMs &&
    (await farNodes(
      servers.map(({ url }) => url),
      workload.awayMs,
    ));
  const urls = way ? way.urls : servers.map(({ url }) => url);
  const where = workload.nodes ? { urls } : { url: urls[0] };
  const workers = [];
  const startWorker = (index) => {
    const { ttlMs, retryMs, library } = settings;
    const all = { ...where, ttlMs, retryMs, library, index, cell };
    const worker = new Worker(workload.name, contestant, all, workload.isPinned ? 0 : undefined);
    workers.push(worker);
    return worker;
  };

  const { warmUpMs, windowMs } = settings;
  const limitReached = new AbortController();
  const limit = sleep(warmUpMs + windowMs + MARGIN_MS, undefined, limitReached);
  try {
    const conduct = workload.conduct ?? conductAtOnce;
    const course = conduct({ server: servers[0], servers, startWorker, workload, settings });
    course.catch(() => undefined); // too late to matter, once the limit is reached
    const anyEnd = servers.map(({ endsByItself }) => endsByItself);
    const outcome = await Promise.race([course, limit, ...anyEnd]);
    if (!outcome) return { error: 'did not finish in time' };
    const metrics = workload.summarize({ ...outcome, cell, settings });
    return { metrics, failures: addUp(outcome.reports.map(({ failures }) => failures)) };
  } catch (error) {
    return { error: error.message };
  } finally {
    limit.catch(() => undefined);
    limitReached.abort();
    await Promise.all(workers.map((worker) => worker.kill()));
    await way?.stop();
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function addUp(counts) {
  const total = {};
  for (const [key, count] of counts.flatMap((each) => Object.entries(each ?? {}))) {
    total[key] = (total[key] ?? 0) + count;
  }
  return total;
}
