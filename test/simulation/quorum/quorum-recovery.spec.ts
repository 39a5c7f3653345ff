import { describe, expect, it } from '@jest/globals';
import {
  markerText,
  type NodeMarker,
  type NodePort,
  type QuarantineReason,
} from '../../../lib/stores/quorum/node-port.interface.js';
import { success } from '../../../lib/stores/quorum/outcome-changes.js';
import { NOTHING, textOf } from '../../../lib/stores/quorum/outcome-record.js';
import { Agenda } from '../agenda.js';
import { NodeHost } from './node-host.js';
import { QuorumProcess } from './quorum-process.js';
import { randomFrom } from './random.js';
import type { LinkTrouble } from './schedule.js';
import { SimulatedNode } from './simulated-node.js';

const START_MS = 1_795_000_000_000;
const TTL_MS = 1_000;
const MINUTE_MS = 60_000;
const LONG_MS = 1e9;

interface WorldOptions {
  /** By how many ms each node's clock is ahead. */
  readonly offsets?: readonly number[];
  readonly maxTtlMs?: number;
  readonly isDurable?: boolean;
  readonly nodeTimeoutMs?: number;
  readonly wrapPort?: (port: NodePort) => NodePort;
}

/** Nodes that vote, and processes that take locks on them when they are told to. */
class QuietWorld {
  readonly agenda = new Agenda(() => undefined);
  readonly hosts: readonly NodeHost[];
  private readonly random = randomFrom(5);

  constructor(private readonly options: WorldOptions = {}) {
    const { offsets = [0, 0, 0], isDurable = false } = options;
    this.hosts = offsets.map((offset, i) => {
      const startMicros = (START_MS + offset) * 1_000;
      const now = (): number => this.agenda.now;
      const node = new SimulatedNode({ name: `n${i}`, now, startMicros, wander: 0, isDurable });
      const host = new NodeHost(node, this.agenda);
      this.mark(host, {});
      return host;
    });
  }

  get markers(): (string | null)[] {
    return this.hosts.map(({ node }) => node.data.marker?.split(' ')[0] ?? null);
  }

  start(name: string, rate = 1): QuorumProcess {
    const { maxTtlMs = TTL_MS, nodeTimeoutMs, wrapPort } = this.options;
    return new QuorumProcess(name, rate, {
      agenda: this.agenda,
      random: this.random,
      hosts: this.hosts,
      history: undefined,
      isFirstDeployment: false,
      maxTtlMs,
      wrapPort,
      ...(nodeTimeoutMs && { nodeTimeoutMs }),
      onEvent: () => undefined,
    });
  }

  mark({ node }: NodeHost, marker: Partial<NodeMarker>): void {
    const { maxTtlMs = TTL_MS, isDurable = false } = this.options;
    const sinceMs = Math.floor(node.micros / 1_000);
    const voting = { state: 'voting', reason: 'first', votesFromMs: 0, isByMost: false } as const;
    const own = { runId: node.runId, isDurable, maxTtlMs, sinceMs };
    node.data.marker = markerText({ ...voting, ...own, ...marker });
  }

  quarantine(at: number, reason: QuarantineReason, forMs: number): void {
    const votesFromMs = Math.floor(this.hosts[at]!.node.micros / 1_000) + forMs;
    this.mark(this.hosts[at]!, { state: 'quarantined', reason, votesFromMs, isByMost: true });
  }

  /** How many of its calls, one every so often, got a lock. */
  async takes(process: QuorumProcess, forMs: number, everyMs: number): Promise<number> {
    let held = 0;
    const take = async (): Promise<void> => {
      try {
        const lock = await process.client.acquire('a', { wait: 0, ttl: 500 });
        held++;
        await lock.release();
      } catch {
        // it is not counted
      }
    };
    for (let passed = 0; passed < forMs; passed += everyMs) {
      process.perform(() => void take());
      await this.agenda.pass(everyMs);
    }
    return held;
  }
}

const trouble = (what: LinkTrouble['what'], ms = 0, forMs = LONG_MS) =>
  ({ type: 'link', process: 0, node: 0, isHarsh: false, what, ms, forMs }) as const;

const statesOf = (process: QuorumProcess): string[] => {
  const { store } = (
    process.client as unknown as { options: { store: { nodes(): { state: string }[] } } }
  ).options;
  return store.nodes().map(({ state }) => state);
};

describe('A quorum comes back where', () => {
  it.each<[QuarantineReason]>([['clock-jump'], ['emptied']])(
    'a process starts while the only voter is slow, and the others are in quarantine (%s)',
    async (reason) => {
      const world = new QuietWorld();
      await world.agenda.pass(500);
      for (const at of [0, 2]) world.quarantine(at, reason, TTL_MS);
      const process = world.start('P');
      process.ports[1]!.suffer(trouble('slow', 60));
      await world.agenda.pass(MINUTE_MS);
      expect(statesOf(process).filter((state) => state === 'voting').length).toBeGreaterThan(1);
    },
  );

  it('the clock by which another was judged is set right', async () => {
    const world = new QuietWorld({ offsets: [-700, 0, 700] });
    const process = world.start('P');
    await world.takes(process, 3_000, 100);
    world.hosts[1]!.kill(true);
    await world.takes(process, 3_000, 100);
    // No call is being cleaned up any more: that would read the clocks.
    await world.agenda.pass(2 * MINUTE_MS);
    expect(statesOf(process)).toEqual(['voting', 'unreachable', 'skewed']);
    world.hosts[0]!.node.step(700);
    await world.agenda.pass(MINUTE_MS);
    expect(statesOf(process)).toEqual(['voting', 'unreachable', 'voting']);
  });

  it('clocks have run apart while a process had nothing to ask', async () => {
    const world = new QuietWorld({ offsets: [0, 900, 0] });
    const process = world.start('P', 1.0045);
    await world.agenda.pass(500);
    for (let i = 0; i < 5; i++) {
      await world.agenda.pass(5 * MINUTE_MS);
      expect(await world.takes(process, 100, 50)).toBe(2);
    }
  });

  it('a record that nobody can read lies on a node', async () => {
    const world = new QuietWorld();
    const process = world.start('P');
    await world.agenda.pass(500);
    const { records } = world.hosts[1]!.node.data;
    records.texts.set('j:1', { text: 'not json', endsMs: Infinity });
    records.enlist('processed:j', 'j:1', Infinity, 0);
    world.hosts[0]!.node.flush();
    await world.takes(process, MINUTE_MS, 1_000);
    expect(world.markers).toEqual(['voting', 'voting', 'voting']);
  });

  it('nodes that differ are cut off while they are told: nothing is left to nobody', async () => {
    const world = new QuietWorld();
    const process = world.start('P');
    await world.agenda.pass(500);
    const holder = { service: 's', host: 'h', pid: 1 };
    const told = { kind: 'processed', job: 'j', retentionMs: LONG_MS, holder } as const;
    const done = success({ token: 5, owner: 'o', now: START_MS, told })(NOTHING);
    for (const { node } of world.hosts.slice(0, 2)) {
      node.data.records.texts.set('j:1', { text: textOf(done), endsMs: Infinity });
    }
    const read = process.client.outcomes!.read('j:1').then((record) => {
      for (const port of process.ports) port.suffer(trouble('cut', 0, 1_000));
      return record;
    });
    await world.agenda.pass(10_000);
    expect(await read).toMatchObject({ state: 'processed' });
    // Jest tells of a rejection that nobody has handled.
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('two copy from a third that has forgotten, over slow links', async () => {
    const world = new QuietWorld({ nodeTimeoutMs: 500 });
    await world.agenda.pass(500);
    // Each finds it out while it is looked at because of the other.
    world.quarantine(0, 'clock-jump', 600);
    world.quarantine(2, 'clock-jump', 875);
    const process = world.start('P');
    await world.agenda.pass(100);
    process.ports[1]!.suffer(trouble('slow', 149));
    world.hosts[1]!.node.flush();
    await world.agenda.pass(MINUTE_MS);
    expect(world.markers).toEqual(['voting', 'voting', 'voting']);
  });

  it.each([[undefined], [[0, 0, 0]], [[10, 10, 10]], [[10, 150, 400]]])(
    'and stays there while a process wakes up whose clock stood still (connections cut for %j ms)',
    async (cuts) => {
      const world = new QuietWorld({ maxTtlMs: 10_000 });
      const sleeper = world.start('P');
      const other = world.start('Q');
      let sleptMs = 0;
      const { clock } = sleeper;
      const now = clock.now.bind(clock);
      clock.now = () => now() - sleptMs;
      await world.agenda.pass(500);
      await world.takes(sleeper, 500, 100);
      await world.takes(other, 500, 100);
      sleeper.stop(LONG_MS);
      await world.agenda.pass(MINUTE_MS);
      sleptMs = MINUTE_MS;
      for (const [at, ms] of (cuts ?? []).entries())
        sleeper.ports[at]!.suffer(trouble('cut', 0, ms));
      sleeper.resume();
      if (!cuts) await world.takes(sleeper, 20, 20);
      expect(await world.takes(other, 3_000, 100)).toBe(30);
      await world.agenda.pass(2_000);
      expect(statesOf(sleeper)).toEqual(['voting', 'voting', 'voting']);
    },
  );

  it('and stays there where not all may ask a server for its settings', async () => {
    let ports = 0;
    const wrapPort = (port: NodePort): NodePort => {
      if (ports++ < 3) return port;
      const hello = port.hello.bind(port);
      port.hello = async () => ({ ...(await hello()), isDurable: undefined });
      return port;
    };
    const world = new QuietWorld({ isDurable: true, wrapPort });
    const all = [world.start('P'), world.start('Q')];
    await world.agenda.pass(500);
    let held = 0;
    for (let i = 0; i < 200; i++) held += await world.takes(all[i % 2]!, 20, 20);
    expect(held).toBe(200);
  });
});
