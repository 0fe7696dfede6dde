import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connect, createServer } from 'node:tls';
import { VtError } from '../../base/errors.ts';
import { errorText } from '../../base/system/system-error.ts';
import { WELCOME_MS } from '../limits.ts';
import type { Link } from './link.ts';
import { isClosedFarther } from './socket-link.ts';
import type { TlsKeys } from './tls-keys.ts';

// Mutual TLS, loaded only when it is used. Both sides use version 1.3 and show a certificate.

/** Milliseconds of silence before the system sends TCP keep-alive probes. */
const KEEP_ALIVE_MS = 30_000;
const PROTOCOL = { minVersion: 'TLSv1.3' } as const;

/** Starts to connect; the socket emits `secureConnect` once the server's certificate has been verified. */
export function connectTls(host: string, port: number, keys: TlsKeys): { readonly socket: TLSSocket; readonly link: Link } {
  const socket = usable(() => connect({ ...PROTOCOL, ...keys, host, port }));
  return { socket, link: linkOf(socket) };
}

/**
 * Makes a server for TLS clients.
 *
 * @param onClient - called with each client, and the reason to refuse it if no authority of `keys` signed its certificate
 * @param onRefused - called with the reason when a handshake fails
 */
export function createTlsServer(
  keys: TlsKeys,
  onClient: (socket: Socket, link: Link, fault: string | undefined) => void,
  onRefused: (reason: string) => void,
): Server {
  // The caller sends a client the reason why its certificate is refused; just closing the connection gives none.
  const options = { ...PROTOCOL, ...keys, requestCert: true, rejectUnauthorized: false, handshakeTimeout: WELCOME_MS, allowHalfOpen: true };
  const server = usable(() =>
    createServer(options, (socket) => {
      // It is a string, although its type is Error.
      const fault = socket.authorized ? undefined : `its certificate: ${String(socket.authorizationError)}`;
      onClient(socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS), linkOf(socket), fault);
    }),
  );
  server.on('tlsClientError', (error: Error, socket) => {
    onRefused(reasonOf(error));
    socket.destroy();
  });
  return server;
}

/** Invalid keys, or keys that do not match, only fail when a context is created from them. */
function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new VtError('EOPEN', `mutual TLS: ${reasonOf(error)}`, {
      cause: error,
      remedy: 'check that the files are PEM, and that the key belongs to the certificate',
    });
  }
}

function linkOf(socket: TLSSocket): Link {
  let failure: Error | undefined;
  socket.on('error', (error: Error) => {
    failure = error;
  });
  return {
    input: socket,
    output: socket,
    hasHungUp: () => isClosedFarther(socket),
    destroy: () => socket.destroy(),
    reason: async () => await Promise.resolve(failure === undefined ? undefined : reasonOf(failure)),
  };
}

function reasonOf(error: unknown): string {
  const { reason } = error as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : errorText(error);
}
