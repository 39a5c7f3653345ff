import { types } from 'node:util';

/** A promise that is given up after a time; what it comes to later is of no interest any more. */
export function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new NoAnswerError(timeoutMs));
    const timer = setTimeout(late, timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Nothing came in time. */
export class NoAnswerError extends Error {
  constructor(readonly timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

/** Also errors of another realm, as Node's own are under jest. */
export const errorFrom = (value: unknown): Error =>
  types.isNativeError(value) ? value : new Error(String(value));
