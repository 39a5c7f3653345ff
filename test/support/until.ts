import { performance } from 'node:perf_hooks';
// Not the globals: fake timers leave these alone.
import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** Names the condition in the error: "timed out after 5000 ms waiting until {what}". */
  what: string;
  timeoutMs?: number;
  intervalMs?: number;
}

/** Resolves once the condition holds, rejects at the timeout even if the condition never settles. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { what, timeoutMs = 5000, intervalMs = 5 }: UntilOptions,
): Promise<void> {
  const met = new AbortController();
  const { signal } = met;
  const deadline = performance.now() + timeoutMs;
  const late = sleep(timeoutMs, 'late' as const, { signal }).catch(() => 'late' as const);
  try {
    for (;;) {
      const outcome = await Promise.race([condition(), late]);
      if (outcome === true) return;
      if (outcome === 'late' || performance.now() >= deadline) break;
      await sleep(intervalMs);
    }
  } finally {
    met.abort();
  }
  throw new Error(`timed out after ${timeoutMs} ms waiting until ${what}`);
}
