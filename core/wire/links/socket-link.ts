import type { NetConnectOpts } from 'node:net';
import { connect, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { hasHungUp } from '../../base/system/poll.ts';
import { descriptorOf } from '../../base/system/socket-descriptor.ts';
import type { Link } from './link.ts';

/** Octets per read: as many as a UNIX socket holds. */
const READ_SIZE = 256 * 1024;

/**
 * Reads sockets into the same memory again and again. Otherwise Node allocates a buffer of 64 KiB for each
 * read. Garbage collection of these took a tenth of the time of a transfer.
 */
class Reading {
  readonly buffer: Buffer;
  #early: Buffer[] = [];
  #take: ((chunk: Buffer) => void) | undefined;

  constructor(buffer: Buffer = readMemory()) {
    this.buffer = buffer;
  }

  readonly callback = (size: number): boolean => {
    const chunk = this.buffer.subarray(0, size);
    if (this.#take === undefined) this.#early.push(Buffer.from(chunk));
    else this.#take(chunk);
    return true;
  };

  /** Sets the receiver of the octets, and passes on those that arrived before. */
  to(take: (chunk: Buffer) => void): void {
    this.#take = take;
    for (const chunk of this.#early.splice(0)) take(chunk);
  }
}

/** Allocates memory that sockets are read into. A read ends before the next begins, so the sockets of a thread may share it. */
export function readMemory(): Buffer {
  return Buffer.allocUnsafeSlow(READ_SIZE);
}

/** A socket and its link. */
export interface SocketLink {
  readonly socket: Socket;
  readonly link: Link;
}

/** Starts to connect a socket; returns it and its link. */
export function connectLink(options: NetConnectOpts): SocketLink {
  const reading = new Reading();
  const socket = connect({ ...options, onread: reading });
  return { socket, link: linkOf(socket, reading) };
}

/**
 * Wraps a socket that a server has accepted and not read from (`pauseOnConnect`).
 *
 * @param memory - from {@link readMemory}; the server's sockets may share it
 * @returns the socket to use in its place, and its link
 */
export function acceptLink(accepted: Socket, memory: Buffer): SocketLink {
  const { socket, reading } = readAnew(accepted, true, memory);
  return { socket, link: linkOf(socket, reading) };
}

/** The input of a connection that consists of two descriptors or pipes. */
export type InputLink = Pick<Link, 'input' | 'onReused'>;

/** The output of a child process that was just started, as our input. */
export function pipeInput(pipe: Readable): InputLink {
  if (!(pipe instanceof Socket)) return { input: pipe };
  const { socket, reading } = readAnew(pipe, false);
  return { input: socket, onReused: reading === undefined ? undefined : (take) => reading.to(take) };
}

/** An open descriptor as an input. @throws if it is no socket or pipe */
export function descriptorInput(fd: number): InputLink {
  const reading = new Reading();
  // @types/node lacks the option `onread` of a Socket.
  const options = { fd, readable: true, writable: false, onread: reading };
  const input = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  return { input, onReused: (take) => reading.to(take) };
}

/** Node cannot set `onread` on an existing socket, so this moves its handle to a new socket. */
function readAnew(made: Socket, isWritable: boolean, memory?: Buffer): { readonly socket: Socket; readonly reading: Reading | undefined } {
  const owner = made as unknown as { _handle?: { readonly useUserBuffer?: unknown } | null };
  const handle = owner._handle;
  if (typeof handle?.useUserBuffer !== 'function') return { socket: made, reading: undefined };
  owner._handle = null;
  const reading = new Reading(memory);
  const options = { handle, allowHalfOpen: true, writable: isWritable, onread: reading };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  // The server counts the connection until the first socket is destroyed.
  socket.once('close', () => made.destroy());
  return { socket, reading };
}

/** Whether the other end of a socket is closed. */
export function isClosedFarther(socket: Socket): boolean {
  const fd = descriptorOf(socket);
  return fd >= 0 && hasHungUp(fd);
}

function linkOf(socket: Socket, reading?: Reading): Link {
  const link = { input: socket, output: socket, hasHungUp: () => isClosedFarther(socket), destroy: (): unknown => socket.destroy() };
  return reading === undefined ? link : { ...link, onReused: (take) => reading.to(take) };
}
