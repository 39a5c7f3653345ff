import { LockOptionsError } from '../../lock.errors.js';
import type { NodeStatus } from '../lock-store.interface.js';
import type { Electorate } from './electorate.js';

export const duplicateError = (one: string, other: string): LockOptionsError =>
  new LockOptionsError(
    `LockModule option "nodes": ${one} and ${other} are the same server: its vote would count twice. ` +
      'Name independent servers.',
  );

const STATES: Record<NodeStatus['state'], string> = {
  voting: 'votes',
  unreachable: 'gives no answer',
  silent: 'does not answer in time',
  quarantined: 'does not vote yet',
  skewed: 'does not vote: its clock is more than a second away from those of most nodes',
  suspect: 'does not vote while the others are asked whether its clock has jumped',
  blank: 'is new, and does not vote yet',
};

const REASONS: Record<NonNullable<NodeStatus['reason']>, string> = {
  restarted: 'it was restarted, and may have forgotten votes',
  emptied: 'it has no memory of its votes, so it is new or was emptied',
  'clock-jump': 'its clock has jumped',
};

/** What a node is at the moment, as what follows its description in a sentence. */
export function tellState({ state, reason, votesInMs, error }: NodeStatus): string {
  if (error && state === 'unreachable') return `cannot be used (${error.message})`;
  if (error) return `does not vote, since it cannot be told what it has to know (${error.message})`;
  if (!reason) return STATES[state];
  const forNow = votesInMs ? `does not vote for another ${Math.ceil(votesInMs)} ms` : STATES[state];
  return `${forNow}: ${REASONS[reason]}`;
}

/** Too few nodes vote: with what is the matter with each that does not. */
export function tooFewNodes({ statuses, majority }: Electorate): Error {
  const others = statuses.filter(({ state }) => state !== 'voting');
  const voting = statuses.length - others.length;
  const list = others.map((status) => `${status.node} ${tellState(status)}`).join('; ');
  const isNew = others.some(({ state }) => state === 'blank');
  const emptied = others.filter(({ reason }) => reason === 'emptied').length;
  const hint = isNew ? FIRST_DEPLOYMENT : emptied >= majority ? NO_MEMORY : '';
  return new Error(
    `${voting} of ${statuses.length} nodes vote, and ${majority} are needed; ${list}${hint}`,
  );
}

const FIRST_DEPLOYMENT = '. A first deployment begins when all nodes can be used';

const NO_MEMORY =
  '. Nodes that have no memory of their votes keep from voting for as long as the longest ttl in use ("maxTtl"), since ' +
  'they may have forgotten locks; where all of them are new, the LockModule option "firstDeployment" spares the very ' +
  'first start this delay';

/** Enough nodes would vote, but their votes have not come. */
export function tooFewVotes(errors: readonly Error[]): Error {
  const why = errors.map(({ message }) => message).join('; ');
  return new Error(`too few votes have come in time${why ? `: ${why}` : ''}`);
}
