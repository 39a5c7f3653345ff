import { Processor, WorkerHost } from '@nestjs/bullmq';
import { DelayedError, type Job } from 'bullmq';
import { type BusyContext, Locked } from 'nestjs-locker';
import { Warehouse } from './warehouse.js';

export interface Shipment {
  readonly customer: string;
  readonly parcel: number;
}

/** The worker is free for other jobs at once; this one comes again a little later. */
async function later({ args }: BusyContext): Promise<never> {
  const [job, token] = args as [Job<Shipment>, string | undefined];
  await job.moveToDelayed(Date.now() + 50, token);
  throw new DelayedError();
}

@Processor('shipments', { concurrency: 4 })
export class ShipmentProcessor extends WorkerHost {
  constructor(private readonly warehouse: Warehouse) {
    super();
  }

  // One job of a customer at a time, however many workers there are.
  @Locked('customer:<job.data.customer>', { onBusy: later })
  override async process(job: Job<Shipment>, _token?: string): Promise<void> {
    await this.warehouse.pack(job.data);
  }
}
