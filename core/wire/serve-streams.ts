import type { Link } from './connection.ts';
import { Connection } from './connection.ts';
import type { StoreService } from './store-session.ts';
import { StoreSession } from './store-session.ts';

/** One client that is served. */
export interface ServedClient {
  /** Resolves when it has gone. */
  readonly closed: Promise<void>;
  /** Answers what it has asked, then ends. */
  drain(): void;
  /** Ends at once. */
  fail(error: Error): void;
}

/** Serves Stores over one connection, whatever it is. */
export function serveLink(link: Link, name: string, service: StoreService, trace?: (line: string) => void): ServedClient {
  const gone = new AbortController();
  const session = new StoreSession(service, gone.signal, () => connection.watch());
  const connection = new Connection(link, { name, handler: session, trace });
  void connection.closed.then(() => gone.abort());
  return connection;
}
