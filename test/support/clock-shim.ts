import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCE = fileURLToPath(new URL('./clock-shim.c', import.meta.url));

async function compile(): Promise<Buffer> {
  const [compiler, ...flags] = (process.env['CC'] || 'cc').split(' ') as [string, ...string[]];
  const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
  const library = join(directory, 'clock-shim.so');
  try {
    const args = [...flags, '-O2', '-shared', '-fPIC', '-o', library, SOURCE];
    await promisify(execFile)(compiler, args);
    return readFileSync(library);
  } catch (cause) {
    const hint = 'CC names the compiler, which scripts/with-redis.mjs --server finds or installs';
    throw new Error(`${(cause as Error).message}\n${hint}`, { cause });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

let compiled: Promise<Buffer> | undefined;

/** The wall clock of one server that is started with it: the test steps it, the server's others go on. */
export class ClockShim {
  /** Makes one whose files lie in the server's own directory, and go with it. */
  static async create(directory: string): Promise<ClockShim> {
    if (process.platform !== 'linux') throw new Error('a clock can be stepped on Linux alone');
    // Once for all servers of a spec; its bytes leave no file behind that somebody would have to remove.
    compiled ??= compile();
    const shim = new ClockShim(join(directory, 'clock-shim.so'), join(directory, 'clock-shift'));
    writeFileSync(shim.library, await compiled);
    return shim;
  }

  private shiftNs = 0n;

  private constructor(
    private readonly library: string,
    private readonly file: string,
  ) {}

  /** What a process is started with. The shift stays as it is: it is that of the machine, so to speak. */
  prepare(): { LD_PRELOAD: string; CLOCK_SHIM_FILE: string } {
    writeFileSync(this.file, BigInt64Array.of(this.shiftNs, 0n));
    return { LD_PRELOAD: this.library, CLOCK_SHIM_FILE: this.file };
  }

  /** Moves the clock at once, on top of earlier steps. */
  step(ms: number): void {
    this.shiftNs += BigInt(Math.round(ms * 1e6));
    // In place, since the server has the file mapped.
    writeFileSync(this.file, BigInt64Array.of(this.shiftNs), { flag: 'r+' });
  }

  /** Throws unless the process has read its clock here: a step of another one would pass unseen. */
  assertInUse(): void {
    const seen = readFileSync(this.file).readBigInt64LE(8);
    if (!seen) throw new Error('the server does not read its clock through the shim');
  }
}
