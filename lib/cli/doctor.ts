import { printable } from '../core/printable.js';
import type { CheckReport, Finding, Severity } from '../monitoring/checks/check.interface.js';
import { EXIT, type ExitCode } from './exit.js';
import type { Target } from './target.js';
import { type Terminal } from './terminal.js';

const CODES: Record<Severity, ExitCode> = { ok: EXIT.done, warn: EXIT.no, fail: EXIT.failed };
const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
const SUMMARY: Record<Severity, string> = {
  ok: 'Nothing is to be changed.',
  warn: 'Locks can be had; what is marked with "warn" should be changed.',
  fail: 'Locks cannot be relied on: change what is marked with "fail".',
};

/** Looks at the servers, and says what to change there. */
export async function doctor(
  { check }: Target,
  terminal: Terminal,
  { json }: { readonly json?: true },
): Promise<ExitCode> {
  const report = await check();
  if (json) terminal.line(JSON.stringify(toJson(report)));
  else print(report, terminal);
  return CODES[report.status];
}

function print({ findings, status }: CheckReport, terminal: Terminal): void {
  const servers = [...new Set(findings.map(({ server }) => server))];
  for (const server of servers) {
    if (server !== undefined) terminal.line(terminal.paint('bold', printable(server)));
    for (const finding of findings) {
      if (finding.server === server) printOne(finding, terminal, server === undefined ? '' : '  ');
    }
  }
  terminal.line(`\n${SUMMARY[status]}`);
}

function printOne({ severity, text, advice, detail }: Finding, terminal: Terminal, indent: string) {
  terminal.line(
    `${indent}${terminal.paint(COLOURS[severity], severity.padEnd(4))}  ${printable(text)}`,
  );
  if (detail) terminal.line(terminal.paint('dim', `${indent}      (${printable(detail)})`));
  if (advice) terminal.line(`${indent}      → ${printable(advice)}`);
}

/** The shape of docs/command.md: what is in it stays. */
function toJson({ status, findings, survey }: CheckReport): object {
  const { servers, ...rest } = survey;
  const textOf = (error: Error | null): string | null => error?.message ?? null;
  return {
    status,
    findings,
    servers: servers.map(({ error, node, ...facts }) => ({
      ...facts,
      error: textOf(error),
      ...(node && { node: { ...node, error: textOf(node.error) } }),
    })),
    ...rest,
    handOvers: { how: rest.handOvers.how, error: textOf(rest.handOvers.error) },
  };
}
