// oxlint-disable jest/no-conditional-expect -- each kind of command is compared in its own way
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import type {
  ListId,
  NodeAnswer,
  NodeMarker,
  NodeReply,
  NodeStep,
  RecordStep,
} from '../../lib/stores/quorum/node-port.interface.js';
import { markerText } from '../../lib/stores/quorum/node-port.interface.js';
import { QuorumKeySpace } from '../../lib/stores/quorum/quorum-keys.js';
import { RedisNodePort } from '../../lib/stores/quorum/redis-node.port.js';
import { SimulatedNode } from '../simulation/quorum/simulated-node.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const RUNS = Number(process.env['MODEL_RUNS'] ?? 150);
const SEED = Number(process.env['MODEL_SEED'] ?? 1);

jest.setTimeout(60_000 + RUNS * 500);

const NAMES = ['a', 'b'];
const MARKER: NodeMarker = {
  state: 'voting',
  runId: 'run-1',
  maxTtlMs: 60_000,
  isDurable: false,
  sinceMs: 1,
  votesFromMs: 0,
  isByMost: false,
  reason: 'first',
};
const OTHER: NodeMarker = { ...MARKER, state: 'quarantined', votesFromMs: 2, reason: 'emptied' };

/** A step whose token and proposal are told by what is there when its turn comes. */
type Draft = { readonly step: NodeStep; readonly off: number };

type Command =
  | { readonly type: 'take'; readonly knows: boolean; readonly drafts: readonly Draft[] }
  | {
      readonly type: 'mark';
      readonly knows: boolean;
      readonly off: number;
      readonly votes: boolean;
    }
  | { readonly type: 'look'; readonly knows: boolean }
  /** Of the server's clock: the ttls lie well apart from it. */
  | { readonly type: 'pass'; readonly ms: number };

const name = fc.constantFrom(...NAMES);
// Attempts of a wait are told from another whose text begins alike.
const owner = fc.constantFrom('o1', 'o1.1', 'o1.2', 'o12', 'o2', 'o2.1');
// A process says who it is once for all steps of a call.
const holder = fc.constant({ service: 'ü {}', host: 'h', pid: 1 });
const ttlMs = fc.constantFrom(20_000, 60_000, 200_000);
const waitMs = fc.constantFrom(0, 20_000, 60_000);
const fencingToken = fc.constant(0);
const named = { name, owner };

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record<NodeStep>({
      type: fc.constant('acquire' as const),
      ...named,
      ttlMs,
      proposal: fc.constant(0),
      tokens: fc.constantFrom(1, 1, 64),
      holder,
      waitMs,
    } as never),
  },
  ...(['confirm', 'renew', 'adopt', 'transfer'] as const).map((type) => ({
    weight: 2,
    arbitrary: fc.record<NodeStep>({
      type: fc.constant(type),
      ...named,
      fencingToken,
      lastToken: fencingToken,
      ttlMs,
      holder,
      newOwner: owner,
    } as never),
  })),
  {
    weight: 4,
    arbitrary: fc.record<NodeStep>({
      type: fc.constant('release' as const),
      ...named,
      leaves: fc.boolean(),
      minHoldMs: fc.constantFrom(0, 0, 0, 40_000),
    } as never),
  },
  {
    weight: 1,
    arbitrary: fc.record<NodeStep>({ type: fc.constant('inspect' as const), name } as never),
  },
  {
    weight: 1,
    arbitrary: fc.record<NodeStep>({
      type: fc.constant('force' as const),
      name,
      mark: fc.constantFrom(undefined, '', 'o1', 'o2'),
    } as never),
  },
);

// What nodes compare are texts to them, and no more.
const text = fc.constantFrom('', 't1', '[0,["ü"]]');
const list = fc.constantFrom<(ListId | undefined)[]>('processed:j', 'begun:j', 'begun:', undefined);
const inMs = fc.constantFrom(0, 30_000, 90_000);
const outcomeStep = fc.oneof(
  { weight: 1, arbitrary: fc.record<NodeStep>({ type: fc.constant('recall' as const), name }) },
  {
    weight: 6,
    arbitrary: fc.record<NodeStep>({
      type: fc.constant('record' as const),
      name,
      expected: text,
      next: text.map((each) => each || 't2'),
      endsMs: inMs,
      from: list,
      to: list,
      listedUntil: inMs,
      isKept: fc.boolean(),
      claim: fc.option(fc.record({ owner, fencingToken }), { nil: undefined, freq: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<NodeStep>({
      type: fc.constant('forget' as const),
      name,
      expected: text,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<NodeStep>({
      type: fc.constant('list' as const),
      id: list.map((id) => id ?? 'kept'),
      cursor: fc.constant('0'),
      count: fc.constant(250),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<NodeStep>({
      type: fc.constant('lists' as const),
      cursor: fc.constant('0'),
    }),
  },
);

// µs; the limit for proposals is 2 s.
const off = fc.constantFrom(-5_000_000, -1, 0, 0, 0, 1, 40, 700_000, 1_900_000, 2_500_000);
const isRight = fc.oneof(
  { weight: 9, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.boolean() },
);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('take' as const),
      knows: isRight,
      drafts: fc.array(
        fc.record({
          step: fc.oneof(step as fc.Arbitrary<NodeStep>, outcomeStep as fc.Arbitrary<NodeStep>),
          off,
        }),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('look' as const), knows: isRight }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('mark' as const),
      knows: isRight,
      off,
      votes: isRight,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('pass' as const),
      ms: fc.constantFrom(7_000, 50_000),
    }),
  },
);

/** The same schedules for a real server and for the simulation's node. */
describe("The simulation's node", () => {
  let server: RedisServer;
  let client: Redis;
  let port: RedisNodePort;
  let subscriber: Redis;
  const told: string[] = [];
  const keys = new QuorumKeySpace('lock');

  beforeAll(async () => {
    server = await RedisServer.start({ canStepClock: true });
    client = server.client();
    port = new RedisNodePort(client, 'nodes[0]', keys);
    let isOpen = false;
    port.open({
      onOpen: () => (isOpen = true),
      onClose: () => undefined,
      onFreed: () => undefined,
      onListening: () => undefined,
    });
    await until(() => isOpen, { what: 'the node is connected' });
    subscriber = server.client();
    await subscriber.subscribe(keys.channel);
    subscriber.on('message', (_channel: string, lease: string) => told.push(lease));
  });

  afterAll(async () => {
    await port?.close();
    await server?.stop();
  });

  async function run(commands: readonly Command[]): Promise<void> {
    await client.flushall();
    const model = new ModelRun();
    told.length = 0;
    for (const each of commands) {
      if (each.type === 'pass') {
        server.stepClock(each.ms);
        continue;
      }
      if (each.type === 'take') {
        const steps = each.drafts.map((draft) => model.resolve(draft));
        const answer = await port.take(model.marker(each.knows), steps);
        const { micros, replies } = model.take(answer.micros, each.knows, steps);
        expect({ steps, isTimed: answer.micros > 0 }).toEqual({ steps, isTimed: micros > 0 });
        const answered = answer.replies.map((reply, i) => alike(reply, replies[i]!));
        expect({ steps, replies: answered }).toEqual({ steps, replies });
      } else if (each.type === 'mark') {
        const { expected, marker, floor } = model.marking(each);
        const isWritten = await port.mark(expected, marker, floor);
        expect(isWritten).toBe(model.node.mark(expected, marker, floor));
        expect((await port.hello()).markerText).toBe(model.node.hello().markerText);
      } else {
        const text = model.marker(each.knows);
        expect(await port.highestToken(text)).toBe(model.node.highestToken(text));
      }
    }
    const expected = model.freed.map((freed) => keys.of(freed).lease);
    await until(() => told.length >= expected.length, { what: 'all that became free is told' });
    expect(told).toEqual(expected);
  }

  it('answers as the scripts do on a real one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 30, size: 'max' }), run),
      {
        numRuns: RUNS,
        seed: SEED,
      },
    );
  });
});

/** The model, at the time of the server's last answer. */
class ModelRun {
  readonly freed: string[] = [];
  readonly node: SimulatedNode;
  private startMicros = 1_700_000_000_000_000;
  private micros = this.startMicros;
  private readonly tokens = new Map<string, number>();

  constructor() {
    this.node = new SimulatedNode({
      name: 'n1',
      startMicros: this.startMicros,
      // Half a µs more, so that none is lost by rounding.
      now: () => (this.micros - this.startMicros + 0.5) / 1_000,
      wander: 0,
      isDurable: false,
    });
  }

  marker(isRight: boolean): string {
    return isRight ? (this.node.data.marker ?? '') : 'voting';
  }

  marking({ knows, off: ahead, votes }: Extract<Command, { type: 'mark' }>) {
    const expected = knows ? this.node.data.marker : markerText({ ...MARKER, runId: 'run-0' });
    const floor = ahead > 0 ? this.micros + ahead : 0;
    return { expected, marker: votes ? MARKER : OTHER, floor };
  }

  /** Tokens are those that the owner has there, or was last given, give or take some. */
  resolve({ step: draft, off: ahead }: Draft): NodeStep {
    if (draft.type === 'acquire') return { ...draft, proposal: this.micros + ahead };
    if (draft.type === 'record') return this.resolveRecord(draft, ahead);
    if (!('fencingToken' in draft)) return draft;
    const token = this.tokenOf(draft.name, draft.owner, ahead);
    return { ...draft, fencingToken: token, lastToken: token + 3 } as NodeStep;
  }

  private tokenOf(of: string, by: string, ahead: number): number {
    return Math.max(1, (this.tokens.get(`${of} ${by}`) ?? this.micros) + ahead);
  }

  /** Its times are counted from now. */
  private resolveRecord(draft: RecordStep, ahead: number): RecordStep {
    const now = Math.floor(this.micros / 1_000);
    const { name: of, claim, endsMs, listedUntil, isKept } = draft;
    return {
      ...draft,
      endsMs: endsMs && now + endsMs,
      listedUntil: listedUntil && now + listedUntil,
      isKept: isKept && endsMs > 0,
      claim: claim && { ...claim, fencingToken: this.tokenOf(of, claim.owner, ahead) },
    };
  }

  take(micros: number, knows: boolean, steps: readonly NodeStep[]): NodeAnswer {
    // Where TIME is not told, no step looked at it.
    this.micros = micros || this.micros;
    const answer = this.node.take(this.marker(knows), steps, (freed) => this.freed.push(freed));
    for (const [held, { owner: by, token }] of this.node.data.leases) {
      this.tokens.set(`${held} ${by}`, token);
    }
    return answer;
  }
}

/** What is left is counted from a clock that is looked at twice in a script: it need not be quite the same. */
function alike(reply: NodeReply, model: NodeReply): NodeReply {
  if (reply.type === 'listed' && model.type === 'listed') {
    const isSame = String(reply.names.toSorted()) === String(model.names.toSorted());
    return isSame ? model : reply; // in whatever order
  }
  if (!('lease' in reply && reply.lease && 'lease' in model && model.lease)) return reply;
  const { remainingMs } = model.lease;
  const isClose = Math.abs(reply.lease.remainingMs - remainingMs) <= 100;
  return isClose ? { ...reply, lease: { ...reply.lease, remainingMs } } : reply;
}
