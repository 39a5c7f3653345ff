import { setTimeout as sleep } from 'node:timers/promises';
import { LockService } from 'nestjs-locker';
import { merge } from 'rxjs';
import { Replicas } from '../replicas.js';
import { AppModule } from './app.module.js';
import { Reports } from './reports.js';

const REPLICAS = 3;
const TICKS = 3;
const TICK_MS = 2_000;

const presentTick = (): number => Math.floor(Date.now() / TICK_MS);

export async function run(print: (line: string) => void): Promise<void> {
  const replicas = await Replicas.start(AppModule, REPLICAS);
  const reports = replicas.all(Reports)[0]!;

  // Each replica tells of each tick that it took the lock, or that it skipped the method.
  const told = new Map<number, string[]>();
  merge(...replicas.all(LockService).map((locks) => locks.events$)).subscribe(({ type }) => {
    if (type !== 'acquired' && type !== 'skipped') return;
    told.set(presentTick(), [...(told.get(presentTick()) ?? []), type]);
  });

  // The present one has begun before somebody listened.
  const first = presentTick() + 1;
  for (let tick = first; tick < first + TICKS; tick++) {
    while ((told.get(tick)?.length ?? 0) < REPLICAS) await sleep(20);
    const made = told.get(tick)!.filter((type) => type === 'acquired').length;
    print(
      `tick ${1 + tick - first}: ${REPLICAS} replicas, ${made} report, ${REPLICAS - made} skipped`,
    );
  }
  await replicas.close(); // once the last one is made
  const before = reports.made.filter((at) => at.getTime() < first * TICK_MS);
  print(`${reports.made.length - before.length} reports in all`);
}
