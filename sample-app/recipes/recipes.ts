/** Shows what a recipe does: starts replicas, lets things happen, and prints what has come of it. */
export interface Recipe {
  run(print: (line: string) => void): Promise<void>;
}

/** Loaded when they are asked for, since their modules read the address of Redis then. */
export const recipes: Readonly<Record<string, () => Promise<Recipe>>> = {
  'getting-started': () => import('./getting-started/recipe.js'),
  cron: () => import('./cron/recipe.js'),
  payment: () => import('./payment/recipe.js'),
  transfer: () => import('./transfer/recipe.js'),
  'rate-limit': () => import('./rate-limit/recipe.js'),
  bullmq: () => import('./bullmq/recipe.js'),
  cqrs: () => import('./cqrs/recipe.js'),
  graphql: () => import('./graphql/recipe.js'),
};
