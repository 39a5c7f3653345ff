import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Locked } from 'nestjs-locker';

@Injectable()
export class InvoiceService {
  @Locked('invoice:<id>')
  async issue(id: string): Promise<string> {
    await sleep(3_000); // the work
    return `Invoice ${id} is issued.`;
  }
}
