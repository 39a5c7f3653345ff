import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** Where reports go; of all replicas the same. */
const made: Date[] = [];

@Injectable()
export class Reports {
  /** Ends when the signal does: then somebody else may be making the next one. */
  async make(signal: AbortSignal): Promise<void> {
    await sleep(50, undefined, { signal }); // the work
    made.push(new Date());
  }

  get made(): readonly Date[] {
    return made;
  }
}
