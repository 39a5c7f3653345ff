import { Child } from './child.ts';

type State = 'starting' | 'awake' | 'stopped' | 'dead';

interface Replica {
  readonly child: Child;
  state: State;
}

export interface FleetOptions {
  /** The compiled script of a worker, as a path below `sample-app`. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Aborts when the run is over: nobody is started any more. */
  readonly signal: AbortSignal;
  readonly onOutput: (from: string, line: string) => void;
  readonly onCrash: (error: Error) => void;
}

/** The replicas of the worker; those that are killed are followed by new ones with new names. */
export class Fleet {
  private readonly replicas: Replica[] = [];

  constructor(private readonly options: FleetOptions) {}

  /** Starts one more, and waits until it is ready. */
  async start(): Promise<Child> {
    const { script, env, signal, onOutput, onCrash } = this.options;
    signal.throwIfAborted();
    const number = this.replicas.length + 1;
    const name = `replica-${number}`;
    const metricsPort = Number(process.env['METRICS_PORT'] ?? 0);
    const child = new Child({
      name,
      script,
      env: {
        ...env,
        REPLICA: name,
        METRICS_PORT: String(metricsPort && metricsPort + number),
      },
      onOutput: (line) => onOutput(name, line),
    });
    const replica: Replica = { child, state: 'starting' };
    this.replicas.push(replica);
    child.crashed.catch(onCrash);
    await child.says('ready');
    replica.state = 'awake';
    return child;
  }

  /** Those that are at work. */
  get awake(): Child[] {
    return this.replicas.filter(({ state }) => state === 'awake').map(({ child }) => child);
  }

  async kill(child: Child): Promise<void> {
    this.stateOf(child).state = 'dead';
    await child.kill();
  }

  stop(child: Child): void {
    this.stateOf(child).state = 'stopped';
    child.stop();
  }

  resume(child: Child): void {
    this.stateOf(child).state = 'awake';
    child.resume();
  }

  /** Ends all that are left; they finish what they are at. */
  async end(): Promise<void> {
    await Promise.all(
      this.living.map(async (replica) => {
        await replica.child.end();
        replica.state = 'dead';
      }),
    );
  }

  /** For people: who is there, and who stands still. */
  describe(): string {
    return this.living.map(({ child, state }) => `${child.name} is ${state}`).join(', ');
  }

  private get living(): Replica[] {
    return this.replicas.filter(({ state }) => state !== 'dead');
  }

  private stateOf(child: Child): Replica {
    return this.replicas.find((replica) => replica.child === child)!;
  }
}
