import { describe, expect, it } from '@jest/globals';
import { markerText, type NodeMarker, parseMarker } from './node-port.interface.js';

const marker: NodeMarker = {
  state: 'quarantined',
  runId: '6d1f0c',
  maxTtlMs: 30_000,
  isDurable: true,
  sinceMs: 1_700_000_000_000,
  votesFromMs: 1_700_000_030_302,
  isByMost: true,
  reason: 'clock-jump',
};

describe('the text of a marker', () => {
  it.each<[string, Partial<NodeMarker>]>([
    ['in quarantine', {}],
    [
      'that votes',
      { state: 'voting', votesFromMs: 0, isByMost: false, reason: 'first', isDurable: false },
    ],
    ['restarted', { reason: 'restarted' }],
    ['emptied', { reason: 'emptied' }],
  ])('comes back as it was (%s)', (_what, part) => {
    const whole = { ...marker, ...part };
    expect(parseMarker(markerText(whole))).toEqual(whole);
  });

  it.each([
    '',
    'voting',
    'a lock of somebody else',
    `${markerText(marker)} `,
    `x${markerText(marker)}`,
  ])('is no other text (%p)', (text) => {
    expect(parseMarker(text)).toBeNull();
  });
});
