import { setTimeout as sleep } from 'node:timers/promises';
import { Args, Field, Int, Mutation, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { Locked, LockService } from 'nestjs-locker';

@ObjectType()
export class Invoice {
  @Field(() => Int)
  id!: number;

  @Field()
  status!: string;
}

@Resolver(() => Invoice)
export class InvoiceResolver {
  constructor(private readonly locks: LockService) {}

  // Whoever asks for what somebody else is at is told so at once: an error with the code LOCK_BUSY.
  @Mutation(() => Invoice)
  @Locked('invoice:<id>', { wait: 0 })
  async issueInvoice(@Args('id', { type: () => Int }) id: number): Promise<Invoice> {
    await sleep(300);
    return { id, status: 'issued' };
  }

  // Of one invoice, by whichever replica. The list of all names is nothing for clients.
  @Query(() => Boolean)
  async isBeingIssued(@Args('id', { type: () => Int }) id: number): Promise<boolean> {
    return (await this.locks.inspect(`invoice:${id}`)) !== null;
  }
}
