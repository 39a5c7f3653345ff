import { describe, expect, it } from '@jest/globals';
import { ForbiddenException } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  Field,
  GraphQLModule,
  Int,
  Mutation,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { Locked } from 'nestjs-locker';
import { startHttpApp } from './fixtures/app.js';

@ObjectType()
class Invoice {
  @Field(() => Int)
  id!: number;
}

@Resolver(() => Invoice)
class InvoiceResolver {
  @Query(() => Invoice)
  async invoice(): Promise<Invoice> {
    return { id: 7 };
  }

  @Query(() => String, { nullable: true })
  async other(): Promise<string> {
    return 'other';
  }

  @Query(() => String, { nullable: true })
  @Locked('secret:7', { wait: 0 })
  async state(): Promise<string> {
    return 'open';
  }

  @Mutation(() => Invoice)
  @Locked('secret:7', { wait: 0 })
  async issue(): Promise<Invoice> {
    return { id: 7 };
  }

  @ResolveField(() => String, { nullable: true })
  @Locked('secret:7', { wait: 0 })
  async total(): Promise<string> {
    return '12.00';
  }

  @Query(() => String)
  @Locked('free')
  async forbidden(): Promise<never> {
    throw new ForbiddenException('not yours');
  }
}

interface Answer {
  readonly data: unknown;
  readonly errors: readonly { message: string; path: string[]; extensions: object }[];
}

async function start(options: Partial<ApolloDriverConfig> = {}) {
  const started = await startHttpApp({
    imports: [
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        playground: false,
        // As it is outside of production.
        includeStacktraceInErrorResponses: true,
        fieldResolverEnhancers: ['filters'],
        ...options,
      }),
    ],
    providers: [InvoiceResolver],
  });
  const ask = async (query: string): Promise<{ status: number; text: string; answer: Answer }> => {
    const response = await fetch(`${started.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const text = await response.text();
    return { status: response.status, text, answer: JSON.parse(text) as Answer };
  };
  return { ...started, ask };
}

const BUSY = 'Somebody else is working on this at the moment. Try again later.';

describe('an error of a lock in GraphQL', () => {
  it.each([
    ['a query', '{ other state }', ['state'], { other: 'other', state: null }],
    ['a mutation', 'mutation { issue { id } }', ['issue'], null],
    [
      'a field',
      '{ invoice { id total } }',
      ['invoice', 'total'],
      { invoice: { id: 7, total: null } },
    ],
  ])('has its code in the extensions, and its place: %s', async (_what, query, path, data) => {
    const { ask, store } = await start();
    await store.busy('secret:7');
    const { status, text, answer } = await ask(query);
    expect([status, answer.data]).toEqual([200, data]);
    expect(answer.errors).toEqual([
      expect.objectContaining({
        message: BUSY,
        path,
        extensions: { code: 'LOCK_BUSY', stacktrace: expect.any(Array) },
      }),
    ]);
    expect(text).not.toMatch(/secret|somebody-else|elsewhere/);
  });

  it('is another for an unreachable store', async () => {
    const { ask, store } = await start();
    store.fail('acquire', { times: 100, error: new Error('secret-host:6379 is gone') });
    const { text, answer } = await ask('{ state }');
    expect(answer.errors[0]?.extensions).toMatchObject({ code: 'LOCK_STORE_UNREACHABLE' });
    expect(text).not.toMatch(/secret/);
  });

  it('leaves other errors to Nest', async () => {
    const { ask } = await start();
    const { answer } = await ask('{ forbidden }');
    expect(answer.errors).toEqual([
      expect.objectContaining({
        message: 'not yours',
        extensions: expect.objectContaining({
          code: 'FORBIDDEN',
          originalError: expect.objectContaining({ statusCode: 403 }),
        }),
      }),
    ]);
  });
});
