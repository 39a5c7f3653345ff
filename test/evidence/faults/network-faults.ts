import type { TcpProxy } from '../../support/tcp-proxy.js';
import { BUSY } from '../client/plan.js';
import { SingleWorld } from '../stage/single-world.js';
import type { Stage } from '../stage/stage.js';
import { type Fault, RECONNECT_MS, TTL_MS } from './fault.js';

const start = () => SingleWorld.start();

/** Does something to the wire of one client, often a holder's, or to all. */
async function onTheWire(
  stage: Stage<SingleWorld>,
  what: string,
  { to, most }: { to: 'one' | 'all'; most: number },
  set: (proxy: TcpProxy) => void,
  unset: (proxy: TcpProxy) => void,
): Promise<void> {
  const { proxies } = stage.world;
  const hit = to === 'all' ? proxies : [proxies[stage.pickHolder()]!];
  await stage.during(what, async () => {
    hit.forEach(set);
    await stage.pass(0.25 * TTL_MS, most * TTL_MS);
    hit.forEach(unset);
  });
  stage.expectRecovery(what, [BUSY]);
}

/** A stream that has lost its middle is none: what was swallowed is followed by a reset. */
const heal = (proxy: TcpProxy) => {
  proxy.cut();
  Object.assign(proxy, { dropRequests: false, dropReplies: false, refuse: false });
};

export const networkFaults: readonly Fault[] = [
  {
    name: 'delay',
    title: 'all that travels is late by 50 to 300 ms',
    world: 'single',
    start,
    inject(stage) {
      const delayMs = stage.between(50, 300);
      return onTheWire(
        stage,
        'delay',
        { to: 'all', most: 1.5 },
        (proxy) => (proxy.delayMs = delayMs),
        (proxy) => (proxy.delayMs = 0),
      );
    },
  },
  {
    name: 'replies-lost',
    title: "one way cut: a client's requests arrive, and no answer comes",
    world: 'single',
    reconnectMs: RECONNECT_MS,
    start,
    inject: (stage) =>
      onTheWire(
        stage,
        'replies lost',
        { to: 'one', most: 1.5 },
        (proxy) => (proxy.dropReplies = true),
        heal,
      ),
  },
  {
    name: 'requests-lost',
    title: "the other way cut: a client's requests do not arrive",
    world: 'single',
    reconnectMs: RECONNECT_MS,
    start,
    inject: (stage) =>
      onTheWire(
        stage,
        'requests lost',
        { to: 'one', most: 1.5 },
        (proxy) => (proxy.dropRequests = true),
        heal,
      ),
  },
  {
    name: 'some-replies-lost',
    title: 'every tenth answer is dropped with its connection, of all clients',
    world: 'single',
    reconnectMs: RECONNECT_MS,
    start,
    inject(stage) {
      const losesSome = (proxy: TcpProxy) => () => {
        if (!stage.chance(0.1)) return false;
        proxy.cut();
        return true;
      };
      return onTheWire(
        stage,
        'some replies lost',
        { to: 'all', most: 1 },
        (proxy) => (proxy.dropsReply = losesSome(proxy)),
        (proxy) => delete proxy.dropsReply,
      );
    },
  },
  {
    name: 'connection-refused',
    title: 'a client is cut off, and refused when it connects again',
    world: 'single',
    reconnectMs: RECONNECT_MS,
    start,
    inject: (stage) =>
      onTheWire(
        stage,
        'cut off',
        { to: 'one', most: 1.5 },
        (proxy) => {
          proxy.refuse = true;
          proxy.cut();
        },
        heal,
      ),
  },
  {
    name: 'duplicates',
    title:
      'all that is sent arrives twice, the second time on another connection and up to 30 ms late',
    world: 'single',
    start,
    inject(stage) {
      return onTheWire(
        stage,
        'duplicates',
        { to: 'all', most: 1 },
        (proxy) => (proxy.repeatAfterMs = () => stage.between(0, 30)),
        (proxy) => delete proxy.repeatAfterMs,
      );
    },
  },
];
