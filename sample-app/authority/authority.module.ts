import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { LockExceptionFilter } from '../../lib/index.ts';
import { AuthorityController } from './authority.controller.ts';
import { database } from './database.ts';
import { Journal } from './journal.ts';
import { SubmissionController } from './submission.controller.ts';
import { SubmissionService } from './submission.service.ts';
import { Traffic } from './traffic.ts';

/** It has no locks of its own, and so no LockModule: it only knows the tokens of others' locks. */
@Module({
  controllers: [AuthorityController, SubmissionController],
  providers: [
    database,
    Journal,
    SubmissionService,
    Traffic,
    // A stale token is answered as 412, which the sender's fencedFetch knows.
    { provide: APP_FILTER, useClass: LockExceptionFilter },
  ],
})
export class AuthorityModule {}
