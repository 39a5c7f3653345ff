import { Injectable } from '@nestjs/common';
import { Locked, LockService } from 'nestjs-locker';

/** One method, under a lock in two ways. */
@Injectable()
export class InvoiceService {
  constructor(private readonly locks: LockService) {}

  @Locked('invoice:<id>')
  async issue(id: number): Promise<number> {
    return id;
  }

  issueByHand(id: number): Promise<number> {
    return this.locks.withLock(`invoice:${id}`, () => this.issueUnlocked(id));
  }

  async issueUnlocked(id: number): Promise<number> {
    return id;
  }
}
