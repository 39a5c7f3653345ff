import { randomUUID } from 'node:crypto';
import { LockService } from 'nestjs-locker';
import { Replicas } from '../replicas.js';
import { AppModule } from './app.module.js';
import { database } from './database.js';

export async function run(print: (line: string) => void): Promise<void> {
  const replicas = await Replicas.start(AppModule);
  const pay = async (turn: number, key: string | undefined, cents: number) => {
    const headers = { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) };
    const body = JSON.stringify({ account: 'A-1', cents });
    const response = await replicas.fetch(turn, '/payments', { method: 'POST', headers, body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const countRows = async (key: string): Promise<number> => {
    const { rows } = await database.query('SELECT 1 FROM payment WHERE key = $1', [key]);
    return rows.length;
  };

  const key = randomUUID();
  const answers = await Promise.all(Array.from({ length: 10 }, (_, turn) => pay(turn, key, 500)));
  const receipts = new Set(answers.map(({ body }) => body['receipt']));
  print(`10 requests with one key, to 2 replicas: ${await countRows(key)} payment`);
  print(`all answered 201: ${answers.every(({ status }) => status === 201)}`);
  print(`different receipts: ${receipts.size}`);

  const other = await pay(1, key, 900);
  print(`the same key, another amount: ${other.status} ${String(other.body['code'])}`);
  print(`no key: ${(await pay(0, undefined, 500)).status}`);

  await dieInTheMiddle(replicas, pay, print);
  await replicas.close();
  await database.close();
}

/** A payment of which nobody knows whether it was made, and what is done about it. */
async function dieInTheMiddle(
  replicas: Replicas,
  pay: (turn: number, key: string, cents: number) => Promise<{ status: number; body: object }>,
  print: (line: string) => void,
): Promise<void> {
  const [one, two] = replicas.all(LockService) as [LockService, LockService];
  const key = randomUUID();
  const payment = { account: 'A-1', cents: 500 };
  const terms = { onUnknown: 'hold', unknownIf: () => true, fingerprint: payment } as const;
  const cutOff = one.once(`payment:${key}`, () => Promise.reject(new Error('cut off')), terms);
  await cutOff.catch((error: Error) => print(`a replica is ${error.message} while it pays`));

  const held = await pay(1, key, 500);
  print(`the next request: ${held.status} ${(held.body as { code: string }).code}`);
  await two.outcomes.resolve(`payment:${key}`, 'retry'); // somebody has looked: it was not made
  print(`after somebody has looked: ${(await pay(1, key, 500)).status}`);
}
