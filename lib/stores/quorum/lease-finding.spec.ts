import { describe, expect, it } from '@jest/globals';
import { findHolder } from './lease-finding.js';
import type { NodeLease, NodeReply } from './node-port.interface.js';

const lease = (mark: string, fencingToken = 1): NodeLease => ({
  mark,
  fencingToken,
  sinceMs: 0,
  remainingMs: 1_000,
  holder: { service: mark, host: 'h', pid: 1 },
});
const found = (who: NodeLease | null, waiting = 0): NodeReply => ({
  type: 'found',
  lease: who,
  waiting,
});

describe('findHolder', () => {
  it('finds whom most nodes have, and how many', () => {
    const replies = [
      found(lease('x')),
      undefined,
      found(lease('y')),
      found(lease('y')),
      found(null),
    ];
    expect(findHolder(replies)).toMatchObject({ lease: { mark: 'y' }, have: 2 });
    expect(findHolder(replies).leases).toHaveLength(3);
  });

  it('finds the token that most of them have', () => {
    const replies = [9, 7, 7].map((token) => found(lease('x', token)));
    expect(findHolder(replies)).toMatchObject({ lease: { fencingToken: 7 }, have: 3 });
  });

  it('finds when it ends at the first of them', () => {
    const replies = [300, 100, 200].map((remainingMs) => found({ ...lease('x'), remainingMs }));
    expect(findHolder(replies)).toMatchObject({ lease: { remainingMs: 100 } });
  });

  it('finds the longest queue, and nobody where nobody is', () => {
    expect(findHolder([found(null, 1), found(null, 3), undefined])).toEqual({
      lease: undefined,
      have: 0,
      leases: [],
      waiting: 3,
    });
  });
});
