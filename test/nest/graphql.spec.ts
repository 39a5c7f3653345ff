import { describe, expect, it } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Args, GraphQLModule, Int, Mutation, Parent, Query, Resolver } from '@nestjs/graphql';
import { Field, ObjectType, ResolveField } from '@nestjs/graphql';
import { Locked, LockService } from 'nestjs-locker';
import { startHttpApp } from './fixtures/app.js';

@ObjectType()
class Invoice {
  @Field(() => Int)
  id!: number;
}

@Resolver(() => Invoice)
class InvoiceResolver {
  constructor(private readonly locks: LockService) {}

  @Query(() => String)
  @Locked('query:<id>', { onBusy: () => 'busy' })
  async below(@Args('id', { type: () => Int }) id: number): Promise<string> {
    return `${id}:${this.locks.current()?.name}`;
  }

  @Locked('query:<id>', { onBusy: () => 'busy' })
  @Query(() => String)
  async above(@Args('id', { type: () => Int }) id: number): Promise<string> {
    return `${id}:${this.locks.current()?.name}`;
  }

  @Mutation(() => Invoice)
  @Locked('invoice:<id>')
  async issue(@Args('id', { type: () => Int }) id: number): Promise<Invoice> {
    return { id };
  }

  @ResolveField(() => String)
  @Locked('field:<invoice.id>')
  async lockName(@Parent() invoice: Invoice): Promise<string> {
    return `${invoice.id}:${this.locks.current()?.name}`;
  }
}

async function start() {
  const started = await startHttpApp({
    imports: [
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        playground: false,
      }),
    ],
    providers: [InvoiceResolver],
  });
  const ask = async (query: string): Promise<unknown> => {
    const response = await fetch(`${started.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    return response.json();
  };
  return { ...started, ask };
}

describe('a GraphQL resolver', () => {
  it.each(['above', 'below'])('answers a query under the lock: @Locked %s', async (field) => {
    const { ask, store } = await start();
    expect(await ask(`{ ${field}(id: 7) }`)).toEqual({ data: { [field]: '7:query:7' } });
    await store.busy('query:7');
    expect(await ask(`{ ${field}(id: 7) }`)).toEqual({ data: { [field]: 'busy' } });
  });

  it('answers a mutation and resolves a field', async () => {
    const { ask } = await start();
    expect(await ask('mutation { issue(id: 7) { id lockName } }')).toEqual({
      data: { issue: { id: 7, lockName: '7:field:7' } },
    });
  });
});
