import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Shipment } from './shipment.processor.js';

@Injectable()
export class Warehouse {
  readonly packed: Shipment[] = [];
  together = 0;
  atOnce = 0;
  private readonly customers: string[] = [];

  async pack(shipment: Shipment): Promise<void> {
    if (this.customers.includes(shipment.customer)) this.together++;
    this.customers.push(shipment.customer);
    this.atOnce = Math.max(this.atOnce, this.customers.length);
    await sleep(30);
    this.customers.splice(this.customers.indexOf(shipment.customer), 1);
    this.packed.push(shipment);
  }
}
