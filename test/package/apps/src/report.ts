import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockModule, LockService, type LockStore } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { Redis } from 'ioredis';
import { InvoiceService } from './invoice.service.js';

/** What an application saw of the package that was installed in it. */
export async function report() {
  const client = new Redis(process.env['REDIS_URL']!);
  try {
    return {
      byUrl: await issueOn({ redis: process.env['REDIS_URL'] }),
      byClient: await issueOn({ redis: client }),
      inTests: await issueOn({ store: new TestLockStore() }),
    };
  } finally {
    client.disconnect();
  }
}

async function issueOn(options: { redis?: string | Redis | undefined; store?: LockStore }) {
  @Module({ imports: [LockModule.forRoot(options)], providers: [InvoiceService] })
  class AppModule {}

  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  try {
    const issued = await app.get(InvoiceService).issue({ id: 42 });
    return { ...issued, after: await app.get(LockService).inspect('invoice:42') };
  } finally {
    await app.close();
  }
}
