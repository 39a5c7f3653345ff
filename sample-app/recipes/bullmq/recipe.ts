import { getQueueToken } from '@nestjs/bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { Replicas } from '../replicas.js';
import { AppModule } from './app.module.js';
import type { Shipment } from './shipment.processor.js';
import { Warehouse } from './warehouse.js';

const CUSTOMERS = ['ada', 'bob', 'cleo'];
const EACH = 5;

export async function run(print: (line: string) => void): Promise<void> {
  const replicas = await Replicas.start(AppModule);
  const queue = replicas.get<Queue<Shipment>>(getQueueToken('shipments'));
  const warehouse = replicas.all(Warehouse)[0]!;
  const jobs = CUSTOMERS.flatMap((customer) =>
    Array.from({ length: EACH }, (_, parcel) => ({ name: 'ship', data: { customer, parcel } })),
  );
  await queue.addBulk(jobs);
  while (warehouse.packed.length < 5) await sleep(5);
  await replicas.closeLast(); // as a deployment does, while jobs wait
  while (warehouse.packed.length < jobs.length) await sleep(20);

  const parcels = new Set(warehouse.packed.map(({ customer, parcel }) => `${customer}-${parcel}`));
  print(`${jobs.length} jobs of ${CUSTOMERS.length} customers, 2 replicas with 4 jobs at a time`);
  print('one of the replicas is closed meanwhile');
  print(`packed: ${warehouse.packed.length}, different parcels: ${parcels.size}`);
  print(`two of one customer at the same time: ${warehouse.together}`);
  print(`customers at the same time: ${warehouse.atOnce > 1 ? 'several' : 'one'}`);
  const { failed } = await queue.getJobCounts('failed');
  print(`failed: ${failed}`);
  await replicas.close();
}
