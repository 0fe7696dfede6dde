import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connect, createServer } from 'node:tls';
import { VtError } from '../../base/errors.ts';
import { errorText } from '../../base/system/system-error.ts';
import { WELCOME_MS } from '../limits.ts';
import type { Link } from './link.ts';
import type { TlsKeys } from './tls-keys.ts';

// Mutual TLS. Loaded only where it is asked for. Both sides speak version 1.3, and show a certificate.

/** Milliseconds between questions whether the other side is there. */
const KEEP_ALIVE_MS = 30_000;
const PROTOCOL = { minVersion: 'TLSv1.3' } as const;

/** A socket that is being connected: it tells so by `secureConnect`, once the server's certificate has been verified. */
export function connectTls(host: string, port: number, keys: TlsKeys): { readonly socket: TLSSocket; readonly link: Link } {
  const socket = usable(() => connect({ ...PROTOCOL, ...keys, host, port }));
  return { socket, link: linkOf(socket) };
}

/**
 * A server for clients that come by TLS.
 *
 * @param onClient - gets each, and why it is not to be served where its certificate is not signed by an authority of `keys`
 * @param onRefused - told why one did not get so far
 */
export function createTlsServer(
  keys: TlsKeys,
  onClient: (socket: Socket, link: Link, fault: string | undefined) => void,
  onRefused: (reason: string) => void,
): Server {
  // The caller tells a client that its certificate is not accepted: a connection that just ends gives no reason.
  const options = { ...PROTOCOL, ...keys, requestCert: true, rejectUnauthorized: false, handshakeTimeout: WELCOME_MS, allowHalfOpen: true };
  const server = usable(() =>
    createServer(options, (socket) => {
      // A text, whatever its type says.
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

/** Keys that are none, or do not fit together, are found when a context is made of them. */
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
    destroy: () => socket.destroy(),
    reason: async () => await Promise.resolve(failure === undefined ? undefined : reasonOf(failure)),
  };
}

function reasonOf(error: unknown): string {
  const { reason } = error as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : errorText(error);
}
