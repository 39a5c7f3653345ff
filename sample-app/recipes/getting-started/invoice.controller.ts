import { Controller, Param, Post } from '@nestjs/common';
import { InvoiceService } from './invoice.service.js';

@Controller('invoices')
export class InvoiceController {
  constructor(private readonly invoices: InvoiceService) {}

  @Post(':id/issue')
  issue(@Param('id') id: string): Promise<string> {
    return this.invoices.issue(id);
  }
}
