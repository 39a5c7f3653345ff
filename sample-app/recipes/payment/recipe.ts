import { randomUUID } from 'node:crypto';
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

  const [lostKey, unlost] = [randomUUID(), database.transaction.bind(database)];
  database.transaction = async (work) => {
    database.transaction = unlost;
    await unlost(work); // it is committed, and its answer does not arrive
    throw new Error('Connection terminated unexpectedly');
  };
  print(`the answer to a COMMIT is lost: ${(await pay(0, lostKey, 500)).status}`);
  print(`the next request: ${(await pay(1, lostKey, 500)).status}`);
  print(`payments with that key: ${await countRows(lostKey)}`);
  await replicas.close();
  await database.close();
}
