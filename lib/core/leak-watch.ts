import type { Lock } from './lock.js';
import type { Holding } from './tenure.js';

interface Watched {
  readonly holding: Holding;
  readonly stack: string | undefined;
}

/**
 * Notices handles that are garbage-collected unreleased: nobody could ever release them.
 *
 * The collector's notice costs more than all the rest of a lock, so it is asked for only with the
 * first renewal: until then the handle is kept alive.
 */
export class LeakWatch {
  private readonly registry: FinalizationRegistry<Watched>;
  private readonly watched = new Set<Holding>();

  constructor(
    private readonly withStacks: boolean,
    onLeak: (holding: Holding, stack: string | undefined) => void,
  ) {
    this.registry = new FinalizationRegistry(({ holding, stack }) => onLeak(holding, stack));
  }

  watch(lock: Lock, holding: Holding): void {
    const stack = this.withStacks ? new Error('taken here').stack : undefined;
    holding.tenures[0]!.onRenewal = () => {
      this.watched.add(holding);
      this.registry.register(lock, { holding, stack }, holding);
    };
  }

  unwatch(holding: Holding): void {
    if (this.watched.delete(holding)) this.registry.unregister(holding);
  }
}
