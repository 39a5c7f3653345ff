import {
  type AcquireMessage,
  type FenceRejectedMessage,
  type HoldMessage,
  lockChannels,
  type NodeErrorMessage,
  type OnceEnding,
  type OnceMessage,
  type RenewMessage,
  type WaitMessage,
} from '../core/lock-channels.js';
import { LabelLimit } from './label-limit.js';
import { listen } from './listen.js';
import type { Labels, Reading, Recorder } from './measurements.js';
import { REASONS_OF_LOSS, reasonOf, resultOf } from './results.js';

/** Records what is told on the channels, of all locks of this process, until what this returns is called. */
export function observeMetrics(recorder: Recorder): () => void {
  return new MetricsObserver(recorder).start();
}

const ENDINGS: readonly OnceEnding[] = ['executed', 'replayed', 'busy', 'unknown', 'failed'];
const STORAGES = ['sql', 'redis', 'http', 'object-store'] as const;

class MetricsObserver {
  private readonly locks = new LabelLimit();
  /** What has begun since it listens: of all else it hears the end at most. */
  private readonly waits = new Set<WaitMessage>();
  /** Since when, by the monotonic clock. */
  private readonly holds = new Map<HoldMessage, number>();
  /** All that has ever been done once. */
  private readonly done = new Set<string>();
  /** All that has ever been held. */
  private readonly held = new Map<string, LockLabels>();

  constructor(private readonly recorder: Recorder) {}

  start(): () => void {
    const { acquire, wait, hold, renew, once, nodeError, fenceRejected } = lockChannels;
    const stops = [
      listen(acquire, { asyncEnd: (message) => this.acquired(message) }),
      listen(wait, {
        start: (message) => this.waiting(message),
        asyncEnd: (message) => this.waited(message),
      }),
      listen(hold, {
        start: (message) => this.holding(message),
        asyncEnd: (message) => this.ended(message),
      }),
      listen(renew, { asyncEnd: (message) => this.renewed(message) }),
      listen(once, { asyncEnd: (message) => this.endOnce(message) }),
    ];
    const onNodeError = (message: NodeErrorMessage): void => this.failed(message);
    const onRejected = (message: FenceRejectedMessage): void => this.rejected(message);
    nodeError.subscribe(onNodeError);
    fenceRejected.subscribe(onRejected);
    stops.push(this.recorder.read('held.age', () => this.ages()));
    // A series that begins with its first event has no increase to be seen.
    for (const storage of STORAGES) this.recorder.record('fence.rejected', 0, { storage });
    return () => {
      nodeError.unsubscribe(onNodeError);
      fenceRejected.unsubscribe(onRejected);
      for (const stop of stops) stop();
      for (const message of this.waits) this.count('waiting', -1, message);
      for (const message of this.holds.keys()) this.count('held', -1, message);
    };
  }

  private acquired(message: AcquireMessage): void {
    const { error } = message;
    const result = resultOf(error, 'granted');
    // Who waited has met somebody else before.
    if (result === 'busy') this.count('contentions', 1, message);
    this.recorder.record('acquire.duration', secondsOf(message), {
      ...this.lockOf(message),
      result,
    });
  }

  private waiting(message: WaitMessage): void {
    this.waits.add(message);
    this.count('waiting', 1, message);
    this.count('contentions', 1, message);
  }

  private waited(message: WaitMessage): void {
    if (!this.waits.delete(message)) return;
    this.count('waiting', -1, message);
    const result = resultOf(message.error, 'granted');
    this.recorder.record('wait.duration', secondsOf(message), { ...this.lockOf(message), result });
  }

  private holding(message: HoldMessage): void {
    this.holds.set(message, performance.now());
    this.count('held', 1, message);
    const labels = this.lockOf(message);
    const key = keyOf(labels);
    if (this.held.has(key)) return;
    this.held.set(key, labels);
    for (const reason of REASONS_OF_LOSS) this.recorder.record('lost', 0, { ...labels, reason });
  }

  private ended(message: HoldMessage): void {
    if (!this.holds.delete(message)) return;
    this.count('held', -1, message);
    const labels = this.lockOf(message);
    const { error, result: ending = 'unconfirmed' } = message;
    const reason = reasonOf(error);
    const result = reason === undefined ? ending : 'lost';
    this.recorder.record('hold.duration', secondsOf(message), { ...labels, result });
    if (reason !== undefined) this.recorder.record('lost', 1, { ...labels, reason });
  }

  private renewed({ renewals }: RenewMessage): void {
    for (const renewal of renewals) {
      const { reply, headroomMs, ttlMs } = renewal;
      if (headroomMs === undefined || (reply !== 'renewed' && reply !== 'contended')) continue;
      this.recorder.record('renew.headroom', headroomMs / ttlMs, this.lockOf(renewal));
    }
  }

  private endOnce({ label, result = 'failed' }: OnceMessage): void {
    const lock = this.locks.of(label);
    if (!this.done.has(lock)) {
      this.done.add(lock);
      for (const each of ENDINGS) this.recorder.record('once', 0, { lock, result: each });
    }
    this.recorder.record('once', 1, { lock, result });
  }

  private failed({ node, reason }: NodeErrorMessage): void {
    this.recorder.record('node.errors', 1, { node, reason });
  }

  private rejected({ storage }: FenceRejectedMessage): void {
    this.recorder.record('fence.rejected', 1, { storage });
  }

  private ages(): Iterable<Reading<'held.age'>> {
    const now = performance.now();
    // Nothing held is told as 0: what is not told keeps its last value with some.
    const oldest = new Map([...this.held].map(([key, labels]) => [key, { value: 0, labels }]));
    for (const [message, since] of this.holds) {
      const reading = oldest.get(keyOf(this.lockOf(message)));
      if (reading) reading.value = Math.max(reading.value, (now - since) / 1_000);
    }
    return oldest.values();
  }

  private count(name: 'held' | 'waiting' | 'contentions', value: number, message: Labelled): void {
    this.recorder.record(name, value, this.lockOf(message));
  }

  private lockOf({ label, mode }: Labelled): LockLabels {
    return { lock: this.locks.of(label), mode };
  }
}

type Labelled = Pick<HoldMessage, 'label' | 'mode'>;
type LockLabels = Labels<'held'>;

const keyOf = ({ lock, mode }: LockLabels): string => `${mode} ${lock}`;

const secondsOf = ({ durationMs = 0 }: { durationMs?: number }): number => durationMs / 1_000;
