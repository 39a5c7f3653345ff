import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { endWithParent, tellParent } from '../../shared/parent-process.ts';
import { UnlockedWorkerModule } from './unlocked-worker.module.ts';

endWithParent();

const app = await NestFactory.createApplicationContext(UnlockedWorkerModule, {
  logger: ['warn', 'error'],
});
app.enableShutdownHooks();

tellParent({ type: 'ready' });
