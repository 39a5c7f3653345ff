import { refuseUnknownOptions } from '../../core/acquire-options.js';
import { describeValue } from '../../core/describe-value.js';
import { parseDuration } from '../../core/duration.js';
import { LockOptionsError } from '../../lock.errors.js';
import type { LockStore } from '../../stores/lock-store.interface.js';
import type { StoreSurvey, SurveyRequest } from '../../stores/survey.interface.js';
import { NOTHING_TOLD, probeWrite, timeWrite } from '../../stores/write-probe.js';
import type { CheckOptions, CheckReport } from './check.interface.js';
import { findingsOf, worstOf } from './findings.js';

const KNOWN = new Set(['timeout', 'maxLatency', 'thorough']);
const BOUNDS = { min: 1, max: 600_000 } as const;

/** Options with every duration in milliseconds. */
export interface ResolvedCheckOptions extends SurveyRequest {
  readonly maxLatencyMs: number;
}

/** @throws LockOptionsError for an unknown option, or a value that is none */
export function resolveCheckOptions(options: CheckOptions, what: string): ResolvedCheckOptions {
  refuseUnknownOptions(options, KNOWN, what);
  const { timeout = '1s', maxLatency = '250ms', thorough = false } = options;
  if (typeof thorough !== 'boolean') {
    throw new LockOptionsError(
      `${what}: "thorough" is ${describeValue(thorough)}; write true or false.`,
    );
  }
  return {
    timeoutMs: parseDuration(timeout, `${what}: "timeout"`, BOUNDS),
    maxLatencyMs: parseDuration(maxLatency, `${what}: "maxLatency"`, BOUNDS),
    isThorough: thorough,
  };
}

/** Looks at what locks stand on; what is the matter is in the report, and never thrown. */
export async function checkStore(
  store: LockStore,
  { maxLatencyMs, ...request }: ResolvedCheckOptions,
): Promise<CheckReport> {
  const survey = await (store.survey?.(request) ?? surveyPlainly(store, request));
  const findings = findingsOf(survey, maxLatencyMs);
  return { status: worstOf(findings), findings, survey };
}

/** Of a store that tells no more: whether it can be written to. */
async function surveyPlainly(store: LockStore, { timeoutMs }: SurveyRequest): Promise<StoreSurvey> {
  const write = await timeWrite(() => probeWrite(store), timeoutMs);
  const how = store.tellsHandOvers?.('') ? 'push' : 'untried';
  return {
    servers: [{ ...NOTHING_TOLD, server: store.description, ...write }],
    handOvers: { how, error: null },
    quorum: null,
    cluster: null,
  };
}
