import type { NetConnectOpts } from 'node:net';
import { connect, Socket } from 'node:net';
import type { Link } from './connection.ts';

/** Octets read at once: as many as a UNIX socket holds. */
const READ_SIZE = 256 * 1024;

/**
 * Sockets whose octets are read into the same memory again and again: Node otherwise makes a buffer of 64 KiB for each
 * read, and the garbage collector, which has them all to look after, took a tenth of the time of a transfer.
 */
class Reading {
  readonly buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  #early: Buffer[] = [];
  #take: ((chunk: Buffer) => void) | undefined;

  readonly callback = (size: number): boolean => {
    const chunk = this.buffer.subarray(0, size);
    if (this.#take === undefined) this.#early.push(Buffer.from(chunk));
    else this.#take(chunk);
    return true;
  };

  /** Tells who takes the octets, and gives those that came before. */
  to(take: (chunk: Buffer) => void): void {
    this.#take = take;
    for (const chunk of this.#early.splice(0)) take(chunk);
  }
}

/** A socket that is being connected, and its link. */
export function connectLink(options: NetConnectOpts): { readonly socket: Socket; readonly link: Link } {
  const reading = new Reading();
  const socket = connect({ ...options, onread: reading });
  return { socket, link: linkOf(socket, reading) };
}

/** A socket that a server has accepted and not read from (`pauseOnConnect`). @returns the socket to be used in its place, and its link */
export function acceptLink(accepted: Socket): { readonly socket: Socket; readonly link: Link } {
  const reading = new Reading();
  // A server offers no way to say how its sockets read: the handle goes to a new one.
  const owner = accepted as unknown as { _handle?: { readonly useUserBuffer?: unknown } | null };
  const handle = owner._handle;
  if (typeof handle?.useUserBuffer !== 'function') return { socket: accepted, link: linkOf(accepted) };
  owner._handle = null;
  const socket = new Socket({ handle, allowHalfOpen: true, onread: reading } as ConstructorParameters<typeof Socket>[0]);
  // The server counts it as long as the first one lives.
  socket.once('close', () => accepted.destroy());
  return { socket, link: linkOf(socket, reading) };
}

function linkOf(socket: Socket, reading?: Reading): Link {
  const link = { input: socket, output: socket, destroy: (): unknown => socket.destroy() };
  return reading === undefined ? link : { ...link, onReused: (take) => reading.to(take) };
}
