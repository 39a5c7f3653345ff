import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { LockModule } from 'nestjs-locker';
import { InvoiceResolver } from './invoice.resolver.js';

@Module({
  imports: [
    LockModule.forRoot({ redis: process.env.REDIS_URL }),
    GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true }),
  ],
  providers: [InvoiceResolver],
})
export class AppModule {}
