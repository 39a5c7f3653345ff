import { Body, Controller, Get, Post } from '@nestjs/common';
import type {
  JournalEntry,
  JournalRequest,
  Passage,
  SubmissionStatistics,
} from '../shared/submission.interface.ts';
import { Journal } from './journal.ts';
import { Traffic } from './traffic.ts';

/** What only the orchestrator asks. */
@Controller()
export class AuthorityController {
  constructor(
    private readonly journal: Journal,
    private readonly traffic: Traffic,
  ) {}

  @Post('journal')
  async begin(@Body() { fencing }: JournalRequest): Promise<void> {
    await this.journal.begin(fencing);
    this.traffic.clear();
  }

  @Get('journal')
  entries(): Promise<JournalEntry[]> {
    return this.journal.entries();
  }

  @Get('traffic')
  passages(): readonly Passage[] {
    return this.traffic.all();
  }

  @Get('traffic/under-way')
  underWay(): readonly Passage[] {
    return this.traffic.underWay();
  }

  @Get('statistics')
  async statistics(): Promise<SubmissionStatistics> {
    return { ...(await this.journal.count()), refused: this.traffic.refused() };
  }
}
