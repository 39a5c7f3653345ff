import { Controller, Get, Header } from '@nestjs/common';
import { register } from 'prom-client';

/** What a Prometheus scrapes: the locks of this replica. */
@Controller('metrics')
export class MetricsController {
  @Get()
  @Header('content-type', register.contentType)
  metrics(): Promise<string> {
    return register.metrics();
  }
}
