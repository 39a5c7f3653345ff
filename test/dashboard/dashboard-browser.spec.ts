import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { type Lock, LockService } from 'nestjs-locker';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { TestBrowser } from '../support/browser.js';
import { afterTest } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { EVIL, holdMany, pageWithActions, readOnlyPage } from './fixtures/fleet.js';

const MANY = 100_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 390, height: 844 };

let redis: RedisServer;
let browser: TestBrowser;
let shows: { app: INestApplication; url: string };
let acts: { app: INestApplication; url: string };
let kept: Lock[];

beforeAll(async () => {
  redis = await RedisServer.start();
  browser = await TestBrowser.start();
  shows = await readOnlyPage(redis.url);
  acts = await pageWithActions(redis.url);
  kept = await holdMany(shows.app.get(LockService), acts.app.get(LockService), MANY);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await Promise.all([shows?.app.close(), acts?.app.close()]);
  await redis?.stop();
}, 60_000);

/** Nothing else may have gone wrong on it when the test is over. */
async function open(
  at: { url: string },
  view = '',
  { expected = /^$/, ...options }: BrowserContextOptions & { expected?: RegExp } = {},
): Promise<Page> {
  const opened = await browser.open(`${at.url}${view}`, options);
  afterTest(async () => {
    await opened.page.context().close();
    expect(opened.problems.filter((problem) => !expected.test(problem))).toEqual([]);
  });
  return opened.page;
}

const nameView = (name: string, kind = 'lock'): string =>
  `#/name?${new URLSearchParams({ kind, name }).toString()}`;

const VIEWS: [string, string, string][] = [
  ['the overview', '', 'Throughput'],
  ['what is held', '#/locks', 'Fencing token'],
  ['semaphores', '#/locks?kind=semaphore', '3 of 4'],
  ['a name', nameView('contended'), 'Queue'],
  ['a name of evil', nameView(EVIL), 'Holders'],
  ['a name that is unknown', nameView('invoice:lost'), 'Attempt of'],
  ['jobs', '#/jobs', 'invoice'],
  ['a job', '#/job?job=invoice&state=unknown', 'invoice:lost'],
  ['events', '#/events', 'Events'],
];

describe.each(VIEWS)('%s', (_, view, text) => {
  it('is shown, in light and dark and on a phone, and can be read by everybody', async () => {
    const page = await open(acts, view, { colorScheme: 'light' });
    await page.getByText(text, { exact: false }).first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize(PHONE);
    expect(await violations(page)).toEqual([]);
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(wide).toBeLessThanOrEqual(0);
  });
});

describe('with 100,000 locks', () => {
  it('some are shown at once, and the others page by page', async () => {
    const page = await open(shows, '#/locks');
    const first = page.locator('tbody tr').first();
    await first.waitFor();
    expect(await page.locator('tbody tr').count()).toBe(50);
    expect(await page.getByRole('status').allInnerTexts()).toContain(`${total()} leases in all`);
    const name = await first.getByRole('link').innerText();
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByRole('link', { name: 'First page' }).waitFor();
    await until(async () => (await first.getByRole('link').innerText()) !== name, {
      what: 'it is another page',
    });
    await page.goBack();
    await until(async () => (await first.getByRole('link').innerText()) === name, {
      what: 'it is the first page',
    });
  });

  it('one is found by its name', async () => {
    const page = await open(shows, '#/locks');
    await page.getByRole('searchbox').fill('many:98765');
    // All names are searched for it.
    const patience = { timeout: 20_000 };
    await page.getByRole('link', { name: 'many:98765' }).waitFor(patience);
    expect(await page.locator('tbody tr').count()).toBe(1);
    await page.getByRole('searchbox').fill('nowhere');
    await page.getByText(/No name is found|None so far/).waitFor(patience);
    expect(await page.locator('tbody tr').count()).toBe(0);
    await page.getByRole('searchbox').fill('tax-*');
    await page.getByText('3 of 4').waitFor(patience);
  }, 90_000);
});

const total = (): string => new Intl.NumberFormat('en').format(kept.length);

it('names are texts, whatever they look like', async () => {
  const page = await open(acts, '#/locks?search=onerror');
  await page.getByRole('link', { name: '<img src=x onerror=alert(1)>' }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe(EVIL.replace('\0', '␀'));
  expect(await page.locator('main img').count()).toBe(0);
  await page.getByRole('button', { name: 'Release by force …' }).click();
  // It cannot be typed, so that the token is.
  const token = String(kept[0]!.fencingToken);
  expect(await page.getByRole('dialog').innerText()).toContain(`Type ${token} to confirm`);
});

it('who may only look is offered nothing else', async () => {
  for (const view of [
    nameView('contended'),
    nameView('invoice:lost'),
    '#/job?job=invoice&state=unknown',
  ]) {
    const page = await open(shows, view);
    await page.getByText('This page is read-only.').waitFor();
    await page.locator('tbody tr').first().waitFor();
    expect(await page.locator('main').getByRole('button').count()).toBe(0);
  }
});

it('everything can be done with the keyboard alone', async () => {
  const locks = shows.app.get(LockService);
  const lock = await locks.acquire('to be forced');
  afterTest(() => lock.release());
  const page = await open(acts);
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  const focused = (): Promise<string> =>
    page.evaluate('document.activeElement.innerText || document.activeElement.tagName');
  const tabTo = async (text: string): Promise<void> => {
    for (let i = 0; i < 40 && (await focused()) !== text; i++) {
      await press('Tab');
      // Where the focus is can be seen.
      const style = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
      expect([await focused(), style]).toEqual([await focused(), 'solid']);
    }
    expect(await focused()).toBe(text);
  };
  await page.getByText('Throughput').waitFor();
  await press('Tab');
  expect(await focused()).toBe('Skip to the content');
  await press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
  await page.reload();
  await tabTo('Locks');
  await press('Enter');
  await page.getByRole('searchbox').waitFor();
  await tabTo('INPUT');
  await page.keyboard.type('to be forced');
  await tabTo('Look up exactly this name');
  await press('Enter');
  await page.getByRole('button', { name: 'Release by force …' }).waitFor();
  await tabTo('Release by force …');
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  expect(await focused()).toBe('INPUT');
  await page.keyboard.type('to be');
  await press('Enter');
  expect(lock.isHeld).toBe(true);
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await focused()).toBe('Release by force …');
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('to be forced');
  await tabTo('Release by force');
  await press('Enter');
  await page.getByText('Nobody holds it.').waitFor();
  await until(() => lock.signal.aborted, { what: 'the holder learns it', timeoutMs: 20_000 });
  await page.goto(`${acts.url}#/events`);
  await page.getByText(/Released by force by kim; billing/).waitFor();
});

it('a dialog is opened again at once where it was just closed', async () => {
  const lock = await shows.app.get(LockService).acquire('asked twice');
  afterTest(() => lock.release());
  const page = await open(acts, nameView('asked twice'));
  const ask = page.getByRole('button', { name: 'Release by force …' });
  await ask.click();
  await page.getByRole('dialog').waitFor();
  await page.getByRole('textbox').fill('asked');
  // In one turn, while the browser tells that it was closed only later.
  await page.evaluate(`new Promise((told) => {
    const dialog = document.querySelector('dialog');
    dialog.addEventListener('close', () => setTimeout(told));
    dialog.close();
    document.querySelector('main button.danger').click();
  })`);
  await page.getByRole('dialog').waitFor();
  expect(await page.getByRole('textbox').inputValue()).toBe('');
});

it('an unknown outcome is resolved', async () => {
  const locks = shows.app.get(LockService);
  const fail = () => Promise.reject(new Error('no answer'));
  const failing = locks.once('report:7', fail, { onUnknown: 'hold', unknownIf: () => true });
  await failing.catch(() => undefined);
  const page = await open(acts, '#/job?job=report&state=unknown');
  await page.getByRole('button', { name: 'Resolve …' }).click();
  await page.getByRole('radio', { name: 'It is done.' }).click();
  await page.getByRole('combobox').selectOption('for ever');
  await page.getByRole('button', { name: 'Resolve', exact: true }).click();
  await page.getByText('Nothing is unknown').waitFor();
  expect(await locks.outcomes.of('report:7')).toMatchObject({
    state: 'processed',
    expiresAt: null,
  });
});

it('what is refused is told, and can be tried again', async () => {
  const lock = await shows.app.get(LockService).acquire('taken twice');
  // The browser itself tells of every refusal.
  const page = await open(acts, nameView('taken twice'), { expected: /status of 409/ });
  await page.getByRole('button', { name: 'Release by force …' }).click();
  await lock.release();
  await page.getByRole('textbox').fill('taken twice');
  await page.getByRole('button', { name: 'Release by force', exact: true }).click();
  await page.getByText('nothing was released').waitFor();
  expect(await page.getByRole('dialog').count()).toBe(1);
});

it('light and dark are what the system says', async () => {
  const colourOf = (page: Page): Promise<string> =>
    page.evaluate('getComputedStyle(document.body).backgroundColor');
  const light = await colourOf(await open(shows, '', { colorScheme: 'light' }));
  const dark = await colourOf(await open(shows, '', { colorScheme: 'dark' }));
  expect([light, dark]).toEqual(['rgb(246, 247, 249)', 'rgb(16, 19, 25)']);
});

it('asks while it is looked at, and not when it is hidden or paused', async () => {
  const page = await open(shows, '#/locks');
  await page.locator('tbody tr').first().waitFor();
  let asked = 0;
  page.on('request', () => asked++);
  const hide = (value: boolean): Promise<void> =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${value}, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));`);
  await until(() => asked >= 2, { what: 'it asks again' });
  await hide(true);
  await page.waitForLoadState('networkidle');
  asked = 0;
  // Longer than several of its pauses.
  await page.waitForTimeout(2_000);
  expect(asked).toBe(0);
  await hide(false);
  await until(() => asked >= 1, { what: 'it asks at once' });
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Paused').waitFor();
  await page.waitForLoadState('networkidle');
  asked = 0;
  await page.waitForTimeout(1_500);
  expect(asked).toBe(0);
});

it('what was known stays when Redis does not answer, and is told to be old', async () => {
  const page = await open(shows, '#/locks?search=many:7', { expected: /status of 503/ });
  await page.locator('tbody tr').first().waitFor();
  redis.pause();
  try {
    await page.getByText('The store cannot be asked.').waitFor({ timeout: 20_000 });
    expect(await page.getByText(/What is shown is as of/).innerText()).toMatch(/ago\.$/);
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(0);
    expect(await page.locator('header').innerText()).toContain('Stale');
  } finally {
    redis.resume();
  }
  await page.getByText('Live').waitFor({ timeout: 30_000 });
}, 60_000);

/** What axe finds; its script is evaluated by the debugger, which the page's policy does not stop. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const run = `axe.run().then(({ violations }) => violations.map(({ id, nodes }) =>
    id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join('; ')))`;
  return page.evaluate<string[]>(run);
}
