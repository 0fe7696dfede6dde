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

/** A connected client. */
export interface ServedClient {
  /** It has sent a request, and has authenticated if there are secrets. */
  readonly isWelcome: boolean;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;
  /** Answers the requests received so far, then ends the connection. */
  drain(): void;
  /** Ends the connection at once. */
  fail(error: Error): void;
}

/** Options of serving one connection. */
export interface ServeLinkOptions {
  readonly trace?: ((line: string) => void) | undefined;
  /** Milliseconds in which `isWelcome` must become true; 0 for no limit. Default {@link WELCOME_MS}. */
  readonly welcomeMs?: number;
  /** What it shares with the other clients of a server; default: nothing is shared. */
  readonly shared?: SharedByClients | undefined;
}

/** Resources that the clients of a server share fairly. */
export interface SharedByClients {
  /** Memory for large packets: idle clients keep none. */
  readonly memory: BufferPool;
  readonly room: SharedRoom;
  readonly turns: FairTurns;
}

/** Makes the shared resources of a new server. */
export function newShared(): SharedByClients {
  return { memory: new BufferPool(PACKET_MEMORY_SIZE, MAX_KEPT_PACKETS), room: new SharedRoom(), turns: new FairTurns(MAX_TURNS) };
}

/** Serves Stores over one connection of any kind. @param name - name of the client, for messages */
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
    // A client that is disconnected watches again when it reconnects.
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

/** Milliseconds that a refused client has to send a request. */
const REFUSE_MS = 2000;

/** Refuses a client: answers its first request with the reason, then ends the connection. */
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
