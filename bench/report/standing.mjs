import { OURS } from '../contestants/index.mjs';
import { largest, median } from '../support/statistics.mjs';

/** Of a metric of all repetitions: the median of numbers, the whole of lists. */
function combine(runs) {
  const metrics = {};
  for (const [key, value] of runs.flatMap((run) => Object.entries(run.metrics ?? {}))) {
    (metrics[key] ??= []).push(value);
  }
  return Object.fromEntries(
    Object.entries(metrics).map(([key, values]) => [
      key,
      Array.isArray(values[0]) ? values.flat() : median(values),
    ]),
  );
}

/** How the contestants of one workload stand to each other. */
export class Standing {
  #runs;
  #combined;

  constructor(runs) {
    this.#runs = runs;
    this.#combined = Object.fromEntries(
      Object.entries(runs).map(([name, each]) => [name, combine(each)]),
    );
  }

  get ours() {
    return this.of(OURS);
  }

  of(name) {
    return this.#combined[name] ?? {};
  }

  /** Whether any of its runs came to an end. */
  has(name) {
    return Object.keys(this.of(name)).length > 0;
  }

  /** The median over the repetitions, each of which compares what ran close together. */
  ratio(key, to, of = OURS) {
    const valueIn = (name, repetition) =>
      this.#runs[name]?.find((run) => run.repetition === repetition)?.metrics?.[key] ?? NaN;
    const ratios = (this.#runs[of] ?? []).map(
      ({ repetition }) => valueIn(of, repetition) / valueIn(to, repetition),
    );
    return median(ratios.filter((ratio) => !Number.isNaN(ratio)));
  }

  /** Against whichever other has the most. */
  ratioToBest(key, except = []) {
    const others = Object.keys(this.#combined)
      .filter((name) => name !== OURS && !except.includes(name))
      .map((name) => this.of(name)[key])
      .filter((value) => value !== undefined);
    return others.length ? this.ours[key] / largest(others) : NaN;
  }
}
