import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { StaleFencingTokenError } from '../../lib/fencing/index.ts';
import type { Document, Passage } from '../shared/submission.interface.ts';

/** Sees what passes the door, and when. Nothing here depends on it: it is for the demo's count. */
@Injectable()
export class Traffic {
  private passages: Passage[] = [];
  private readonly inProcess = new Set<Passage>();

  /** Does the work of a step; its passage ends with its answer, or when the sender goes away before. */
  async watch<T>(
    step: Passage['step'],
    { invoice, submittedBy, sentAt }: Document,
    response: ServerResponse,
    work: () => Promise<T>,
  ): Promise<T> {
    const passage: Passage = {
      step,
      invoice,
      submittedBy,
      sentAt,
      receivedAt: Date.now(),
      endedAt: null,
      isRefused: false,
    };
    const end = (): void => {
      passage.endedAt ??= Date.now();
    };
    this.passages.push(passage);
    if (response.closed) end();
    else response.once('close', end);

    this.inProcess.add(passage);
    try {
      return await work();
    } catch (error) {
      passage.isRefused = error instanceof StaleFencingTokenError;
      throw error;
    } finally {
      this.inProcess.delete(passage);
      end();
    }
  }

  /** Since the last `clear`. */
  all(): readonly Passage[] {
    return this.passages;
  }

  /** What is worked on now, even if its sender is gone. */
  underWay(): readonly Passage[] {
    return [...this.inProcess];
  }

  refused(): number {
    return this.passages.filter(({ isRefused }) => isRefused).length;
  }

  clear(): void {
    this.passages = [];
  }
}
