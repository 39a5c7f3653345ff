import { register, type Registry } from 'prom-client';
import { observeMetrics } from '../observe-metrics.js';
import { OncePerTarget } from '../once-per-target.js';
import { PrometheusRecorder } from './prometheus-recorder.js';

const registries = new OncePerTarget('prometheus', (registry: Registry) =>
  observeMetrics(new PrometheusRecorder(registry)),
);

/**
 * Measures all locks of this process in a registry of prom-client: what `LockPrometheusModule` does, without Nest.
 *
 * @param registry default: prom-client's own, `register`
 * @returns what ends it; the metrics stay in the registry
 * @example
 * const stop = observeLocks(registry);
 */
export function observeLocks(registry: Registry = register): () => void {
  return registries.use(registry);
}
