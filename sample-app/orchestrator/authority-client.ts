import { setTimeout as sleep } from 'node:timers/promises';
import type {
  JournalEntry,
  JournalRequest,
  Passage,
  SubmissionStatistics,
} from '../shared/submission.interface.ts';

const LOOK_EVERY_MS = 20;
const TIMEOUT_MS = 20_000;

/** What the orchestrator asks the tax authority. */
export class AuthorityClient {
  constructor(readonly url: string) {}

  /** Forgets all that was, and says whether stale fencing tokens are refused. */
  async beginJournal(request: JournalRequest): Promise<void> {
    await this.request('POST', 'journal', request);
  }

  statistics(): Promise<SubmissionStatistics> {
    return this.get('statistics');
  }

  journal(): Promise<JournalEntry[]> {
    return this.get('journal');
  }

  traffic(): Promise<Passage[]> {
    return this.get('traffic');
  }

  /** What has arrived and is not processed yet, even if its sender is gone. */
  underWay(): Promise<Passage[]> {
    return this.get('traffic/under-way');
  }

  async nothingUnderWay(): Promise<void> {
    while ((await this.underWay()).length > 0) await sleep(LOOK_EVERY_MS);
  }

  private async get<T>(path: string): Promise<T> {
    const response = await this.request('GET', path);
    return (await response.json()) as T;
  }

  private async request(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.url}/${path}`, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    }).catch((cause: Error) => {
      const { message } = cause;
      throw new Error(`The tax authority did not answer ${method} /${path}: ${message}`, { cause });
    });
    if (!response.ok) {
      throw new Error(`The tax authority answered ${response.status} to ${method} /${path}.`);
    }
    return response;
  }
}
