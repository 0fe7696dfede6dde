import type { BufferPool } from '../base/buffer-pool.ts';
import type { Link, Reply } from './connection.ts';
import { Connection } from './connection.ts';
import { MAX_PACKET_SIZE, MAX_STRANGE_PACKET_SIZE, WELCOME_MS } from './limits.ts';
import type { StoreService } from './store-session.ts';
import { StoreSession } from './store-session.ts';

/** One client that is served. */
export interface ServedClient {
  /** It has said something, and shown that it knows the secret where there is one. */
  readonly isWelcome: boolean;
  /** Resolves when it has gone. */
  readonly closed: Promise<void>;
  /** Answers what it has asked, then ends. */
  drain(): void;
  /** Ends at once. */
  fail(error: Error): void;
}

/** How one connection is served. */
export interface ServeLinkOptions {
  readonly trace?: ((line: string) => void) | undefined;
  /** Milliseconds in which a client has to become welcome; 0 for any time. Default {@link WELCOME_MS}. */
  readonly welcomeMs?: number;
  /** Where large packets have their memory from: one for all clients of a server, so that idle ones keep none. */
  readonly memory?: BufferPool | undefined;
}

/** Serves Stores over one connection, whatever it is. */
export function serveLink(link: Link, name: string, service: StoreService, options: ServeLinkOptions = {}): ServedClient {
  const { trace, memory, welcomeMs = WELCOME_MS } = options;
  const gone = new AbortController();
  let isWelcome = false;
  const session = new StoreSession(
    service,
    gone.signal,
    () => connection.watch(),
    () => {
      if (isWelcome) return;
      isWelcome = true;
      clearTimeout(timer);
      connection.limitPackets(MAX_PACKET_SIZE);
    },
  );
  const maxPacketSize = service.secret === undefined ? MAX_PACKET_SIZE : MAX_STRANGE_PACKET_SIZE;
  const connection = new Connection(link, { name, handler: session, trace, maxPacketSize, memory });
  const timer = welcomeMs === 0 ? undefined : setTimeout(() => connection.fail(new Error('it said nothing in time')), welcomeMs);
  void connection.closed.then(() => {
    clearTimeout(timer);
    gone.abort();
  });
  return {
    get isWelcome() {
      return isWelcome;
    },
    closed: connection.closed,
    drain: () => connection.drain(),
    fail: (error) => connection.fail(error),
  };
}

/** Milliseconds that a client which is not served has to ask something. */
const REFUSE_MS = 2000;

/** Tells a client, when it asks something, why it is not served; then ends. */
export function refuseLink(link: Link, name: string, code: 'EPERM' | 'ELOCKED', reason: string): Promise<void> {
  const reply: Reply = { isDone: false, json: { code, reason } };
  const answer = async (): Promise<Reply> => {
    setImmediate(() => connection.drain());
    return await Promise.resolve(reply);
  };
  const connection = new Connection(link, { name, handler: { atOnce: 1, answer }, maxPacketSize: MAX_STRANGE_PACKET_SIZE });
  const timer = setTimeout(() => connection.fail(new Error(reason)), REFUSE_MS);
  return connection.closed.then(() => clearTimeout(timer));
}
