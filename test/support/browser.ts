import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** A page, and all that went wrong on it: errors, warnings, what its policy stopped, what it asked of others. */
export interface OpenPage {
  readonly page: Page;
  readonly problems: string[];
}

/** A headless browser of the test's own. */
export class TestBrowser {
  static async start(): Promise<TestBrowser> {
    const executablePath = process.env['CHROMIUM'];
    if (!executablePath) throw new Error('run the tests through scripts/with-redis.mjs');
    // It is given pages of the tests alone, and may run as root, where its sandbox does not.
    return new TestBrowser(await chromium.launch({ executablePath, args: ['--no-sandbox'] }));
  }

  private constructor(private readonly browser: Browser) {}

  async open(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
    const context = await this.browser.newContext(options);
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error.stack)));
    page.on('dialog', (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    const { origin } = new URL(url);
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) problems.push(`asks ${request.url()}`);
    });
    await page.goto(url);
    return { page, problems };
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}
