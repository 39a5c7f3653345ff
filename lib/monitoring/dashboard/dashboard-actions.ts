import { Logger } from '@nestjs/common';
import { type Duration } from '../../core/duration.js';
import { holderText } from '../../core/holder-text.js';
import { printable } from '../../core/printable.js';
import { LockBusyError } from '../../lock.errors.js';
import type { LockService } from '../../lock.service.js';
import type { Subject } from '../../stores/lock-store.interface.js';
import type { ResolvedActions } from './dashboard-options.js';
import { DashboardRefusal } from './fields.js';
import { rawRequest } from './loopback.guard.js';

export interface ForceReleaseOrder extends Subject {
  readonly fencingToken: number;
}

export interface ResolveOrder {
  readonly name: string;
  readonly fencingToken: number;
  readonly decision: 'processed' | 'retry';
  readonly retention: Duration | undefined;
}

const MOST_OF_ACTOR = 200;

/** What can be done on the page; all of it is told to everybody, with who did it. */
export class DashboardActions {
  private readonly logger = new Logger('LockDashboard');

  constructor(
    private readonly locks: LockService,
    private readonly options: ResolvedActions,
  ) {}

  /** @throws DashboardRefusal if it is not to be known who it is */
  async actorOf(request: object): Promise<string> {
    const { actor } = this.options;
    if (!actor) return rawRequest(request).socket.remoteAddress ?? 'somebody';
    let who: unknown;
    try {
      who = await actor(request);
    } catch (error) {
      this.logger.warn(`The option "actor" failed: ${String(error)}`);
    }
    if (typeof who === 'string' && who.trim() !== '') return who.slice(0, MOST_OF_ACTOR);
    throw new DashboardRefusal(403, 'It is not known who you are, so that nothing can be done.');
  }

  async forceRelease({ name, kind, fencingToken }: ForceReleaseOrder, actor: string) {
    const { client } = this.locks.jobs;
    const [had] = await client.forceRelease({ name, kind }, fencingToken);
    if (!had) {
      throw new DashboardRefusal(
        409,
        'It is not held under this fencing token any more: nothing was released. Look at it again.',
      );
    }
    const text = `Released by force by ${actor}; ${holderText(had.holder)} held it with fencing token ${fencingToken}.`;
    await this.audit(name, text, actor);
    return { holder: had.holder };
  }

  async resolve({ name, fencingToken, decision, retention }: ResolveOrder, actor: string) {
    const record = await this.locks.outcomes.of(name);
    const last = record?.attempts.at(-1);
    const isThatOne = record?.state === 'unknown' && last?.fencingToken === fencingToken;
    const isResolved = isThatOne && (await this.resolveAsTold(record, decision, retention));
    if (!isResolved) {
      throw new DashboardRefusal(
        409,
        'The outcome of that attempt is not unknown any more: nothing was changed. Look at it again.',
      );
    }
    const means = decision === 'processed' ? 'it counts as processed' : 'it may be done again';
    const text = `Resolved by ${actor}: ${means}. ${holderText(last!.holder)} had begun it with fencing token ${fencingToken}.`;
    await this.audit(name, text, actor);
    return { decision };
  }

  private async resolveAsTold(
    record: Parameters<LockService['outcomes']['resolve']>[0],
    decision: 'processed' | 'retry',
    retention: Duration | undefined,
  ): Promise<boolean> {
    try {
      const options = retention === undefined ? {} : { retention };
      return await this.locks.outcomes.resolve(record, decision, options);
    } catch (error) {
      if (error instanceof LockBusyError) throw new DashboardRefusal(409, error.message);
      throw error;
    }
  }

  /** It is done: that it cannot be told to all must not look as if it were not. */
  private async audit(name: string, text: string, actor: string): Promise<void> {
    this.logger.warn(printable(`"${name}": ${text}`));
    try {
      await this.locks.overview.audit({ type: 'audit', name, text, actor });
    } catch (error) {
      this.logger.warn(`The audit entry could not be written: ${(error as Error).message}`);
    }
  }
}
