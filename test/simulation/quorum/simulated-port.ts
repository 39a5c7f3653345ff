import { type Agenda, OUTSIDE } from '../agenda.js';
import type {
  NodeAnswer,
  NodeHello,
  NodeListener,
  NodeMarker,
  NodePort,
  NodeStep,
} from '../../../lib/stores/quorum/node-port.interface.js';
import type { Asked, History } from './history.js';
import type { NodeHost } from './node-host.js';
import type { LinkTrouble } from './schedule.js';
import type { SimulatedNode } from './simulated-node.js';

export interface PortTools {
  readonly agenda: Agenda;
  readonly random: () => number;
  /** Has it done by the process, as soon as that is able to. */
  readonly perform: (task: () => void) => void;
  /** Whose connection it is. */
  readonly process: string;
  readonly history: History | undefined;
  readonly onAnswer: (node: SimulatedNode, times: AnswerTimes) => void;
}

/** A question on its way. */
interface Question {
  readonly asked: Asked;
  readonly ask: (node: SimulatedNode) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  isDelayed: boolean;
  sentAt: number;
}

/** When a question was sent, taken and answered. */
export interface AnswerTimes {
  readonly sentAt: number;
  readonly takenAt: number;
  readonly hadAt: number;
}

/** One connection, as TCP has it: each direction comes in order, until it breaks. */
class Link {
  isOpen = true;
  /** Nothing that was sent on it arrives any more. */
  isStranded = false;
  /** What was sent on it arrives so much later, after what was sent on newer ones. */
  delayMs = 0;
  lastArrival = 0;
  lastReply = 0;
  readonly questions = new Set<Question>();

  constructor(
    /** Of the node. */
    readonly start: number,
  ) {}
}

const RECONNECT_MS = 40;
const SHORTEST_LATENCY_MS = 0.1;

/** What lies between one process and one node, with its troubles. */
export class SimulatedPort implements NodePort {
  readonly description: string;
  lastError: Error | undefined;
  private readonly troubles = new Map<LinkTrouble['what'], LinkTrouble>();
  /** When the last `stalled` ends. */
  private stallEnd = 0;
  private listener: NodeListener | undefined;
  /** As the network has it, and as the process knows it. */
  private wire: Link | undefined;
  private link: Link | undefined;
  private isListening = false;
  private isClosed = false;

  constructor(
    private readonly host: NodeHost,
    private readonly tools: PortTools,
  ) {
    this.description = host.name;
  }

  open(listener: NodeListener): void {
    this.listener = listener;
    this.host.ports.add(this);
    this.connect(0);
  }

  hello(): Promise<NodeHello> {
    return this.send('hello', (node) => node.hello());
  }

  take(marker: string, steps: readonly NodeStep[]): Promise<NodeAnswer> {
    return this.send(steps, (node) =>
      node.take(marker, steps, (name) => this.host.tellFreed(name)),
    );
  }

  mark(expected: string | null, marker: NodeMarker, floor: number): Promise<boolean> {
    return this.send(marker, (node) => node.mark(expected, marker, floor));
  }

  highestToken(marker: string): Promise<number | null> {
    return this.send('highest token', (node) => node.highestToken(marker));
  }

  listenTo(): void {
    if (this.isListening) return;
    this.isListening = true;
    this.subscribe();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.host.ports.delete(this);
    this.break('closed', 0);
  }

  suffer(trouble: LinkTrouble): void {
    const { agenda } = this.tools;
    const { what, ms, forMs, isHarsh } = trouble;
    this.troubles.set(what, trouble);
    if (what === 'stalled') this.stallEnd = agenda.now + forMs;
    if (what === 'cut' || what === 'reset') this.break(what, isHarsh ? undefined : ms);
    agenda.in(forMs, () => {
      if (this.troubles.get(what) !== trouble) return OUTSIDE;
      this.troubles.delete(what);
      // What was lost in silence shows as a broken connection in the end.
      if (what !== 'requests lost' && what !== 'replies lost') return OUTSIDE;
      const { wire } = this;
      agenda.in(isHarsh ? 0 : ms, () => {
        if (this.wire === wire) this.break('timed out');
      });
      return OUTSIDE;
    });
  }

  heal(): void {
    const { troubles } = this;
    const hasLost = troubles.has('requests lost') || troubles.has('replies lost');
    troubles.clear();
    this.stallEnd = 0;
    if (hasLost || this.wire?.isStranded) this.break('timed out');
  }

  /** @param lateMs how much later what is on its way comes to the node; `undefined` if it never does */
  break(why: string, lateMs?: number): void {
    const { wire, tools, host } = this;
    if (!wire) return;
    this.wire = undefined;
    wire.isOpen = false;
    wire.isStranded ||= lateMs === undefined;
    wire.delayMs = lateMs ?? 0;
    tools.perform(() => {
      if (this.link === wire) this.link = undefined;
      const error = new Error(`the connection to ${host.name} was lost: ${why}`);
      this.lastError = error;
      for (const { reject } of wire.questions) reject(error);
      wire.questions.clear();
      if (this.isListening) this.listener?.onListening(false);
      this.listener?.onClose(error);
    });
    this.connect(tools.random() * RECONNECT_MS);
  }

  /** The other end is gone, and does not say so. */
  strand(): void {
    if (this.wire) this.wire.isStranded = true;
  }

  tellFreed(name: string): void {
    const { wire, tools, troubles, listener } = this;
    if (!wire || wire.isStranded || !this.isListening || !listener) return;
    if (troubles.has('messages lost') || troubles.has('replies lost')) return;
    const at = Math.max(tools.agenda.now + this.latency(), this.stallEnd);
    tools.agenda.at(at, () => tools.perform(() => wire.isOpen && listener.onFreed(name)));
  }

  private connect(inMs: number): void {
    const { agenda, perform, random } = this.tools;
    agenda.in(inMs + this.latency(), () => {
      if (this.isClosed || this.wire) return OUTSIDE;
      if (!this.host.answers || this.troubles.has('cut')) {
        this.connect(RECONNECT_MS * (0.5 + random()));
        return OUTSIDE;
      }
      const wire = new Link(this.host.starts);
      this.wire = wire;
      return perform(() => {
        this.link = wire;
        this.listener!.onOpen();
        this.subscribe();
      });
    });
  }

  private subscribe(): void {
    const { wire, tools } = this;
    if (!this.isListening || !wire || this.link !== wire) return;
    tools.agenda.in(2 * this.latency(), () =>
      tools.perform(() => wire.isOpen && this.listener!.onListening(true)),
    );
  }

  private send<T>(what: Asked['what'], ask: (node: SimulatedNode) => T): Promise<T> {
    const { link, tools } = this;
    if (!link) return Promise.reject(this.lastError ?? new Error('there is no connection yet'));
    return new Promise((resolve, reject) => {
      const asked: Asked = { what, process: tools.process, node: this.host.name };
      const settle = { resolve: resolve as Question['resolve'], reject };
      this.dispatch({ asked, ask, ...settle, isDelayed: false, sentAt: 0 }, link);
    });
  }

  private dispatch(question: Question, link: Link): void {
    const { agenda, history } = this.tools;
    question.sentAt = agenda.now;
    link.questions.add(question);
    history?.sent(question.asked);
    if (!link.isOpen || this.troubles.has('requests lost')) return;
    const late = this.troubles.get('late');
    const arrival = agenda.now + this.latency();
    if (late) {
      agenda.at(arrival + late.ms, () => this.arrive(question, link, late));
    } else {
      link.lastArrival = Math.max(link.lastArrival, arrival, this.stallEnd);
      agenda.at(link.lastArrival, () => this.arrive(question, link));
    }
  }

  private arrive(question: Question, link: Link, late?: LinkTrouble): unknown {
    const { agenda } = this.tools;
    const { host, troubles } = this;
    if (link.isStranded) return OUTSIDE;
    if (link.delayMs > 0 && !question.isDelayed) {
      question.isDelayed = true;
      agenda.in(link.delayMs, () => this.arrive(question, link, late));
      return OUTSIDE;
    }
    const doubled = troubles.get('doubled');
    if (doubled) agenda.in(doubled.ms, () => host.serve(link.start, () => this.ask(question)));
    return host.serve(link.start, () => {
      const value = this.ask(question);
      if (link.isOpen && !troubles.has('replies lost') && !late?.isHarsh) {
        this.reply(question, link, value, late);
      }
      return OUTSIDE;
    });
  }

  private ask({ ask, asked }: Question): unknown {
    const value = ask(this.host.node);
    this.tools.history?.taken(asked, value);
    return value;
  }

  private reply(question: Question, link: Link, value: unknown, late?: LinkTrouble): void {
    const { agenda, perform, history, onAnswer } = this.tools;
    const takenAt = agenda.now;
    const { sentAt } = question;
    let at = agenda.now + this.latency();
    if (!late) at = link.lastReply = Math.max(link.lastReply, at, this.stallEnd);
    agenda.at(at, () => {
      if (!link.isOpen) return OUTSIDE;
      return perform(() => {
        if (!link.questions.delete(question)) return;
        history?.answered(question.asked);
        onAnswer(this.host.node, { sentAt, takenAt, hadAt: agenda.now });
        question.resolve(value);
      });
    });
  }

  private latency(): number {
    return SHORTEST_LATENCY_MS + this.tools.random() + (this.troubles.get('slow')?.ms ?? 0);
  }
}
