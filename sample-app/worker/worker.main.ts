import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { LockService } from '../../lib/index.ts';
import { endWithParent, tellParent } from '../shared/parent-process.ts';
import { WorkerModule } from './worker.module.ts';

endWithParent();

const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['warn', 'error'] });
app.enableShutdownHooks();

app.get(LockService).events$.subscribe((event) => {
  if (event.type === 'lost') tellParent({ type: 'lock-lost', lockName: event.name });
});
tellParent({ type: 'ready' });
