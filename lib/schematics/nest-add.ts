import type { Rule, SchematicContext, Tree } from '@angular-devkit/schematics';
import { addImport, RefusedSource } from './module-source.js';
import { findRootModule } from './root-module.js';
import { projectTypeScript } from './project-typescript.js';

/** What the Nest CLI and its user give; the schema has what each is for. */
export interface NestAddOptions {
  readonly sourceRoot?: string;
  readonly module?: string;
  readonly skipImport?: boolean;
  readonly skipInstall?: boolean;
}

const PACKAGE = '/package.json';
const IOREDIS = 'ioredis';
/** Where none is installed yet. */
const IOREDIS_VERSION = '^6.0.0';
const LOCK_MODULE = {
  name: 'LockModule',
  from: 'nestjs-locker',
  call: 'forRoot({ redis: process.env.REDIS_URL })',
};

/**
 * What `nest add nestjs-locker` does after it has installed the package. It does all or, where the
 * module cannot be found or read, nothing; a second run changes nothing.
 *
 * @internal
 */
export function nestAdd(options: NestAddOptions): Rule {
  // Without a function of @angular-devkit's: a Nest CLI that is installed globally hides it from here.
  return (tree: Tree, context: SchematicContext) => {
    if (!options.skipImport) addLockModule(tree, context, options);
    if (addIoredis(tree, context) && !options.skipInstall) installDependencies(context);
  };
}

function addLockModule(tree: Tree, context: SchematicContext, options: NestAddOptions): void {
  let where = 'the root module';
  try {
    const ts = projectTypeScript(process.cwd(), process.argv[1]);
    const root = findRootModule(tree, ts, options);
    where = root.path;
    const before = read(tree, root.path);
    const after = addImport(before, root.className, LOCK_MODULE, ts);
    if (after === before) context.logger.info(`${where} has ${LOCK_MODULE.name} already.`);
    else tree.overwrite(root.path, after);
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof RefusedSource)) throw new Error(helpWith(message), { cause: error });
    throw new Error(helpWith(`${where}: ${message}`), { cause: error });
  }
}

function helpWith(problem: string): string {
  const { name, from, call } = LOCK_MODULE;
  return (
    `nestjs-locker was not added to the application: ${problem}.\n` +
    `Name the module's file with --module=src/app.module.ts, or run with --skip-import and write yourself:\n\n` +
    `  import { ${name} } from '${from}';\n\n` +
    `  @Module({ imports: [${name}.${call}] })\n`
  );
}

interface PackageJson {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** Whether something has to be installed now. */
function addIoredis(tree: Tree, context: SchematicContext): boolean {
  if (!tree.exists(PACKAGE)) {
    context.logger.warn(`There is no package.json here: add ${IOREDIS} to your dependencies.`);
    return false;
  }
  const text = read(tree, PACKAGE);
  const json = JSON.parse(text.replace(/^\uFEFF/, '')) as PackageJson;
  const { dependencies = {}, devDependencies, peerDependencies } = json;
  if (dependencies[IOREDIS] ?? peerDependencies?.[IOREDIS]) return false;
  const installed = installedVersion(tree);
  // Production needs what may so far have been for tests only.
  const version =
    devDependencies?.[IOREDIS] ?? (installed ? `^${installed}` : undefined) ?? IOREDIS_VERSION;
  delete devDependencies?.[IOREDIS];
  json.dependencies = sorted({ ...dependencies, [IOREDIS]: version });
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  ';
  tree.overwrite(PACKAGE, `${JSON.stringify(json, null, indent)}\n`);
  return true;
}

/** As a dependency of others, or since npm installs peer dependencies: that version stays. */
function installedVersion(tree: Tree): string | undefined {
  const path = `/node_modules/${IOREDIS}/package.json`;
  if (!tree.exists(path)) return undefined;
  return (JSON.parse(read(tree, path)) as { version: string }).version;
}

function sorted(dependencies: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(dependencies).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))),
  );
}

function installDependencies(context: SchematicContext): void {
  context.addTask({
    toConfiguration: () => ({
      name: 'node-package',
      options: { command: 'install', quiet: true, hideOutput: true, allowScripts: false },
    }),
  });
}

function read(tree: Tree, path: string): string {
  return tree.read(path)!.toString('utf8');
}
