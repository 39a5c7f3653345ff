import type { OnModuleDestroy } from '@nestjs/common';
import { Processor, WorkerHost } from '@nestjs/bullmq';
import { DelayedError, type Job } from 'bullmq';
import {
  Locked,
  LockBusyError,
  LockDrainingError,
  LockLostError,
  LockStoreError,
} from 'nestjs-locker';
import { Warehouse } from './warehouse.js';

export interface Shipment {
  readonly customer: string;
  readonly parcel: number;
}

/** What says nothing against the job itself: it is to come again, here or at another worker. */
const COME_AGAIN = [LockBusyError, LockDrainingError, LockLostError, LockStoreError];

@Processor('shipments', { concurrency: 4 })
export class ShipmentProcessor extends WorkerHost implements OnModuleDestroy {
  constructor(private readonly warehouse: Warehouse) {
    super();
  }

  override async process(job: Job<Shipment>, token?: string): Promise<void> {
    try {
      await this.pack(job.data);
    } catch (error) {
      if (!COME_AGAIN.some((type) => error instanceof type)) throw error;
      // The worker is free for other jobs at once; this one comes back in one to three seconds.
      await job.moveToDelayed(Date.now() + 1_000 + Math.random() * 2_000, token);
      throw new DelayedError();
    }
  }

  // One job of a customer at a time, however many workers there are. Each parcel once, also if
  // BullMQ runs its job again; what nobody knows waits for somebody to look.
  @Locked('customer:<shipment.customer>', { wait: 0 })
  @Locked('parcel:<shipment.customer>:<shipment.parcel>', { once: { onUnknown: 'hold' } })
  async pack(shipment: Shipment): Promise<void> {
    await this.warehouse.pack(shipment);
  }

  /** The workers are closed later than locks are refused. Until then this one takes no more jobs. */
  async onModuleDestroy(): Promise<void> {
    await this.worker.pause(true); // without waiting for those that it has
  }
}
