import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { endWithParent, tellParent } from '../shared/parent-process.ts';
import { WorkerModule } from './worker.module.ts';

endWithParent();

// Lost locks and unknown outcomes are warnings. Here they are what the demo is about: it counts them.
const app = await NestFactory.create(WorkerModule, {
  logger: ['error'],
  forceCloseConnections: true,
});
app.enableShutdownHooks();
const port = Number(process.env['METRICS_PORT'] ?? 0);
if (port > 0) await app.listen(port, '127.0.0.1');
else await app.init();

tellParent({ type: 'ready' });
