import 'reflect-metadata';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { endWithParent, tellParent } from '../shared/parent-process.ts';
import { AuthorityModule } from './authority.module.ts';

/** Longer than any replica stands still: what wakes goes on over the connection that it has. */
const KEEP_ALIVE_MS = 60_000;

endWithParent();

const app = await NestFactory.create(AuthorityModule, {
  logger: ['warn', 'error'],
  forceCloseConnections: true,
});
(app.getHttpServer() as Server).keepAliveTimeout = KEEP_ALIVE_MS;
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');

tellParent({ type: 'listening', url: await app.getUrl() });
