import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The CPUs that this process may use, as Linux lists them: "0-3,8". */
function allowedCpus() {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return /Cpus_allowed_list:\s*(\S+)/
      .exec(status)[1]
      .split(',')
      .flatMap((range) => {
        const [first, last = first] = range.split('-').map(Number);
        return Array.from({ length: last - first + 1 }, (_, i) => first + i);
      });
  } catch {
    return [];
  }
}

const cpus = allowedCpus();

/** Whether processes can be pinned, and there are two CPUs to pin client and server to. */
export const canPin = cpus.length >= 2 && spawnSync('taskset', ['-V']).status === 0;

/** The command, kept on the first (0) or second (1) of this process' CPUs, where that is possible. */
export const onCpu = (which, command) =>
  which === undefined || !canPin ? command : ['taskset', '-c', String(cpus[which]), ...command];
