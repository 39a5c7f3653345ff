// npm run recipe -- <name>: what a recipe of docs/recipes shows, on a Redis of its own.
import { recipes } from './recipes.js';

const [name = ''] = process.argv.slice(2);
const load = recipes[name];
if (load) {
  const recipe = await load();
  await recipe.run((line) => console.log(line));
} else {
  console.error(`Which one? npm run recipe -- ${Object.keys(recipes).join(' | ')}`);
  process.exitCode = 2;
}
