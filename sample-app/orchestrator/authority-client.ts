import { setTimeout as sleep } from 'node:timers/promises';
import type { Submission, SubmissionStatistics } from '../shared/submission.interface.ts';

const LOOK_EVERY_MS = 20;

/** What the orchestrator asks the tax authority. */
export class AuthorityClient {
  constructor(private readonly url: string) {}

  statistics(): Promise<SubmissionStatistics> {
    return this.get('statistics');
  }

  submissions(): Promise<Submission[]> {
    return this.get('submissions');
  }

  /** What has arrived and is not processed yet, even if its sender is gone. */
  underWay(): Promise<Submission[]> {
    return this.get('submissions/under-way');
  }

  async nothingUnderWay(): Promise<void> {
    while ((await this.underWay()).length > 0) await sleep(LOOK_EVERY_MS);
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/${path}`);
    return (await response.json()) as T;
  }
}
