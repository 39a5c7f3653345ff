import { type FenceRejectedMessage, lockChannels } from '../core/lock-channels.js';
import type { StaleFencingTokenError } from '../lock.errors.js';

/** Tells that a storage has refused a token, and gives the error to be thrown. */
export function rejection(
  storage: FenceRejectedMessage['storage'],
  error: StaleFencingTokenError,
): StaleFencingTokenError {
  const { fenceRejected } = lockChannels;
  if (fenceRejected.hasSubscribers) {
    const { resource, fencingToken, newestToken } = error;
    fenceRejected.publish({ storage, resource, fencingToken, newestToken });
  }
  return error;
}
