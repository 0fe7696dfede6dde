import { BufferPool } from '../base/buffer-pool.ts';
import { Connection } from './connection.ts';
import { FairTurns } from './fair-turns.ts';
import { MAX_KEPT_PACKETS, MAX_PACKET_SIZE, MAX_STRANGE_PACKET_SIZE, MAX_TURNS, PACKET_MEMORY_SIZE, WELCOME_MS } from './limits.ts';
import type { Link } from './links/link.ts';
import type { Reply } from './reply.ts';
import { REQUEST } from './requests.ts';
import { SharedRoom } from './shared-room.ts';
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
  /** What it shares with the other clients of a server; default something of its own. */
  readonly shared?: SharedByClients | undefined;
}

/** What the clients of a server share, so that none takes it all. */
export interface SharedByClients {
  /** Where large packets have their memory from: idle clients keep none. */
  readonly memory: BufferPool;
  readonly room: SharedRoom;
  readonly turns: FairTurns;
}

/** What clients of a server are going to share. */
export function newShared(): SharedByClients {
  return { memory: new BufferPool(PACKET_MEMORY_SIZE, MAX_KEPT_PACKETS), room: new SharedRoom(), turns: new FairTurns(MAX_TURNS) };
}

/** Serves Stores over one connection, whatever it is. */
export function serveLink(link: Link, name: string, service: StoreService, options: ServeLinkOptions = {}): ServedClient {
  const { trace, welcomeMs = WELCOME_MS, shared: { memory, room, turns } = newShared() } = options;
  const gone = new AbortController();
  let isWelcome = false;
  const session = new StoreSession(service, turns, {
    signal: gone.signal,
    onHello: () => connection.watch(),
    onWelcome: () => {
      if (isWelcome) return;
      isWelcome = true;
      clearTimeout(timer);
      connection.limitPackets(MAX_PACKET_SIZE);
    },
    // One that is gone asks anew when it is back.
    tellNews: (archive) => void connection.request(REQUEST.entryNews, { payload: [Buffer.from(archive)] }).catch(() => undefined),
  });
  const maxPacketSize = service.users === undefined ? MAX_PACKET_SIZE : MAX_STRANGE_PACKET_SIZE;
  const share = room.share(() => connection.fail(new Error('it stalled while it held memory that others waited for')));
  const connection = new Connection(link, { name, handler: session, trace, maxPacketSize, memory, room: share });
  const timer = welcomeMs === 0 ? undefined : setTimeout(() => connection.fail(new Error('it sent nothing in time')), welcomeMs);
  void connection.closed.then(() => {
    clearTimeout(timer);
    share.close();
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
