import { LockService } from 'nestjs-locker';
import { Replicas } from '../replicas.js';
import { AppModule } from './app.module.js';
import { database, guard } from './database.js';
import { FraudCheck } from './fraud-check.js';
import { TransferService } from './transfer.service.js';

const ACCOUNTS = ['a', 'b', 'c'] as const;
const TRANSFERS = 30;

export async function run(print: (line: string) => void): Promise<void> {
  const replicas = await Replicas.start(AppModule);
  const services = replicas.all(TransferService) as [TransferService, TransferService];

  // In circles and back, all at once: with locks in the order of the arguments this would stand still.
  const transfers = Array.from({ length: TRANSFERS }, (_, turn) => {
    const from = ACCOUNTS[turn % 3]!;
    const to = ACCOUNTS[(turn + (turn % 2 ? 1 : 2)) % 3]!;
    return services[turn % 2]!.transfer(from, to, 1 + turn);
  });
  await Promise.all(transfers);
  const [fraud] = replicas.all(FraudCheck);
  print(`${TRANSFERS} transfers by 2 replicas between 3 accounts`);
  print(`two at one account at the same time: ${fraud!.overlaps}`);
  print(`cents in all: ${await total()}`);

  const locks = replicas.all(LockService) as [LockService, LockService];
  await comeTooLate(locks, services, fraud!, print);
  print(`cents in all: ${await total()}`);
  await replicas.close();
  await database.close();
}

async function total(): Promise<number> {
  const { rows } = await database.query<{ sum: number }>('SELECT sum(cents)::int FROM account');
  return rows[0]!.sum;
}

/** A replica stands still past its lease; another one is at its check; the first one wakes and writes. */
async function comeTooLate(
  [one, two]: [LockService, LockService],
  [, service]: [TransferService, TransferService],
  fraud: FraudCheck,
  print: (line: string) => void,
): Promise<void> {
  const names = ['account:a', 'account:b'];
  const sleeper = await one.acquire(names, { ttl: '1s' });
  for (const name of names) await two.forceRelease(name); // as if its lease had ended

  // It has not looked at its lock since, as a process that slept cannot: only the tokens are left.
  const writeLate = (): Promise<void> =>
    database.transaction(async (tx) => {
      await guard.assertFence(tx, 'account:a', sleeper.fencingTokens.get('account:a')!);
      await tx.query(`UPDATE account SET cents = cents - 100 WHERE id = 'a'`);
    });
  const check = fraud.check.bind(fraud);
  fraud.check = async (...transfer) => {
    await check(...transfer); // on what is there now
    await writeLate().catch((error: Error) => print(`a late transfer is refused: ${error.name}`));
  };
  await service.transfer('a', 'b', 100);
}
