/** What a demo process says to the orchestrator that started it. */
export type ChildMessage =
  { readonly type: 'listening'; readonly url: string } | { readonly type: 'ready' };

/** Without an orchestrator (started by hand) nobody is told, and nothing else changes. */
export function tellParent(message: ChildMessage): void {
  if (process.connected) process.send?.(message, () => undefined);
}

/** However the orchestrator ends, even by SIGKILL, its children do not outlive it. */
export function endWithParent(): void {
  process.once('disconnect', () => process.exit());
}
