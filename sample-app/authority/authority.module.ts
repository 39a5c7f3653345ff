import { Module } from '@nestjs/common';
import { SubmissionController } from './submission.controller.ts';
import { SubmissionService } from './submission.service.ts';

@Module({ controllers: [SubmissionController], providers: [SubmissionService] })
export class AuthorityModule {}
