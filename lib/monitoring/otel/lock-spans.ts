import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import {
  type AcquireMessage,
  type HoldMessage,
  lockChannels,
  type LockMode,
  type ReleaseMessage,
  type WaitMessage,
} from '../../core/lock-channels.js';
import { listen } from '../listen.js';
import { reasonOf, resultOf } from '../results.js';
import { PREFIX } from './otel-recorder.js';

interface AskedSpan {
  readonly span: Span;
  /** Where the caller was. */
  readonly parent: Context;
}

interface WaitSpan {
  readonly span: Span;
  /** The last release while it waits that may be the one that hands the lock over. */
  release: SpanOfRelease | undefined;
}

interface SpanOfRelease {
  readonly hold: Span;
  readonly sentAt: number;
  /** What is given until then was given by it. */
  isCauseUntil: number;
}

/**
 * The message of a hand-over may come on another connection than the answer of the release. Somebody outside
 * would have to be told, and to give back in turn, before it could be given to a caller here.
 */
const SLACK_MS = 5;

/** Makes spans of what is told on the channels: of acquires, the waits in them, and holds. */
export function traceLocks(tracer: Tracer): () => void {
  return new LockSpans(tracer).start();
}

class LockSpans {
  private readonly asked = new WeakMap<AcquireMessage, AskedSpan>();
  private readonly waits = new Map<WaitMessage, WaitSpan>();
  private readonly waitsOf = new Map<string, Set<WaitSpan>>();
  private readonly holds = new Map<HoldMessage, Span>();
  private readonly holdOf = new Map<string, Span>();
  private readonly releases = new WeakMap<ReleaseMessage, SpanOfRelease>();

  constructor(private readonly tracer: Tracer) {}

  start(): () => void {
    const { acquire, wait, hold, release } = lockChannels;
    const stops = [
      listen(acquire, {
        start: (message) => this.ask(message),
        asyncEnd: (message) => this.answer(message),
      }),
      listen(wait, {
        start: (message) => this.wait(message),
        asyncEnd: (message) => this.waited(message),
      }),
      listen(hold, {
        start: (message) => this.hold(message),
        asyncEnd: (message) => this.ended(message),
      }),
      listen(release, {
        start: (message) => this.release(message),
        asyncEnd: (message) => this.released(message),
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      for (const { span } of this.waits.values()) span.end();
      for (const span of this.holds.values()) span.end();
    };
  }

  private ask(message: AcquireMessage): void {
    const parent = context.active();
    const names = { [`${PREFIX}names`]: [...message.names] };
    this.asked.set(message, { parent, span: this.begin('acquire', message, names, parent) });
  }

  private answer(message: AcquireMessage): void {
    const span = this.asked.get(message)?.span;
    if (span) finish(span, message, resultOf(message.error, 'granted'));
  }

  private wait(message: WaitMessage): void {
    const { name, place, acquire } = message;
    const parent = this.contextOf(acquire, (asked) => trace.setSpan(asked.parent, asked.span));
    const attributes = { [`${PREFIX}name`]: name, [`${PREFIX}place`]: place };
    const span = this.begin('wait', message, attributes, parent);
    const waiting: WaitSpan = { span, release: undefined };
    this.waits.set(message, waiting);
    const key = subjectOf(message);
    const others = this.waitsOf.get(key);
    if (others) others.add(waiting);
    else this.waitsOf.set(key, new Set([waiting]));
  }

  private waited(message: WaitMessage): void {
    const waiting = this.waits.get(message);
    if (!waiting) return;
    this.waits.delete(message);
    const key = subjectOf(message);
    const others = this.waitsOf.get(key);
    others?.delete(waiting);
    if (others?.size === 0) this.waitsOf.delete(key);
    const { span, release } = waiting;
    const isGranted = message.error === undefined;
    if (isGranted && release && performance.now() <= release.isCauseUntil) {
      span.addLink({ context: release.hold.spanContext() });
    }
    finish(span, message, resultOf(message.error, 'granted'));
  }

  private hold(message: HoldMessage): void {
    const { name, fencingToken, acquire } = message;
    // Beside the call that asked for it; a call without a parent is the parent itself.
    const parent = this.contextOf(acquire, (asked) =>
      trace.getSpan(asked.parent) ? asked.parent : trace.setSpan(asked.parent, asked.span),
    );
    const attributes = { [`${PREFIX}name`]: name, [`${PREFIX}fencing_token`]: fencingToken };
    const span = this.begin('hold', message, attributes, parent);
    this.holds.set(message, span);
    this.holdOf.set(holdKeyOf(message), span);
  }

  private ended(message: HoldMessage): void {
    const span = this.holds.get(message);
    if (!span) return;
    this.holds.delete(message);
    this.holdOf.delete(holdKeyOf(message));
    const reason = reasonOf(message.error);
    if (reason !== undefined) span.setAttribute(`${PREFIX}reason`, reason);
    const { result = 'unconfirmed' } = message;
    finish(span, message, reason === undefined ? result : 'lost');
  }

  private release(message: ReleaseMessage): void {
    const hold = this.holdOf.get(holdKeyOf(message));
    const waiting = this.waitsOf.get(subjectOf(message));
    if (!hold || !waiting) return;
    const release = { hold, sentAt: performance.now(), isCauseUntil: Infinity };
    this.releases.set(message, release);
    for (const each of waiting) each.release = release;
  }

  private released(message: ReleaseMessage): void {
    const release = this.releases.get(message);
    if (!release) return;
    const roundTrip = performance.now() - release.sentAt;
    release.isCauseUntil = release.sentAt + roundTrip * 1.5 + SLACK_MS;
  }

  private contextOf(
    acquire: AcquireMessage | undefined,
    of: (asked: AskedSpan) => Context,
  ): Context {
    const asked = acquire && this.asked.get(acquire);
    return asked ? of(asked) : context.active();
  }

  private begin(
    operation: string,
    { label, mode, service }: Pick<HoldMessage, 'label' | 'mode' | 'service'>,
    attributes: Attributes,
    parent: Context,
  ): Span {
    const common: Attributes = { [`${PREFIX}mode`]: mode, [`${PREFIX}service`]: service };
    if (label !== undefined) common[`${PREFIX}lock`] = label;
    const name = `${operation} ${label ?? 'lock'}`;
    return this.tracer.startSpan(name, { attributes: { ...common, ...attributes } }, parent);
  }
}

const subjectOf = ({ mode, name }: { mode: LockMode; name: string }): string =>
  `${mode === 'permit' ? 'semaphore' : 'lock'} ${name}`;

const holdKeyOf = (message: { mode: LockMode; name: string; fencingToken: number }): string =>
  `${message.fencingToken} ${subjectOf(message)}`;

/** That somebody else has it is no error, nor that the caller changed its mind. */
const ORDINARY = new Set([
  'granted',
  'released',
  'detached',
  'busy',
  'timeout',
  'aborted',
  'processed',
  'draining',
]);

function finish(span: Span, { error }: { error?: unknown }, result: string): void {
  span.setAttribute(`${PREFIX}result`, result);
  if (!ORDINARY.has(result)) {
    span.setAttribute('error.type', result);
    const message = error instanceof Error ? error.message : result;
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
}
