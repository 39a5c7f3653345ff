import { readFileSync } from 'node:fs';
import { jest } from '@jest/globals';
import { afterTest } from './lock-service.js';
import { RedisServer } from './redis-server.js';

// Several applications, and some with PostgreSQL in the process.
jest.setTimeout(120_000);

interface Recipe {
  run(print: (line: string) => void): Promise<void>;
}

/** What a recipe prints on a Redis of its own. It is loaded only then: its modules read the address. */
export async function printedBy(load: () => Promise<Recipe>): Promise<string[]> {
  const redis = await RedisServer.start();
  afterTest(() => redis.stop());
  process.env['REDIS_URL'] = redis.url;
  const lines: string[] = [];
  const recipe = await load();
  await recipe.run((line) => lines.push(line));
  return lines;
}

/** What a page says that a recipe prints: the block after the note with the recipe's name. */
export function printedOnPage(page: string, recipe: string): string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const [, block] = text.split(`<!-- printed by: ${recipe} -->\n\n\`\`\`text\n`);
  if (block === undefined) throw new Error(`${page} does not say what "${recipe}" prints`);
  return block.split('\n```')[0]!.split('\n');
}
