/** What a demo process says to the orchestrator that started it. */
export type ChildMessage =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'ready' }
  | { readonly type: 'idle' };

/** What the orchestrator asks of a replica: to say `idle` once it is through with what it is at. */
export interface ParentMessage {
  readonly type: 'when-idle';
}

/** Without an orchestrator (started by hand) nobody is told, and nothing else changes. */
export function tellParent(message: ChildMessage): void {
  if (process.connected) process.send?.(message, () => undefined);
}

export function onParentMessage(listener: (message: ParentMessage) => void): void {
  process.on('message', (message) => listener(message as ParentMessage));
}

/** However the orchestrator ends, even by SIGKILL, its children do not outlive it. */
export function endWithParent(): void {
  process.once('disconnect', () => process.exit());
}
