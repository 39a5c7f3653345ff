import type { Held } from './library.js';

type Using = (routine: (signal: AbortSignal) => Promise<void>) => Promise<unknown>;

/** For libraries that renew a lock only as long as a routine of theirs runs. */
export function holdWithin(using: Using): Promise<Held> {
  return new Promise((resolve, reject) => {
    let finish!: () => void;
    const finished = new Promise<void>((done) => (finish = done));
    const over = using((signal) => {
      resolve({
        signal,
        isHeld: () => !signal.aborted,
        release: async () => {
          finish();
          await over;
          return 'released';
        },
      });
      return finished;
    });
    over.catch(reject);
  });
}
