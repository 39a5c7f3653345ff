import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { RedisNodes } from './redis-nodes.js';
import { HOST } from './redis-server.js';
import { until } from './until.js';

let nodes: RedisNodes;
let clients: Redis[];

beforeEach(() => {
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.disconnect();
  await nodes.stop();
});

/** One client of each; what it asks in vain is not asked again. */
function clientsOf(urls: string[]): Redis[] {
  const opened = urls.map((url) => {
    const client = new Redis(url, {
      retryStrategy: () => 10,
      maxRetriesPerRequest: 0,
      commandTimeout: 300,
    });
    client.on('error', () => {});
    return client;
  });
  clients.push(...opened);
  return opened;
}

const ready = (opened: Redis[]) =>
  until(() => opened.every(({ status }) => status === 'ready'), { what: 'all are connected' });

/** Which of them answer. */
const answering = async (opened: Redis[]): Promise<number[]> => {
  const replies = await Promise.all(
    opened.map((one) =>
      one.ping().then(
        () => true,
        () => false,
      ),
    ),
  );
  return [...replies.keys()].filter((index) => replies[index]);
};

describe('RedisNodes', () => {
  it('starts independent servers side by side, and ends them', async () => {
    nodes = await RedisNodes.start();
    expect(new Set(nodes.urls).size).toBe(5);
    expect(nodes.servers.map(({ url }) => url)).toEqual(nodes.urls);
    const opened = clientsOf(nodes.urls);
    await Promise.all(opened.map((one, index) => one.set('key', index)));
    expect(await Promise.all(opened.map((one) => one.get('key')))).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
    ]);
    await nodes.stop();
    expect(nodes.servers.map(({ running }) => running)).toEqual(Array(5).fill(false));
  });

  it.each([
    [3, [0], [0, 1]],
    [5, [0, 1], [0, 1, 2]],
  ])('knows a minority and a majority of %d', async (count, minority, majority) => {
    nodes = await RedisNodes.start(count);
    expect(nodes.minority).toEqual(minority);
    expect(nodes.majority).toEqual(majority);
  });

  it('leaves none behind where one does not start', async () => {
    const port = await freePort(HOST);
    // The same one for both, so that only one of them can have it.
    const failing = RedisNodes.start(2, { port } as object);
    await expect(failing).rejects.toThrow(`the server on port ${port} did not start`);
    nodes = await RedisNodes.start(1, { port } as object);
    expect(() => nodes.pause(1)).toThrow('there is no node 1 of 1');
  });

  it('pauses, kills and restarts some of them, and leaves the others', async () => {
    nodes = await RedisNodes.start();
    const opened = clientsOf(nodes.urls);
    await Promise.all(opened.map((one) => one.set('key', 'value')));

    nodes.pause(0, 1);
    expect(await answering(opened)).toEqual([2, 3, 4]);
    nodes.resume(0, 1);
    expect(await answering(opened)).toEqual([0, 1, 2, 3, 4]);

    await nodes.kill(4);
    await until(() => opened[4]!.status !== 'ready', { what: 'the killed one is gone' });
    expect(await answering(opened.slice(0, 4))).toEqual([0, 1, 2, 3]);
    await nodes.restart(3, 4);
    const values = async () => Promise.all(opened.map((one) => one.get('key').catch(() => '?')));
    await until(async () => !(await values()).includes('?'), { what: 'all are back' });
    expect(await values()).toEqual(['value', 'value', 'value', null, null]);
  });
});

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('RedisNodes with clocks that can be stepped', () => {
  it('has one for each of them', async () => {
    nodes = await RedisNodes.start(3, { canStepClock: true });
    nodes.servers[1]!.stepClock(60_000);
    const seconds = clientsOf(nodes.urls).map(async (one) => Number((await one.time())[0]));
    const [first, stepped, third] = (await Promise.all(seconds)) as [number, number, number];
    expect(Math.round((stepped - first) / 10)).toBe(6);
    expect(Math.abs(third - first)).toBeLessThan(3);
  });
});

describe('the links of one client', () => {
  let mine: Redis[];
  let others: Redis[];
  let links: Awaited<ReturnType<RedisNodes['links']>>;

  beforeEach(async () => {
    nodes = await RedisNodes.start();
    links = await nodes.links();
    mine = clientsOf(links.urls);
    others = clientsOf((await nodes.links()).urls);
    await ready([...mine, ...others]);
  });

  it('are cut and healed for it alone', async () => {
    links.cutOff(...nodes.majority);
    expect(await answering(mine)).toEqual([3, 4]);
    expect(await answering(others)).toEqual([0, 1, 2, 3, 4]);
    expect(mine.map(({ status }) => status)).toEqual(Array(5).fill('ready'));

    links.heal(0);
    await until(async () => (await answering(mine)).length === 3, { what: 'one is back' });
    expect(await answering(mine)).toEqual([0, 3, 4]);
    links.heal();
    await until(async () => (await answering(mine)).length === 5, { what: 'all are back' });
  });

  it('lose what is sent meanwhile, and give no answer to the wrong question', async () => {
    links.cutOff(0);
    await expect(mine[0]!.set('key', 'lost')).rejects.toThrow('Command timed out');
    expect(await others[0]!.get('key')).toBeNull();
    links.heal();
    await until(() => mine[0]!.set('key', 'kept').then(Boolean, () => false), {
      what: 'it is back',
    });
    expect(await mine[0]!.get('key')).toBe('kept');
  });

  it('lose what is told meanwhile, too', async () => {
    const [subscriber] = mine as [Redis];
    const [publisher] = others as [Redis];
    const heard: string[] = [];
    subscriber.on('message', (_channel, message) => heard.push(message));
    await subscriber.subscribe('news');
    links.cutOff(0);
    expect(await publisher.publish('news', 'lost')).toBe(1);
    await expect(subscriber.unsubscribe('other')).rejects.toThrow('Command timed out');
    links.heal();
    await until(() => publisher.publish('news', 'told').then(() => heard.length > 0), {
      what: 'it hears again',
    });
    expect(heard).not.toContain('lost');
  });

  it('keep new connections silent, too', async () => {
    links.cutOff(...nodes.minority);
    const [late] = clientsOf(links.urls.slice(0, 1)) as [Redis];
    await until(() => late.status === 'connect', { what: 'it is connected' });
    await expect(late.ping()).rejects.toThrow('Command timed out');
    expect(late.status).not.toBe('ready');
    links.heal();
    await ready([late]);
  });

  it('heal only what was cut', async () => {
    let closed = 0;
    for (const client of mine) client.on('close', () => closed++);
    links.cutOff(1);
    links.heal();
    await until(() => closed > 0, { what: 'a connection is reset' });
    await ready(mine);
    expect(closed).toBe(1);
  });
});
