/** What goes wrong next, and when. */
export interface PlannedFault {
  readonly kind: 'kill' | 'stop';
  /** It strikes a replica whose submission is under way; otherwise any, whatever it is at. */
  readonly midSubmission: boolean;
  /** It is due when so many invoices more are issued, or after so long, whichever is first. */
  readonly afterInvoices: number;
  readonly afterMs: number;
  /** Which of the replicas that come into question, from 0 to 1. */
  readonly pick: number;
  /** How long a killed replica is missing, or a stopped one stands still. */
  readonly lastsMs: number;
}

type Card = Pick<PlannedFault, 'kind' | 'midSubmission'>;

const CARDS: readonly Card[] = [
  { kind: 'kill', midSubmission: true },
  { kind: 'kill', midSubmission: false },
  { kind: 'stop', midSubmission: true },
  { kind: 'stop', midSubmission: false },
];
const AFTER_INVOICES = { min: 15, max: 45 };
const AFTER_MS = { min: 1_000, max: 4_000 };
const MISSING_MS = { min: 100, max: 800 };
/** Longer than the leases, so that they are lost, and at times for long. */
const STANDS_STILL_MS = { min: 4_000, max: 7_000 };

/**
 * Faults without end, the same for the same random numbers. They come from a shuffled deck, over and
 * over, so that no kind is left out: half of them kill, and half strike in the middle of a submission.
 *
 * @param mayStop whether there is a replica to go on while another one stands still
 */
export function* planFaults(
  random: () => number,
  mayStop: boolean,
): Generator<PlannedFault, never> {
  const deck = CARDS.filter(({ kind }) => mayStop || kind === 'kill');
  const between = ({ min, max }: { min: number; max: number }): number =>
    Math.floor(min + random() * (max - min + 1));

  for (;;) {
    for (const card of shuffle(deck, random)) {
      yield {
        ...card,
        afterInvoices: between(AFTER_INVOICES),
        afterMs: between(AFTER_MS),
        pick: random(),
        lastsMs: between(card.kind === 'kill' ? MISSING_MS : STANDS_STILL_MS),
      };
    }
  }
}

function shuffle<T>(values: readonly T[], random: () => number): T[] {
  const shuffled = [...values];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}
