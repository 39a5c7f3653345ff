import { setTimeout as sleep } from 'node:timers/promises';
import { LONG, type ClientPlan } from '../client/plan.js';
import type { FaultEntry } from '../history/entry.js';
import { HistoryFile } from '../history/history-file.js';
import { ClientProcess } from './client-process.js';
import type { World } from './world.js';

export type CommonPlan = Omit<ClientPlan, 'process' | 'connection' | 'seed'>;

/** The clients and servers of one run, and what is done to them. */
export class Stage<W extends World = World> {
  /** By place: a process that was killed is followed by another one. */
  readonly clients: ClientProcess[] = [];
  private readonly history: HistoryFile<FaultEntry>;
  private started = 0;

  constructor(
    readonly world: W,
    readonly random: () => number,
    readonly common: CommonPlan,
  ) {
    this.history = new HistoryFile(common.directory, 'injector');
  }

  async startClient(place: number): Promise<void> {
    const process = `${String.fromCharCode(97 + place)}${++this.started}`;
    const connection = await this.world.connection(place);
    const seed = Math.floor(this.random() * 2 ** 31);
    this.clients[place] = new ClientProcess({ ...this.common, process, connection, seed });
  }

  /** A fault and its end, with what is to be seen after it. */
  async during(what: string, hit: () => Promise<unknown>): Promise<void> {
    this.history.add({ type: 'begin', what });
    await hit();
    this.history.add({ type: 'end', what });
  }

  /** From here on it is counted until these are taken again. */
  expectRecovery(what: string, names: readonly string[]): void {
    this.history.add({ type: 'recover', what, names });
  }

  /** The place of a process that holds what is held long, if there is one. */
  pickHolder(): number {
    const holder = this.clients.findIndex(({ holds }) => holds.includes(LONG));
    return holder >= 0 && this.chance(0.8) ? holder : this.pickPlace();
  }

  pickPlace(): number {
    return Math.floor(this.random() * this.clients.length);
  }

  /** @returns what it held */
  async killClient(place: number): Promise<readonly string[]> {
    const client = this.clients[place]!;
    await client.kill();
    this.history.add({ type: 'killed', what: client.name });
    return client.holds;
  }

  /**
   * Stops the next client that is about to write under a name: it has looked, and has not written yet.
   * Nobody is stopped if nobody comes to write it within the limit.
   */
  async stopNextWriter(
    name: string,
    ms: number,
    onStop: () => void,
    limitMs = 10_000,
  ): Promise<void> {
    const place = await new Promise<number | undefined>((resolve) => {
      const end = (index?: number) => {
        clearTimeout(timer);
        for (const each of this.clients) delete each.onWrite;
        resolve(index);
      };
      const timer = setTimeout(end, limitMs);
      for (const [index, client] of this.clients.entries()) {
        client.onWrite = (written) => {
          if (written !== name) return;
          client.stop();
          end(index);
        };
      }
    });
    onStop();
    if (place !== undefined) await this.standStill(place, ms);
  }

  async standStill(place: number, ms: number): Promise<void> {
    const client = this.clients[place]!;
    this.history.add({ type: 'stopped', what: client.name });
    client.stop();
    await sleep(ms);
    client.continue();
    this.history.add({ type: 'continued', what: client.name });
  }

  /** Lets all clients come to their end; one that does not is killed, and told. */
  async finish(limitMs: number): Promise<void> {
    const finish = async (client: ClientProcess) => {
      if (!(await client.finish(limitMs))) this.history.add({ type: 'hung', what: client.name });
    };
    await Promise.all(this.clients.map(finish));
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }

  pass(leastMs: number, mostMs = leastMs): Promise<void> {
    return sleep(this.between(leastMs, mostMs));
  }

  async close(): Promise<void> {
    const running = this.clients.filter((client) => client.isRunning);
    await Promise.all(running.map((client) => client.kill()));
    await this.world.stop();
  }
}
