import { Counter, Gauge, Histogram, type Metric, type Registry } from 'prom-client';
import {
  type Labels,
  type Measurement,
  type MeasurementName,
  MEASUREMENTS,
  type Reading,
  type Recorder,
} from '../measurements.js';

type Take = () => Iterable<Reading<MeasurementName>>;

/** Keeps measurements as metrics of a registry. */
export class PrometheusRecorder implements Recorder {
  private readonly metrics = new Map<MeasurementName, Metric>();
  private readonly takes = new Map<MeasurementName, Take>();

  constructor(private readonly registry: Registry) {
    for (const name of Object.keys(MEASUREMENTS) as MeasurementName[]) {
      this.metrics.set(name, this.metricOf(name, MEASUREMENTS[name]));
    }
  }

  record<Name extends MeasurementName>(name: Name, value: number, labels: Labels<Name>): void {
    const metric = this.metrics.get(name);
    if (metric instanceof Histogram) metric.observe(labels, value);
    else if (metric instanceof Counter || metric instanceof Gauge) metric.inc(labels, value);
  }

  read<Name extends MeasurementName>(name: Name, take: () => Iterable<Reading<Name>>): () => void {
    this.takes.set(name, take as Take);
    return () => this.takes.delete(name);
  }

  /** Those of an observer before, if there was one: a registry has each name once. */
  private metricOf(name: MeasurementName, measurement: Measurement): Metric {
    const { kind, description: help, labels, buckets } = measurement;
    const { registry } = this;
    const metricName = metricNameOf(name);
    if (kind !== 'gauge') {
      const former = registry.getSingleMetric(metricName);
      if (former) return former as Metric;
    } else {
      registry.removeSingleMetric(metricName); // its readings are another's
    }
    const options = { name: metricName, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'counter') return new Counter(options);
    if (kind === 'histogram') return new Histogram({ ...options, buckets: [...buckets!] });
    if (kind === 'up-down') return new Gauge(options);
    const collect = (): void => this.collect(name);
    return new Gauge({ ...options, collect });
  }

  private collect(name: MeasurementName): void {
    const gauge = this.metrics.get(name) as Gauge;
    gauge.reset();
    for (const { value, labels } of this.takes.get(name)?.() ?? []) gauge.set(labels, value);
  }
}

const SUFFIXES: Readonly<Record<string, string>> = { s: '_seconds', '1': '_ratio' };

/** As Prometheus names what OpenTelemetry measures, so that both come out alike. */
function metricNameOf(name: MeasurementName): string {
  const { kind, unit } = MEASUREMENTS[name];
  const total = kind === 'counter' ? '_total' : '';
  return `nestjs_locker_${name.replaceAll('.', '_')}${SUFFIXES[unit] ?? ''}${total}`;
}
