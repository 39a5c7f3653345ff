import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type {
  HandOverFacts,
  ServerFacts,
  StoreSurvey,
  SurveyRequest,
} from '../survey.interface.js';
import { NOTHING_TOLD, PROBE_HOLDER, probeName, timeWrite } from '../write-probe.js';
import type { Electorate } from './electorate.js';
import type { AcquireStep, NodeReply } from './node-port.interface.js';
import { tellState } from './quorum-errors.js';
import type { QuorumNode } from './quorum-node.js';

const TTL_MS = 1_000;
const PAUSE_MS = 10;

/** Looks at each node by itself: what votes on it, and what it says of itself. */
export async function surveyNodes(
  electorate: Electorate,
  request: SurveyRequest,
  told: () => HandOverFacts,
): Promise<StoreSurvey> {
  const [servers, handOvers] = await Promise.all([
    Promise.all(electorate.nodes.map((node) => surveyNode(electorate, node, request))),
    request.isThorough ? tryFreed(electorate, told, request.timeoutMs) : told(),
  ]);
  const voting = servers.filter(({ error }) => error === null).length;
  const quorum = { voting, needed: electorate.majority, all: servers.length };
  return { servers, handOvers, quorum, cluster: null };
}

async function surveyNode(
  electorate: Electorate,
  node: QuorumNode,
  request: SurveyRequest,
): Promise<ServerFacts> {
  const probe = (): Promise<void> => probeNode(electorate, node);
  const facts = await (node.port.survey?.(request, probe) ?? timeWrite(probe, request.timeoutMs));
  const server = node.description;
  return { ...NOTHING_TOLD, ...facts, server, node: electorate.statusOf(node) };
}

/** A lease of this node alone: what is on one of several is no lock. */
function probeNode(electorate: Electorate, node: QuorumNode): Promise<void> {
  const status = electorate.statusOf(node);
  if (!node.canVote) {
    return Promise.reject(status.error ?? new Error(`it ${tellState(status)}`));
  }
  const name = probeName();
  const owner = `${randomUUID()}.1`;
  const step: AcquireStep = {
    type: 'acquire',
    name,
    owner,
    ttlMs: TTL_MS,
    proposal: electorate.propose(),
    tokens: 1,
    holder: PROBE_HOLDER,
    waitMs: 0,
  };
  return new Promise((resolve, reject) => {
    const judge = (reply: NodeReply | Error): void => {
      if (reply instanceof Error) return reject(reply);
      if (reply.type === 'granted') {
        node.release({ type: 'release', name, owner, leaves: true, minHoldMs: 0 });
        return resolve();
      }
      reject(reply.type === 'failed' ? reply.error : new Error('it does not vote any more'));
    };
    node.ask(step, { vote: (_, reply) => judge(reply) });
  });
}

/** Has all of them tell of freed names, as the first wait does. */
async function tryFreed(
  electorate: Electorate,
  told: () => HandOverFacts,
  timeoutMs: number,
): Promise<HandOverFacts> {
  for (const { port } of electorate.nodes) port.listenTo();
  const until = performance.now() + timeoutMs;
  while (told().how !== 'push' && told().error === null && performance.now() < until) {
    await setTimeout(PAUSE_MS);
  }
  const facts = told();
  if (facts.how === 'push' || facts.error) return facts;
  return { how: 'polling', error: new Error('too few nodes tell of names that become free') };
}
