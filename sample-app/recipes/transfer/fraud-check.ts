import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** Another service, which looks at what an account has done lately: two transfers at once would mislead it. */
@Injectable()
export class FraudCheck {
  private readonly underway = new Set<string>();
  overlaps = 0;

  async check(from: string, to: string, _cents: number): Promise<void> {
    for (const id of [from, to]) {
      if (this.underway.has(id)) this.overlaps++;
      this.underway.add(id);
    }
    await sleep(5);
    for (const id of [from, to]) this.underway.delete(id);
  }
}
