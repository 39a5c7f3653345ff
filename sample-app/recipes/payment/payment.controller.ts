import { Body, Controller, Headers, Post } from '@nestjs/common';
import { idempotencyKeyOf, paymentOf, type Receipt } from './payment.js';
import { PaymentService } from './payment.service.js';

@Controller('payments')
export class PaymentController {
  constructor(private readonly payments: PaymentService) {}

  @Post()
  async pay(@Headers('idempotency-key') key: unknown, @Body() body: unknown): Promise<Receipt> {
    return this.payments.pay(idempotencyKeyOf(key), paymentOf(body));
  }
}
