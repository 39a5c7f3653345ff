import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { endWithParent, tellParent } from '../shared/parent-process.ts';
import { DashboardModule } from './dashboard.module.ts';

endWithParent();

const app = await NestFactory.create(DashboardModule, {
  logger: ['warn', 'error'],
  forceCloseConnections: true,
});
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');

tellParent({ type: 'listening', url: `${await app.getUrl()}/locks` });
