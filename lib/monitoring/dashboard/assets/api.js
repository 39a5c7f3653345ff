// Asks the server again and again for what is shown, while somebody looks.
import { useEffect, useRef, useState } from './vendor.js';

const API = new URL('api/', import.meta.url);
const GIVE_UP_MS = 15_000;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

export class AnswerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function send(path, options) {
  const signal = AbortSignal.any([AbortSignal.timeout(GIVE_UP_MS), options.signal].filter(Boolean));
  let response;
  try {
    response = await fetch(new URL(path, API), { ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new AnswerError(0, 'The application does not answer.');
  }
  const body = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body;
  const told = typeof body?.message === 'string' ? body.message : response.statusText;
  if (response.ok) throw new AnswerError(0, 'The answer is not what was asked for. Log in again?');
  throw new AnswerError(response.status, told || `The answer has status ${response.status}.`);
}

export const get = (path, signal) => send(path, { signal });

export const post = (path, body) =>
  send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** A path with a query of those values that there are. */
export function withQuery(path, values) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value) query.set(key, value);
  return query.size === 0 ? path : `${path}?${query}`;
}

const untilVisible = (signal) =>
  new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look, { signal });
    signal.addEventListener('abort', resolve);
    look();
  });

const sleep = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()));
  });

/**
 * What a path answers, as new as it can be had. It is not asked while the page is hidden or paused; where it fails,
 * less and less often, and what was there last stays.
 */
export function useLive(path, { isPaused, onAnswer }) {
  const [state, setState] = useState({ path, data: undefined, error: undefined });
  const [turn, setTurn] = useState(0);
  const tell = useRef(onAnswer);
  tell.current = onAnswer;

  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    const run = async () => {
      let pause = FIRST_PAUSE_MS;
      let failures = 0;
      while (!signal.aborted) {
        await untilVisible(signal);
        if (signal.aborted) return;
        try {
          const data = await get(path, signal);
          if (signal.aborted) return;
          failures = 0;
          pause = data.refreshMs ?? FIRST_PAUSE_MS;
          setState({ path, data, error: undefined });
          tell.current?.(data, undefined);
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          setState((was) => ({ path, data: was.path === path ? was.data : undefined, error }));
          tell.current?.(undefined, error);
        }
        if (isPaused) return;
        await sleep(Math.min(pause * 2 ** Math.min(failures, 6), LONGEST_PAUSE_MS), signal);
      }
    };
    void run();
    return () => end.abort();
  }, [path, isPaused, turn]);

  const isOther = state.path !== path;
  return {
    data: state.data,
    error: isOther ? undefined : state.error,
    isLoading: isOther || (!state.data && !state.error),
    again: () => setTurn((number) => number + 1),
  };
}

/** The present time, for ages that go on between two answers. */
export function useNow(isPaused) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (isPaused) return undefined;
    const timer = setInterval(() => !document.hidden && setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isPaused]);
  return now;
}
