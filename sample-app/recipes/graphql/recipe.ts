import { Replicas } from '../replicas.js';
import { AppModule } from './app.module.js';

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: { code: string } }[];
}

export async function run(print: (line: string) => void): Promise<void> {
  const replicas = await Replicas.start(AppModule);
  const ask = async (turn: number, query: string): Promise<Answer> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ query });
    const response = await replicas.fetch(turn, '/graphql', { method: 'POST', headers, body });
    return (await response.json()) as Answer;
  };
  const issue = 'mutation { issueInvoice(id: 42) { id status } }';

  const both = Promise.all([ask(0, issue), ask(1, issue)]);
  let told: string;
  do told = JSON.stringify(await ask(1, 'query { isBeingIssued(id: 42) }'));
  while (told.includes('false'));
  print(`while it is issued: ${told}`);

  const [one, two] = await both;
  const [granted, refused] = one.errors ? [two, one] : [one, two];
  print(JSON.stringify(granted));
  const [error] = refused.errors!;
  print(`${error!.extensions.code}: ${error!.message}`);
  await replicas.close();
}
