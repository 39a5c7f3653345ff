import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';
import {
  type Labels,
  type Measurement,
  type MeasurementName,
  MEASUREMENTS,
  type Reading,
  type Recorder,
} from '../measurements.js';

/** Of spans and metrics alike. */
export const PREFIX = 'nestjs_locker.';

type Instrument = (value: number, attributes: Attributes) => void;

/** Hands measurements to the instruments of a meter. */
export class OtelRecorder implements Recorder {
  private readonly instruments = new Map<MeasurementName, Instrument>();

  constructor(private readonly meter: Meter) {
    for (const [name, measurement] of Object.entries(MEASUREMENTS)) {
      const instrument = this.instrumentOf(name, measurement);
      if (instrument) this.instruments.set(name as MeasurementName, instrument);
    }
  }

  record<Name extends MeasurementName>(name: Name, value: number, labels: Labels<Name>): void {
    this.instruments.get(name)?.(value, attributesOf(labels));
  }

  read<Name extends MeasurementName>(name: Name, take: () => Iterable<Reading<Name>>): () => void {
    const { description, unit } = MEASUREMENTS[name];
    const gauge = this.meter.createObservableGauge(PREFIX + name, { description, unit });
    const observe = (result: ObservableResult): void => {
      for (const { value, labels } of take()) result.observe(value, attributesOf(labels));
    };
    gauge.addCallback(observe);
    return () => gauge.removeCallback(observe);
  }

  private instrumentOf(name: string, measurement: Measurement): Instrument | undefined {
    const { kind, description, unit, buckets = [] } = measurement;
    const options = { description, unit };
    if (kind === 'histogram') {
      const advice = { explicitBucketBoundaries: [...buckets] };
      const histogram = this.meter.createHistogram(PREFIX + name, { ...options, advice });
      return (value, attributes) => histogram.record(value, attributes);
    }
    if (kind === 'gauge') return undefined; // made with what it is read by
    const counter =
      kind === 'counter'
        ? this.meter.createCounter(PREFIX + name, options)
        : this.meter.createUpDownCounter(PREFIX + name, options);
    return (value, attributes) => counter.add(value, attributes);
  }
}

function attributesOf(labels: Readonly<Record<string, string>>): Attributes {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [PREFIX + key, value]));
}
