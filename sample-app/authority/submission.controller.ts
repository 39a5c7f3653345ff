import type { ServerResponse } from 'node:http';
import { Body, Controller, Get, Param, ParseIntPipe, Post, Res } from '@nestjs/common';
import { FencingToken } from '../../lib/fencing/index.ts';
// Types that stand in a decorated signature: `import type`, or Nest would look for them at run time.
import type { Document, DocumentReceipt, FilingReceipt } from '../shared/submission.interface.ts';
import { SubmissionService } from './submission.service.ts';
import { Traffic } from './traffic.ts';

/** The token is optional here, for those who have no locks; the guard demands it where it stands. */
@Controller()
export class SubmissionController {
  constructor(
    private readonly submissions: SubmissionService,
    private readonly traffic: Traffic,
  ) {}

  @Post('submissions')
  handIn(
    @Body() document: Document,
    @FencingToken({ optional: true }) token: number | undefined,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<DocumentReceipt> {
    return this.traffic.watch('hand in', document, response, () =>
      this.submissions.handIn(document, token),
    );
  }

  @Post('submissions/:reference/filing')
  async file(
    @Param('reference', ParseIntPipe) reference: number,
    @FencingToken({ optional: true }) token: number | undefined,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<FilingReceipt> {
    const document = await this.submissions.find(reference);
    return this.traffic.watch('file', document, response, () =>
      this.submissions.file(document, token),
    );
  }

  /** Has this invoice arrived? */
  @Get('invoices/:number')
  async status(
    @Param('number') number: string,
    @FencingToken({ optional: true }) token: number | undefined,
  ): Promise<{ received: boolean }> {
    return { received: await this.submissions.hasReceived(number, token) };
  }
}
