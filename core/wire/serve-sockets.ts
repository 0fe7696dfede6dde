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

/** Clients at a time, unless told otherwise. */
const MAX_CLIENTS = 128;
/** Clients that are being told why they are not served, at a time; others learn nothing. */
const MAX_REFUSED = 32;
/** Clients that agree on TLS, at a time. */
const MAX_HANDSHAKES = 128;
/** Milliseconds that clients have to take their last answers. */
const DRAIN_MS = 10_000;
/** Milliseconds in which the server of a socket must answer. */
const PROBE_MS = 1000;

/** How plain connections are made. */
const CONNECTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true };

/** Where connections come from. */
export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A socket that listens already, passed by the process that started this one. */
  | { readonly kind: 'fd'; readonly fd: number };

export interface ServeOptions {
  readonly service: StoreService;
  /** Whose processes may connect to a UNIX socket, besides those of root. */
  readonly uid: number | undefined;
  readonly maxClients?: number;
  readonly trace?: ((line: string) => void) | undefined;
  /** As in ServeLinkOptions. */
  readonly welcomeMs?: number;
  /** Clients come by TLS and show a certificate; over TCP alone. */
  readonly tls?: TlsKeys | undefined;
  /** Told of a client that was refused or lost, in a sentence. */
  readonly onNotice?: (notice: string) => void;
}

/** Sockets that are served. */
export interface SocketServer extends AsyncDisposable {
  /** For people and specifications: `unix:/run/vtftp.sock`, `tcp:127.0.0.1:7070`. */
  readonly address: string;
  readonly clients: number;
}

/**
 * Serves Stores to clients that connect. Disposing of it drains: it accepts no new clients, and answers pending requests.
 *
 * @throws {VtError} EOPEN where the address cannot be listened on
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
      // Clients that have sent nothing, or did not authenticate, are dropped first: the oldest of them.
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
  // Where TLS is not agreed upon, Node keeps the socket below it in its count, and would wait for it for ever.
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
 * Keeps the sockets of a server by TLS. Those that have not agreed on TLS yet are not counted as clients: where there are many, the oldest
 * go.
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
      // The socket must not be open to others even for a moment; what else is made meanwhile is closer than it need be.
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

/** A socket that a dead process left behind is removed; one that is served, and any other file, is not. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new VtError('EOPEN', `listen on "${path}": a file of that name is there`);
  const isServed = await connected(() => ({ socket: connect({ path }) }), 'connect', {}, PROBE_MS).then(
    ({ socket }) => {
      socket.destroy();
      return true;
    },
    // Only this says that nobody listens; a server may as well be busy.
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
