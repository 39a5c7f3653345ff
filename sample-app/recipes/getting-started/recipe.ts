import { LockService } from 'nestjs-locker';
import { Replicas } from '../replicas.js';
import { AppModule } from './app.module.js';

export async function run(print: (line: string) => void): Promise<void> {
  const replicas = await Replicas.start(AppModule);
  const answers: string[] = [];
  const issue = async (turn: number): Promise<void> => {
    const response = await replicas.fetch(turn, '/invoices/42/issue', { method: 'POST' });
    answers.push(`${response.status} ${await response.text()}`);
  };
  const calls = Promise.all([issue(0), issue(1)]);
  const [one, two] = replicas.all(LockService) as [LockService, LockService];
  while (one.held().length + two.held().length === 0) await new Promise(setImmediate);
  print(`held: ${[...one.held(), ...two.held()].map(({ name }) => name).join(', ')}`);
  print(`answers while the first works: ${answers.length}`);

  await calls;
  for (const answer of answers) print(answer);
  await replicas.close();
}
