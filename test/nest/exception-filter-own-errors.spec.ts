import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  ConflictException,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  Param,
  UseFilters,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { LockBusyError, Locked } from 'nestjs-locker';
import { Deferred } from '../support/lock-service.js';
import { type Platform, startHttpApp } from './fixtures/app.js';

class PaymentError extends Error {}

@Catch(PaymentError)
class PaymentFilter implements ExceptionFilter<PaymentError> {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch({ message }: PaymentError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    httpAdapter.reply(host.switchToHttp().getResponse(), { paid: false, message }, 402);
  }
}

const busy = () => new LockBusyError('secret', 'secret', null);

const OWN_ERRORS: Record<string, () => unknown> = {
  conflict: () => new ConflictException('own conflict'),
  'bad request': () => new BadRequestException({ message: ['amount'], error: 'own' }),
  teapot: () => new HttpException('short and stout', 418),
  'conflict by a lock': () => new ConflictException('own conflict', { cause: busy() }),
  payment: () => new PaymentError('no money'),
  error: () => new Error('own error'),
  'error by a lock': () => new Error('own error', { cause: busy() }),
  'with a code': () => Object.assign(new Error('own error'), { code: 'LOCK_BUSY' }),
  'no error': () => ({ statusCode: 409, message: 'own object' }),
  text: () => 'own text',
};

@Controller()
@UseFilters(PaymentFilter)
class InvoiceController {
  readonly begun = new Deferred();
  readonly goOn = new Deferred();

  @Get('fail/:how')
  @Locked('invoice')
  async fail(@Param('how') how: string): Promise<never> {
    throw OWN_ERRORS[how]!();
  }

  @Get('lose')
  @Locked('invoice')
  async lose(): Promise<never> {
    this.begun.resolve();
    await this.goOn.promise;
    throw new ConflictException('own conflict');
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
}

async function answerOf(url: string): Promise<Answer> {
  const response = await fetch(url);
  const { date: _date, ...headers } = Object.fromEntries(response.headers);
  return { status: response.status, headers, text: await response.text() };
}

describe.each<Platform>(['express', 'fastify'])("an application's own error on %s", (platform) => {
  const start = (exceptionFilter: boolean) =>
    startHttpApp({ controllers: [InvoiceController], locks: { exceptionFilter } }, platform);

  it('is answered as without the filter', async () => {
    const [{ url: withFilter }, { url: without }] = [await start(true), await start(false)];
    for (const how of Object.keys(OWN_ERRORS)) {
      const answer = await answerOf(`${withFilter}/fail/${how}`);
      expect({ how, ...answer }).toEqual({ how, ...(await answerOf(`${without}/fail/${how}`)) });
      expect(answer.headers['content-type']).not.toMatch(/problem/);
    }
    expect((await answerOf(`${withFilter}/fail/payment`)).status).toBe(402);
  });

  it('is answered as it is when the lock was lost before', async () => {
    const { app, store, url } = await start(true);
    const { begun, goOn } = app.get(InvoiceController);
    const answer = answerOf(`${url}/lose`);
    await begun.promise;
    await store.forceLose('invoice');
    goOn.resolve();
    const { status, text } = await answer;
    expect([status, JSON.parse(text)]).toEqual([
      409,
      { statusCode: 409, message: 'own conflict', error: 'Conflict' },
    ]);
  });
});
