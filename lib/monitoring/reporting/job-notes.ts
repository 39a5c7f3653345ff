/** How long a job that was told need not be told again. */
const FRESH_MS = 5 * 60_000;
/** Of one process: what is not called after its job may have any number of them. */
const MOST_JOBS = 200;

/** The jobs that a process has met, until they are told. */
export class JobNotes {
  private readonly toldAt = new Map<string, number>();
  private readonly pending = new Set<string>();

  note(job: string): void {
    const toldAt = this.toldAt.get(job);
    if (toldAt !== undefined && performance.now() - toldAt < FRESH_MS) return;
    if (toldAt === undefined && this.toldAt.size + this.pending.size >= MOST_JOBS) return;
    this.pending.add(job);
  }

  /** What is to be told; it is kept until `told`. */
  get met(): string[] {
    return [...this.pending];
  }

  told(jobs: readonly string[]): void {
    for (const job of jobs) {
      this.pending.delete(job);
      this.toldAt.set(job, performance.now());
    }
  }
}
