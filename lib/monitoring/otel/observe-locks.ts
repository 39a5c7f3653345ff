import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api';
import { observeMetrics } from '../observe-metrics.js';
import { OncePerTarget } from '../once-per-target.js';
import { traceLocks } from './lock-spans.js';
import { OtelRecorder } from './otel-recorder.js';

const SCOPE = 'nestjs-locker';

const meters = new OncePerTarget('otel-metrics', (provider: MeterProvider) =>
  observeMetrics(new OtelRecorder(provider.getMeter(SCOPE))),
);
const tracers = new OncePerTarget('otel-spans', (provider: TracerProvider) =>
  traceLocks(provider.getTracer(SCOPE)),
);

/**
 * What is measured and traced, and where that goes.
 *
 * @example
 * LockOtelModule.forRoot({ spans: false })
 */
export interface LockOtelOptions {
  /** Default: the global one, as it is when the application starts. */
  readonly meterProvider?: MeterProvider;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider;
  /** Default: true. */
  readonly metrics?: boolean;
  /** Default: true. */
  readonly spans?: boolean;
}

/**
 * Measures and traces all locks of this process: what `LockOtelModule` does, without Nest. Call it when the SDK
 * has been started: instruments that are made before are lost.
 *
 * @returns what ends it
 * @example
 * const stop = observeLocks({ meterProvider });
 */
export function observeLocks(options: LockOtelOptions = {}): () => void {
  const stops: (() => void)[] = [];
  if (options.metrics ?? true) {
    stops.push(meters.use(options.meterProvider ?? metrics.getMeterProvider()));
  }
  if (options.spans ?? true) {
    stops.push(tracers.use(options.tracerProvider ?? trace.getTracerProvider()));
  }
  return () => {
    for (const stop of stops) stop();
  };
}
