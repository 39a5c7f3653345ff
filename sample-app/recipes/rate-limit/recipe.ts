import { Replicas } from '../replicas.js';
import { AppModule } from './app.module.js';
import { Authority } from './authority.js';
import { TaxAuthorityClient } from './tax-authority.client.js';

const INVOICES = 20;

export async function run(print: (line: string) => void): Promise<void> {
  const authority = new Authority();
  const url = await authority.open();
  const replicas = await Replicas.start(AppModule);
  const clients = replicas.all(TaxAuthorityClient);

  const submissions = Array.from({ length: INVOICES }, (_, invoice) =>
    clients[invoice % clients.length]!.submit(url, invoice),
  );
  const answers = await Promise.all(submissions);
  const refused = answers.filter((status) => status === 429).length;

  print(`${answers.length} invoices by ${clients.length} replicas, all at once`);
  print(`at most ${authority.most} at a time, ${refused} refused`);
  // Four at once, and then four each half second: the last of twenty come after two seconds.
  print(`eight a second on the long run: ${authority.lastedMs > 1_900}`);
  await replicas.close();
  authority.close();
}
