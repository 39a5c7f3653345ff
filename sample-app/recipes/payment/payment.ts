import { BadRequestException } from '@nestjs/common';

export interface Payment {
  readonly account: string;
  readonly cents: number;
}

export interface Receipt {
  readonly receipt: number;
}

/** What a client sends, if it is a payment; a validation library of your choice does it as well. */
export function paymentOf(body: unknown): Payment {
  const { account, cents } = (body ?? {}) as Partial<Record<keyof Payment, unknown>>;
  if (typeof account !== 'string' || !/^[\w-]{1,64}$/.test(account)) {
    throw new BadRequestException('"account" is no account.');
  }
  if (typeof cents !== 'number' || !Number.isInteger(cents) || cents < 1 || cents > 1e9) {
    throw new BadRequestException('"cents" is no amount.');
  }
  return { account, cents };
}

/** A key of up to 255 printable characters: it becomes part of a lock's name. */
export function idempotencyKeyOf(header: unknown): string {
  if (typeof header === 'string' && /^[!-~]{1,255}$/.test(header)) return header;
  throw new BadRequestException('Send an Idempotency-Key of up to 255 printable characters.');
}
