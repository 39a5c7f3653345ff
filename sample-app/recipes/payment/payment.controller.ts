import { BadRequestException, Body, Controller, Headers, Post } from '@nestjs/common';
import { type Payment, PaymentService, type Receipt } from './payment.service.js';

@Controller('payments')
export class PaymentController {
  constructor(private readonly payments: PaymentService) {}

  @Post()
  async pay(
    @Headers('idempotency-key') key: string | undefined,
    @Body() payment: Payment,
  ): Promise<Receipt> {
    if (!key) throw new BadRequestException('Send an Idempotency-Key header.');
    return this.payments.pay(key, payment);
  }
}
