import { chmodSync, lstatSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { VtError } from '../base/errors.ts';
import { addDoors } from '../base/system/accept-doors.ts';
import { makeFolders } from '../base/system/make-folders.ts';
import { peerUid } from '../base/system/peer-credentials.ts';
import { descriptorOf } from '../base/system/socket-descriptor.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import { connected } from './links/connected.ts';
import type { Link } from './links/link.ts';
import { acceptLink, readMemory } from './links/socket-link.ts';
import type { TlsKeys } from './links/tls-keys.ts';
import type { ServedClient } from './serve-streams.ts';
import { newShared, refuseLink, serveLink } from './serve-streams.ts';
import type { StoreService } from './store-session.ts';

/** Default maximum number of clients at a time. */
const MAX_CLIENTS = 128;
/** Maximum number of refused clients that are sent a reason at a time; others get none. */
const MAX_REFUSED = 32;
/** Maximum number of TLS handshakes at a time. */
const MAX_HANDSHAKES = 128;
/** Milliseconds that clients have to receive their last responses. */
const DRAIN_MS = 10_000;
/** Milliseconds in which the server of an existing socket must answer a probe. */
const PROBE_MS = 1000;

/** Options of sockets without TLS. */
const CONNECTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true };

/** The address that a server listens on. */
export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A listening socket, passed by the parent process. */
  | { readonly kind: 'fd'; readonly fd: number };

/** Options of a socket server. */
export interface ServeOptions {
  readonly service: StoreService;
  /** The user whose processes may connect to a UNIX socket, besides root. */
  readonly uid: number | undefined;
  readonly maxClients?: number;
  readonly trace?: ((line: string) => void) | undefined;
  /** As in ServeLinkOptions. */
  readonly welcomeMs?: number;
  /** Clients must use TLS and show a certificate; for TCP only. */
  readonly tls?: TlsKeys | undefined;
  /** Called with a sentence about each client that was refused or lost. */
  readonly onNotice?: (notice: string) => void;
}

/** A running server. */
export interface SocketServer extends AsyncDisposable {
  /** For messages and Store specifications: `unix:/run/vtftp.sock`, `tcp:127.0.0.1:7070`. */
  readonly address: string;
  readonly clients: number;
}

/**
 * Serves Stores to clients that connect. Disposing of the server drains it: it accepts no new clients, and answers pending requests.
 *
 * @throws {VtError} EOPEN if it cannot listen on the address
 */
export async function serveSockets(address: ListenAddress, options: ServeOptions): Promise<SocketServer> {
  const { service, uid, maxClients = MAX_CLIENTS, trace, onNotice, welcomeMs, tls } = options;
  const shared = newShared();
  const memory = readMemory();
  const clients = new Set<ServedClient>();
  let count = 0;
  let refused = 0;
  const serve = (socket: Socket, link: Link, fault?: string): void => {
    socket.on('error', () => socket.destroy());
    const name = `client ${++count}`;
    const refuse = (code: 'EPERM' | 'ELOCKED', reason: string): void => {
      onNotice?.(`${name} refused: ${reason}`);
      if (refused >= MAX_REFUSED) {
        socket.destroy();
        return;
      }
      refused++;
      void refuseLink(link, name, code, `not served: ${reason}`).then(() => refused--);
    };
    if (fault !== undefined) {
      refuse('EPERM', fault);
      return;
    }
    const other = address.kind === 'tcp' ? undefined : peerUid(descriptorOf(socket));
    if (other !== undefined && uid !== undefined && other !== uid && other !== 0) {
      refuse('EPERM', `its user ${other} may not connect`);
      return;
    }
    if (clients.size >= maxClients) {
      // Drop the oldest client that has sent nothing or did not authenticate.
      const strange = [...clients].find(({ isWelcome }) => !isWelcome);
      if (strange === undefined) {
        refuse('ELOCKED', `there are ${clients.size} clients already`);
        return;
      }
      clients.delete(strange);
      strange.fail(new Error('others came'));
    }
    const client = serveLink(link, name, service, {
      shared,
      trace: trace === undefined ? undefined : (line) => trace(`${name} ${line}`),
      ...(welcomeMs === undefined ? {} : { welcomeMs }),
    });
    clients.add(client);
    void client.closed.then(() => clients.delete(client));
  };
  const server =
    tls === undefined
      ? createServer(CONNECTIONS, (accepted) => {
          const { socket, link } = acceptLink(accepted, memory);
          serve(socket, link);
        })
      : (await import('./links/tls-link.ts')).createTlsServer(tls, serve, (reason) => onNotice?.(`client ${++count} refused: ${reason}`));
  // After a failed TLS handshake, Node still counts the underlying socket, and would wait for it forever.
  const sockets = new Set<Socket>();
  if (tls !== undefined) limitHandshakes(server, sockets);
  await listen(server, address);
  const closeDoors = addDoors(server, tls === undefined ? CONNECTIONS : { allowHalfOpen: true });
  return {
    address: addressText(server, address),
    get clients() {
      return clients.size;
    },
    async [Symbol.asyncDispose]() {
      if (address.kind === 'unix') rmSync(address.path, { force: true });
      const closed = Promise.all([new Promise((resolve) => server.close(resolve)), closeDoors()]);
      for (const client of clients) client.drain();
      const timer = setTimeout(() => {
        for (const client of clients) client.fail(new Error('the server ends'));
      }, DRAIN_MS);
      await Promise.all([...clients].map(async (client) => await client.closed));
      clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/**
 * Tracks the sockets of a TLS server in `sockets`. Sockets before the end of their handshake do not count as clients; if there are too
 * many, the oldest is closed.
 */
function limitHandshakes(server: Server, sockets: Set<Socket>): void {
  const agreeing = new Map<string, Socket>();
  const keyOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    for (const [oldest, other] of agreeing) {
      if (agreeing.size < MAX_HANDSHAKES) break;
      agreeing.delete(oldest);
      other.destroy();
    }
    agreeing.set(key, socket);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (agreeing.get(key) === socket) agreeing.delete(key);
    });
  });
  server.on('secureConnection', (socket: Socket) => agreeing.delete(keyOf(socket)));
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  const name =
    address.kind === 'unix' ? address.path : address.kind === 'tcp' ? `${address.host}:${address.port}` : `descriptor ${address.fd}`;
  if (address.kind === 'unix') {
    makeFolders(dirname(address.path), 0o700);
    await removeStale(address.path);
  }
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => reject(new VtError('EOPEN', `listen on "${name}": ${errorReason(error)}`, { cause: error }));
    server.once('error', fail);
    const done = (): void => {
      server.off('error', fail);
      resolve();
    };
    if (address.kind === 'unix') {
      // Other users must not be able to connect even for a moment. Other files created meanwhile get stricter modes than needed.
      const before = process.umask(0o177);
      try {
        server.listen(address.path, done);
      } finally {
        process.umask(before);
      }
    } else if (address.kind === 'tcp') server.listen({ host: address.host, port: address.port }, done);
    else server.listen({ fd: address.fd }, done);
  });
  if (address.kind === 'unix') chmodSync(address.path, 0o600);
}

/** Removes a socket that a dead process left behind, but not one with a server, nor any other file. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new VtError('EOPEN', `listen on "${path}": a file of that name is there`);
  const isServed = await connected(() => ({ socket: connect({ path }) }), 'connect', {}, PROBE_MS).then(
    ({ socket }) => {
      socket.destroy();
      return true;
    },
    // Only ECONNREFUSED means that nobody listens; with other errors a server may be busy.
    (error: unknown) => errorCode(error) !== 'ECONNREFUSED',
  );
  if (isServed)
    throw new VtError('EOPEN', `listen on "${path}": another process serves it`, { remedy: 'end that process, or name another socket' });
  rmSync(path, { force: true });
}

function addressText(server: Server, address: ListenAddress): string {
  const at = server.address();
  if (typeof at === 'string') return `unix:${at}`;
  if (at === null) return address.kind === 'fd' ? `fd:${address.fd}` : 'closed';
  return `tcp:${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`;
}
