import type { ServerResponse } from 'node:http';
import { Body, Controller, Get, Param, Post, Res } from '@nestjs/common';
// Types that stand in a decorated signature: `import type`, or Nest would look for them at run time.
import type {
  Submission,
  SubmissionRequest,
  SubmissionStatistics,
} from '../shared/submission.interface.ts';
import { SubmissionService } from './submission.service.ts';

@Controller()
export class SubmissionController {
  constructor(private readonly submissions: SubmissionService) {}

  @Post('submissions')
  submit(
    @Body() request: SubmissionRequest,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<Submission> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    return this.submissions.accept(request, gone.signal);
  }

  /** Has this invoice arrived? */
  @Get('invoices/:number')
  status(@Param('number') number: string): { received: boolean } {
    return { received: this.submissions.has(number) };
  }

  @Get('submissions')
  all(): readonly Submission[] {
    return this.submissions.all();
  }

  @Get('submissions/under-way')
  underWay(): readonly Submission[] {
    return this.submissions.underWay();
  }

  @Get('statistics')
  statistics(): SubmissionStatistics {
    return this.submissions.statistics();
  }
}
