import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { endWithParent, tellParent } from '../shared/parent-process.ts';
import { WorkerModule } from './worker.module.ts';

endWithParent();

// Lost locks and unknown outcomes are warnings. Here they are what the demo is about: it counts them.
const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['error'] });
app.enableShutdownHooks();

tellParent({ type: 'ready' });
