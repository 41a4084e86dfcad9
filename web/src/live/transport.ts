// Subscriptions: over a websocket, and as server-sent events where websockets are blocked.
//
// A socket that is cut is opened again with growing pauses, and every subscription on it begins afresh: the server then
// sends how things stand first, so nothing that was missed has to be asked for.

import { createClient as createEvents } from 'graphql-sse';
import { CloseCode, createClient as createSocket } from 'graphql-ws';

export type Line = 'idle' | 'connecting' | 'live' | 'lost';

interface Sink {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

interface Payload {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

/** Attempts that never reached the server by websocket before server-sent events are tried. */
const BLOCKED_AFTER = 2;
const LONGEST_PAUSE = 10_000;
/** The pause after that many attempts is long enough for a server that broke. */
const RETRY = 3;
/** Time enough for a slow network. What does not open by then is swallowed on its way, and no refusal ever comes. */
const OPEN_WITHIN = 8_000;
/** A socket that opens and then says nothing is none, whatever stands between us and the server. */
const GREETED_WITHIN = 5_000;
/** Silence for this long means that the line is dead, whatever the system believes. */
const PONG_WITHIN = 5_000;
const FORBIDDEN = 4403;
/** The server broke, which graphql-ws takes for final. */
const BROKEN = 1011;

export function createTransport({ onEnded }: { onEnded(): void }) {
  let line: Line = 'idle';
  const watchers = new Set<() => void>();
  const say = (next: Line) => {
    if (line === next) return;
    line = next;
    for (const watcher of watchers) watcher();
  };

  let reached = false;
  let failures = 0;
  let blocked = false;
  const running = new Set<() => void>();
  const giveUpSockets = () => {
    if (blocked) return;
    blocked = true;
    for (const restart of [...running]) restart();
  };

  let pong: ReturnType<typeof setTimeout> | undefined;
  let open: WebSocket | undefined;
  const socket = createSocket({
    url: new URL('/graphql', location.href).href.replace(/^http/, 'ws'),
    webSocketImpl: Hurried,
    lazy: true,
    lazyCloseTimeout: 3_000,
    keepAlive: 10_000,
    connectionAckWaitTimeout: GREETED_WITHIN,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: pause,
    shouldRetry: (event) => !blocked && closeCode(event) !== FORBIDDEN,
    on: {
      connecting: () => say(reached || failures > 0 ? 'lost' : 'connecting'),
      opened: (socket) => {
        open = socket as WebSocket;
      },
      connected: () => {
        reached = true;
        failures = 0;
        say('live');
      },
      ping: (received) => {
        if (!received) pong = setTimeout(() => open?.close(4408, 'No sign of life'), PONG_WITHIN);
      },
      pong: (received) => {
        if (received) clearTimeout(pong);
      },
      closed: (event) => {
        clearTimeout(pong);
        const code = closeCode(event);
        if (code === 1000) return say('idle');
        say('lost');
        if (code === FORBIDDEN) return onEnded();
        failures += 1;
        if ((!reached && failures >= BLOCKED_AFTER) || code === CloseCode.TooManyInitialisationRequests)
          giveUpSockets();
      },
    },
  });

  const events = createEvents({
    url: '/graphql/stream',
    singleConnection: false,
    retryAttempts: Number.POSITIVE_INFINITY,
    retry: pause,
    onMessage: () => say('live'),
  });

  return {
    subscribe(payload: Payload, sink: Sink): () => void {
      let stop: () => void = () => {};
      const begin = () => {
        const client = blocked ? events : socket;
        let current = true;
        const dispose = client.subscribe(payload, {
          next: (value: unknown) => current && sink.next(value),
          error: (error: unknown) => {
            if (!current || (client === socket && blocked)) return;
            // What the server says of one subscription is no matter of the line.
            if (!Array.isArray(error)) say('lost');
            if (closeCode(error) === BROKEN) pause(RETRY).then(() => current && restart());
            else sink.error(error);
          },
          complete: () => {
            if (current) sink.complete();
          },
        });
        stop = () => {
          current = false;
          dispose();
        };
      };
      const restart = () => {
        stop();
        begin();
      };
      running.add(restart);
      begin();
      return () => {
        running.delete(restart);
        stop();
      };
    },
    line: () => line,
    watch(watcher: () => void) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}

/** A browser waits for minutes until a socket is open. This one has failed by then, and is tried again as any other. */
class Hurried extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    const timer = setTimeout(() => this.close(), OPEN_WITHIN);
    const isDecided = () => clearTimeout(timer);
    this.addEventListener('open', isDecided);
    this.addEventListener('close', isDecided);
  }
}

/** Waits longer each time, and not at all once the machine is back on the network. */
function pause(retries: number): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE, 500 * 2 ** retries);
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      resolve();
    };
    // Spread, so that everybody does not come back at once after the server was gone.
    const timer = setTimeout(done, longest * (0.5 + Math.random() / 2));
    addEventListener('online', done);
  });
}

function closeCode(event: unknown): number | undefined {
  return typeof event === 'object' && event !== null && 'code' in event && typeof event.code === 'number'
    ? event.code
    : undefined;
}
