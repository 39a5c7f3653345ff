import type { Clock } from '../../core/clock.js';
import type { LockError } from '../../lock.errors.js';
import type { NodeStatus, StoreWatcher } from '../lock-store.interface.js';
import { bucketOf } from '../redis/redis-keys.js';
import { HybridClock } from './hybrid-clock.js';
import { duplicateError, tooFewNodes } from './quorum-errors.js';
import { FOUNDING_MS, type Founding, NodeAdmission } from './node-admission.js';
import { NodeClocks } from './node-clocks.js';
import { type NodeHello, type NodePort, parseMarker } from './node-port.interface.js';
import { statusOf } from './node-status.js';
import { OtherNodes } from './other-nodes.js';
import { QuorumNode } from './quorum-node.js';

export interface ElectorateOptions {
  readonly clock: Clock;
  readonly maxTtlMs: number;
  readonly nodeTimeoutMs: number;
  /** Nodes that are all blank vote at once. */
  readonly isFirstDeployment: boolean;
  /** It looks on: nodes are what others have marked them. Default: false. */
  readonly isObserver?: boolean;
}

/** The nodes together, and which of them vote. */
export class Electorate {
  readonly nodes: readonly QuorumNode[];
  readonly majority: number;
  /** Why there is no quorum, and will not be. */
  refusal: LockError | undefined;
  watcher: StoreWatcher | undefined;
  /** A node has been looked at, with whatever result. */
  onLook: () => void = () => undefined;
  onFreed: (name: string) => void = () => undefined;
  onListening: (refusal?: Error) => void = () => undefined;
  readonly clocks: NodeClocks;
  private readonly others: OtherNodes;
  private readonly admissions: readonly NodeAdmission[];
  private readonly hybridClock = new HybridClock();
  private readonly runIds = new Map<QuorumNode, string>();
  private readonly listening = new Set<QuorumNode>();
  private readonly told: string[] = [];
  /** Those that have had a marker: where it is missing later, it was lost. */
  private readonly known = new Set<QuorumNode>();
  /** Which nodes this process has seen blank at one look, and until when it marks them as a first deployment. */
  private founding: { readonly servers: string; readonly until: number } | undefined;
  private whenVoting: (() => void)[] = [];
  private isClosed = false;

  constructor(
    ports: readonly NodePort[],
    private readonly options: ElectorateOptions,
  ) {
    const { clock, maxTtlMs, nodeTimeoutMs: timeoutMs } = options;
    const tools = {
      clock,
      maxTtlMs,
      timeoutMs,
      jumped: (node: QuorumNode) => this.clocks.suspect(node),
      refused: (node: QuorumNode) => this.admissionOf(node).greet(),
      silenceChanged: (node: QuorumNode) => this.onSilence(node),
      observed: () => this.clocks.checkSkew(),
    };
    this.nodes = ports.map((port, i) => new QuorumNode(i, port, tools));
    this.majority = Math.floor(ports.length / 2) + 1;
    const { nodes, majority } = this;
    const admissionOf = (node: QuorumNode) => this.admissionOf(node);
    this.clocks = new NodeClocks(nodes, majority, {
      clock,
      admissionOf,
      changed: (node) => this.onChange(node),
      doubted: () => this.watcher?.onDoubt(),
    });
    const now = () => this.clocks.votersTime();
    this.others = new OtherNodes(nodes, majority, { clock, timeoutMs, admissionOf, now });
    this.admissions = this.nodes.map(
      (node) =>
        new NodeAdmission(node, {
          clock,
          maxTtlMs,
          timeoutMs,
          isObserver: options.isObserver ?? false,
          largestTtlMs: (asked) => this.others.largestTtlMs(asked),
          mayFound: (...asked) => this.mayFound(...asked),
          highestTokenOfOthers: (asked) => this.others.highestToken(asked),
          copyOutcomes: (...asked) => this.others.copyOutcomes(...asked),
          identified: (asked, hello) => this.identify(asked, hello),
          mostNodesTime: () => this.clocks.mostNodesTime(),
          observed: () => this.clocks.checkSkew(true),
          jumped: (asked) => this.clocks.suspect(asked),
          changed: (asked) => this.onChange(asked),
        }),
    );
  }

  open(): void {
    for (const node of this.nodes) {
      const admission = this.admissionOf(node);
      node.port.open({
        onOpen: () => admission.opened(),
        onClose: (reason) => {
          this.runIds.delete(node); // another server may be at its address from now on
          admission.closed(reason);
        },
        onFreed: (name) => this.onFreed(name),
        onListening: (isListening, refusal) => {
          const wasTold = this.isToldOfFreed;
          if (isListening) this.listening.add(node);
          else this.listening.delete(node);
          if (refusal || (this.isToldOfFreed && !wasTold)) this.onListening(refusal);
        },
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.flush()));
    this.isClosed = true;
    this.clocks.close();
    for (const admission of this.admissions) admission.end();
    await Promise.all(this.nodes.map(({ port }) => port.close()));
  }

  /** Whether it is known of each node what it is, or why it cannot be asked. */
  get areLookedAt(): boolean {
    return this.admissions.every(
      ({ standing, problem }) => standing !== 'unreachable' || problem !== undefined,
    );
  }

  get votingCount(): number {
    return this.nodes.reduce((count, node) => count + (node.canVote ? 1 : 0), 0);
  }

  /** Those that vote, in this order. @throws where they are no majority */
  demandVoters(nodes = this.nodes): QuorumNode[] {
    const voters = nodes.filter((node) => node.canVote);
    if (voters.length < this.majority) throw tooFewNodes(this);
    return voters;
  }

  /** What the nodes have said of themselves that whoever runs them should know. */
  get notices(): string[] {
    return this.nodes.flatMap((node) => this.admissionOf(node).notices);
  }

  isQuarantined(node: QuorumNode): boolean {
    return this.admissionOf(node).standing === 'quarantined';
  }

  /** Whether enough nodes tell of names that became free. */
  get isToldOfFreed(): boolean {
    return this.listening.size >= this.majority;
  }

  /**
   * The nodes in the order in which they are asked about a name, the same for every process, so that those who
   * want one name meet at the same nodes first; those that are slow at the moment come last.
   */
  orderFor(name: string): readonly QuorumNode[] {
    const { nodes } = this;
    const now = this.options.clock.now();
    const start = bucketOf(name);
    const order: QuorumNode[] = [];
    const slow: QuorumNode[] = [];
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(start + i) % nodes.length]!;
      if (node.canVote && !node.isSlow(now)) order.push(node);
      else slow.push(node);
    }
    return slow.length > 0 ? [...order, ...slow] : order;
  }

  propose(): number {
    return this.hybridClock.propose(this.clocks.fastestMs);
  }

  /** A node has given this token. */
  learn(token: number): void {
    this.hybridClock.observe(token, this.clocks.fastestMs);
  }

  get statuses(): NodeStatus[] {
    return this.nodes.map((node) => this.statusOf(node));
  }

  statusOf(node: QuorumNode): NodeStatus {
    return statusOf(node, this.admissionOf(node), this.options.clock.now());
  }

  private admissionOf(node: QuorumNode): NodeAdmission {
    return this.admissions[node.index]!;
  }

  private identify(node: QuorumNode, hello: NodeHello): void {
    if (hello.markerText !== null) this.known.add(node);
    if (hello.refusal) throw new Error(hello.refusal);
    for (const [other, runId] of this.runIds) {
      if (other !== node && runId === hello.runId && other.isOpen) {
        const error = duplicateError(other.description, node.description);
        this.refusal = error;
        this.onLook();
        throw error;
      }
    }
    this.runIds.set(node, hello.runId);
  }

  /**
   * All nodes of a first deployment are blank; who sees that at one look marks them all. A node that had a marker
   * before, or was started anew since that look, is blank because it has forgotten.
   */
  private async mayFound(node: QuorumNode, runId: string): Promise<Founding> {
    if (!this.options.isFirstDeployment || this.known.has(node)) return 'no';
    const hellos = await this.others.hellos(node);
    if (this.known.has(node)) return 'no';
    const others = this.nodes.filter((other) => other !== node);
    if (others.some((other) => !hellos.has(other) && this.admissionOf(other).marker === null)) {
      return 'incomplete';
    }
    const told = others.flatMap((other) => hellos.get(other) ?? []);
    if (told.length < others.length || !told.every((each) => isBlank(each) || isFounded(each))) {
      return 'no';
    }
    const now = this.options.clock.now();
    const servers = [runId, ...told.map((each) => each.runId)].sort().join();
    if (told.every(isBlank) && this.founding?.servers !== servers) {
      this.founding = { servers, until: now + FOUNDING_MS };
      for (const other of others) this.admissionOf(other).greet();
    }
    return this.founding?.servers === servers && now < this.founding.until ? 'yes' : 'wait';
  }

  private onSilence(node: QuorumNode): void {
    if (this.isClosed) return;
    if (!node.isSilent) {
      node.payOwed();
    } else {
      this.clocks.probe(node, 2 * this.options.nodeTimeoutMs);
    }
    this.onChange(node);
  }

  /** Resolves when a majority votes, or a node's time limit is over. */
  untilVoting(): Promise<void> {
    return new Promise((resolve) => {
      this.whenVoting.push(resolve);
      this.options.clock.setTimer(resolve, this.options.nodeTimeoutMs, true);
    });
  }

  private onChange(node: QuorumNode): void {
    if (this.isClosed) return;
    if (this.votingCount >= this.majority) for (const go of this.whenVoting.splice(0)) go();
    if (this.admissionOf(node).marker !== null) this.known.add(node);
    this.onLook();
    const status = this.statusOf(node);
    const isHindered = this.admissionOf(node).hindrance !== undefined;
    const told = isHindered ? `${status.state}, hindered` : status.state;
    if (this.told[node.index] === told) return;
    this.told[node.index] = told;
    this.clocks.checkSoon();
    this.watcher?.onNode(status);
  }
}

const isBlank = ({ markerText }: NodeHello): boolean => markerText === null;

function isFounded({ markerText, runId }: NodeHello): boolean {
  const marker = markerText === null ? null : parseMarker(markerText);
  return marker?.state === 'voting' && marker.reason === 'first' && marker.runId === runId;
}
