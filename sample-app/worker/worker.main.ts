import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { endWithParent, onParentMessage, tellParent } from '../shared/parent-process.ts';
import { InvoiceJob } from './invoice.job.ts';
import { WorkerModule } from './worker.module.ts';

endWithParent();

// Lost locks and unknown outcomes are warnings. Here they are what the demo is about: it counts them.
const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['error'] });
app.enableShutdownHooks();

onParentMessage(() => {
  void app
    .get(InvoiceJob)
    .idle()
    .then(() => tellParent({ type: 'idle' }));
});
tellParent({ type: 'ready' });
