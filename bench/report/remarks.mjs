/** What went wrong in the runs of one contestant: a crash, a limit reached, errors that were thrown. */
export function remarksOf(runs) {
  const errors = runs
    .filter(({ error }) => error)
    .map(({ error, cell }) => [...Object.values(cell), error].join(': '));
  const failures = new Map();
  for (const [message, count] of runs.flatMap((run) => Object.entries(run.failures ?? {}))) {
    failures.set(message, (failures.get(message) ?? 0) + count);
  }
  const thrown = [...failures].map(([message, count]) => `${count} × ${message}`);
  return [...new Set(errors), ...thrown].join('; ').replaceAll('|', '\\|');
}
