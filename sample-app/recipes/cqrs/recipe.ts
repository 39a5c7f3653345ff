import { CommandBus } from '@nestjs/cqrs';
import { Replicas } from '../replicas.js';
import { AppModule } from './app.module.js';
import { IssueInvoice } from './issue-invoice.handler.js';
import { Journal } from './journal.js';

export async function run(print: (line: string) => void): Promise<void> {
  const replicas = await Replicas.start(AppModule);
  const buses = replicas.all(CommandBus);
  const commands = Array.from({ length: 10 }, (_, turn) =>
    buses[turn % buses.length]!.execute(new IssueInvoice(42)),
  );
  await Promise.all(commands);
  print(`${commands.length} commands for one invoice, to 2 replicas`);
  for (const line of replicas.all(Journal)[0]!.lines) print(line);
  await replicas.close();
}
