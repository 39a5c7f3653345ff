/** What all others are called. */
export const OTHER = 'other';

const MOST_LABELS = 200;

/** Keeps labels to a bounded number: each new one is a series for ever, in every process. */
export class LabelLimit {
  private readonly known = new Set<string>();

  constructor(private readonly most = MOST_LABELS) {}

  of(label: string | undefined): string {
    if (label === undefined) return OTHER;
    if (this.known.has(label)) return label;
    if (this.known.size >= this.most) return OTHER;
    this.known.add(label);
    return label;
  }
}
