import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { LockModule } from 'nestjs-locker';
import { ShipmentProcessor } from './shipment.processor.js';
import { Warehouse } from './warehouse.js';

/** One for both replicas. */
const warehouse = new Warehouse();

@Module({
  imports: [
    LockModule.forRoot({ redis: process.env.REDIS_URL }),
    BullModule.forRoot({ connection: { url: process.env.REDIS_URL } }),
    BullModule.registerQueue({ name: 'shipments' }),
  ],
  providers: [ShipmentProcessor, { provide: Warehouse, useValue: warehouse }],
})
export class AppModule {}
