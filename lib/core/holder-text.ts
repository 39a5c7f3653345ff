import type { Holder } from '../stores/lock-store.interface.js';

/** Who holds something, as messages tell it. */
export const holderText = ({ service, host, pid }: Holder): string =>
  `${service} (${host}, pid ${pid})`;
