import type { AcquireReply, Holder } from '../lock-store.interface.js';
import type { OnceRequest, OutcomeRecord } from '../outcome.interface.js';
import { AS_IT_IS, beginning, unbegun } from './outcome-changes.js';
import { attemptWith, entryFrom, entryOf, isOver, type OutcomeEntry } from './outcome-record.js';
import { fingerprintOf, recordOf, standingOf } from './outcome-view.js';
import type { OutcomeWriter } from './outcome-writer.js';
import type { Known } from './record-write.js';

/** That it is not to be done, and why. */
export type Refusal = Extract<AcquireReply, { status: 'processed' | 'unknown' | 'mismatch' }>;

type Verdict = Refusal['status'] | 'ask' | 'begin';

/** What is to be begun, under the lock with this token. */
export interface OnceBeginning {
  readonly name: string;
  readonly token: number;
  readonly owner: string;
  readonly holder: Holder;
  readonly once: OnceRequest;
  readonly now: number;
}

/** What became of it; `unknown` is what somebody has left behind. */
export type Begun = { readonly known: Known } & (
  | { readonly refusal: Refusal }
  | { readonly refusal?: undefined; readonly unknown: OutcomeRecord | undefined }
);

/** What to do about an element of which this is known, who asks for it aside. */
export function verdictOf(
  entry: OutcomeEntry,
  { fingerprint, onUnknown }: OnceRequest,
  now: number,
  isAtWork: (token: number) => boolean,
): Verdict {
  const standing = standingOf(entry, now);
  const { processed, last } = standing;
  const former = fingerprintOf(standing);
  const isKnown = processed.length > 0 || last !== undefined;
  if (isKnown && fingerprint !== undefined && former !== undefined && fingerprint !== former) {
    return 'mismatch';
  }
  if (processed.length > 0) return 'processed';
  if (!last || isAtWork(last.token) || onUnknown === 'retry') return 'begin';
  return onUnknown === 'hold' ? 'unknown' : 'ask';
}

export const refuses = (verdict: Verdict): verdict is Refusal['status'] =>
  verdict !== 'ask' && verdict !== 'begin';

/**
 * Records that an element is begun, on a majority of the nodes, and there only while they have the lease: then
 * all that this majority knew is known, and nobody else had the lock meanwhile.
 *
 * What becomes known on the way is judged as if it had been known before.
 */
export async function beginOnce(
  request: OnceBeginning,
  reading: Known,
  writer: OutcomeWriter,
): Promise<Begun> {
  const { name, token, owner, once, now } = request;
  const claim = { owner, fencingToken: token };
  const judge = (entry: OutcomeEntry): Verdict =>
    verdictOf(without(entry, token), once, now, () => false);
  // What this very call has written proves nothing.
  const isAgain = isBegunAt(reading, token, writer.majority, now);
  let known = reading;
  for (;;) {
    const { entry } = known;
    const verdict = isAgain ? 'begin' : judge(entry);
    if (refuses(verdict)) {
      // Some nodes may have been told that it is begun.
      const write = attemptWith(entry, token)
        ? await writer.tell(name, unbegun({ owner, token }), known)
        : known;
      const record = recordOf(name, standingOf(write.entry, now), () => false)!;
      return { known: write, refusal: { status: verdict, record } };
    }
    const change =
      verdict === 'begin' ? beginning(request) : isAgain ? AS_IT_IS : unbegun({ owner, token });
    const write = writer.write(name, change, known, {
      claim,
      refuses: (learned) => !isAgain && judge(learned) !== verdict,
    });
    const result = await write.run().catch(async (error: Error) => {
      // Some nodes may have been told that it is begun; nobody else would take that back.
      await writer.takeBack(name, unbegun({ owner, token }), write);
      throw error;
    });
    known = write;
    if (result === 'refused') continue;
    const { last, ...standing } = standingOf(without(entry, token), now);
    const unknown =
      isAgain || !last ? undefined : recordOf(name, { ...standing, last }, () => false)!;
    return { known, unknown };
  }
}

const without = ({ openUpTo, attempts }: OutcomeEntry, token: number): OutcomeEntry =>
  entryOf(
    openUpTo,
    attempts.filter((each) => each.token !== token || each.isDecision),
  );

/** Whether a majority has recorded that this attempt is begun: it is asked for again. */
function isBegunAt({ entry, texts }: Known, token: number, majority: number, now: number): boolean {
  const attempt = attemptWith(entry, token);
  if (attempt?.rank !== 'begun' || isOver(attempt, now)) return false;
  const know = [...texts.values()].filter((text) => attemptWith(entryFrom(text), token));
  return know.length >= majority;
}
