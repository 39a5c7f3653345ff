import { Injectable } from '@nestjs/common';

/** Where reports go; of all replicas the same. */
const made: Date[] = [];

@Injectable()
export class Reports {
  async make(): Promise<void> {
    made.push(new Date());
  }

  get made(): readonly Date[] {
    return made;
  }
}
