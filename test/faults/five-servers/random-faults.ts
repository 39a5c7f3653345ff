import { randomFrom } from '../../simulation/quorum/random.js';
import type { Contender } from './contender.js';
import type { Scenario } from './scenarios.js';
import { ALL_NODES, canStepClocks, type Stage, TTL_MS } from './stage.js';

const FAULTS = 8;
/** As many nodes as may forget, or be away, at one time: of five, three have to remember. */
const MOST_TROUBLED = 2;
/** How long the worst moment is waited for, in entries of the journal. */
const MOST_PATIENCE = 300;

/** Faults as they come by a seed: on nodes, on the ways to them, and on the workers. */
export const randomScenario = (seed: number): Scenario => ({
  title: 'faults at random',
  coexist: {},
  async run(stage) {
    for (let n = 0; n < 3; n++) await stage.add({ writes: 30, restMs: 100 });
    await stage.until('all ask', () => stage.contenders.every((each) => each.count('ask') > 0));
    await stage.untilVotes(...ALL_NODES);
    const faults = new RandomFaults(stage, randomFrom(seed));
    for (let n = 0; n < FAULTS; n++) await faults.next();
    await faults.mend();
    await stage.work();
  },
});

class RandomFaults {
  /** How each is brought back. */
  private readonly troubled = new Map<number, () => unknown>();
  private readonly cutOff = new Map<Contender, readonly number[]>();
  private stopped: Contender | undefined;

  constructor(
    private readonly stage: Stage,
    private readonly random: () => number,
  ) {}

  async next(): Promise<void> {
    const faults: readonly (() => Promise<void> | void)[] = [
      () => this.forget(),
      () => this.forget(),
      () => this.takeAway(),
      () => this.cut(),
      () => this.cut(),
      () => this.stopOrGoOn(),
      ...(canStepClocks ? [() => this.step(), () => this.step()] : []),
    ];
    await this.pick(faults)();
    await this.stage.pass(this.upTo(200));
  }

  async mend(): Promise<void> {
    if (this.stopped) this.stopOrGoOn();
    for (const contender of this.cutOff.keys()) this.stage.heal(contender);
    for (const which of this.troubled.keys()) await this.bringBack(which);
  }

  private async forget(): Promise<void> {
    const which = await this.sound();
    if (this.random() < 0.3) await this.stage.flush(which);
    else await this.stage.restart(which);
    this.troubled.set(which, () => undefined);
  }

  private async takeAway(): Promise<void> {
    const { stage } = this;
    const which = await this.sound();
    if (this.random() < 0.5) {
      await stage.kill(which);
      this.troubled.set(which, () => stage.restart(which));
    } else {
      stage.pause(which);
      this.troubled.set(which, () => stage.resume(which));
    }
  }

  private async step(): Promise<void> {
    const which = await this.sound();
    const ms = Math.round((0.5 + 1.5 * this.random()) * TTL_MS) * (this.random() < 0.3 ? -1 : 1);
    this.stage.step(which, ms);
    this.troubled.set(which, () => this.stage.step(which, -ms));
  }

  /** One worker at a time, so that each of its votes is needed. */
  private cut(): void {
    const { stage } = this;
    const [healed] = this.cutOff.keys();
    if (healed) {
      stage.heal(healed);
      this.cutOff.delete(healed);
    } else {
      const contender = this.pick(stage.contenders);
      const nodes = [this.pick(ALL_NODES), this.pick(ALL_NODES)];
      stage.cutOff(contender, ...new Set(nodes));
      this.cutOff.set(contender, nodes);
    }
  }

  private stopOrGoOn(): void {
    if (this.stopped) {
      this.stage.goOn(this.stopped);
      this.stopped = undefined;
    } else {
      this.stopped = this.pick(this.stage.contenders);
      this.stage.stop(this.stopped);
    }
  }

  /**
   * One that is in no trouble, and whose trouble would not be too much: at the worst moment, if that comes, and
   * where it hurts most.
   */
  private async sound(): Promise<number> {
    const [longest] = this.troubled.keys();
    if (this.troubled.size >= MOST_TROUBLED) await this.bringBack(longest!);
    const [cut] = this.cutOff;
    if (cut) await this.stage.pass(MOST_PATIENCE, () => cut[0].token !== undefined);
    const sound = ALL_NODES.filter((which) => !this.troubled.has(which));
    const needed = sound.filter((which) => !cut?.[1].includes(which));
    return this.pick(needed.length > 0 ? needed : sound);
  }

  private async bringBack(which: number): Promise<void> {
    await this.troubled.get(which)!();
    await this.stage.untilVotes(which);
    this.troubled.delete(which);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.upTo(from.length) - 1]!;
  }

  /** From 1. */
  private upTo(most: number): number {
    return 1 + Math.floor(this.random() * most);
  }
}
