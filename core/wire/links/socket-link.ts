import type { NetConnectOpts } from 'node:net';
import { connect, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Link } from './link.ts';

/** Octets read at once: as many as a UNIX socket holds. */
const READ_SIZE = 256 * 1024;

/**
 * Sockets whose octets are read into the same memory again and again. Node otherwise makes a buffer of 64 KiB for each
 * read. Collecting these took a tenth of the time of a transfer.
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

  /** Tells who takes the octets, and gives those that came before. */
  to(take: (chunk: Buffer) => void): void {
    this.#take = take;
    for (const chunk of this.#early.splice(0)) take(chunk);
  }
}

/** Memory that sockets are read into. One read is over before the next begins, so the sockets of a thread may share it. */
export function readMemory(): Buffer {
  return Buffer.allocUnsafeSlow(READ_SIZE);
}

/** A socket, and the link that it is. */
export interface SocketLink {
  readonly socket: Socket;
  readonly link: Link;
}

/** A socket that is being connected, and its link. */
export function connectLink(options: NetConnectOpts): SocketLink {
  const reading = new Reading();
  const socket = connect({ ...options, onread: reading });
  return { socket, link: linkOf(socket, reading) };
}

/**
 * A socket that a server has accepted and not read from (`pauseOnConnect`).
 *
 * @param memory - of {@link readMemory}, that all of its sockets may share
 * @returns the socket to be used in its place, and its link
 */
export function acceptLink(accepted: Socket, memory: Buffer): SocketLink {
  const { socket, reading } = readAnew(accepted, true, memory);
  return { socket, link: linkOf(socket, reading) };
}

/** One end of a connection that comes and goes by two descriptors or pipes: its input. */
export type InputLink = Pick<Link, 'input' | 'onReused'>;

/** The input of a process of ours that was just started. */
export function pipeInput(pipe: Readable): InputLink {
  if (!(pipe instanceof Socket)) return { input: pipe };
  const { socket, reading } = readAnew(pipe, false);
  return { input: socket, onReused: reading === undefined ? undefined : (take) => reading.to(take) };
}

/** An open descriptor, as an input. @throws where it is no socket or pipe */
export function descriptorInput(fd: number): InputLink {
  const reading = new Reading();
  // @types/node does not know that a Socket takes `onread` as well.
  const options = { fd, readable: true, writable: false, onread: reading };
  const input = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  return { input, onReused: (take) => reading.to(take) };
}

/** Nothing offers a way to say how a socket reads that somebody else makes: its handle goes to a new one. */
function readAnew(made: Socket, isWritable: boolean, memory?: Buffer): { readonly socket: Socket; readonly reading: Reading | undefined } {
  const owner = made as unknown as { _handle?: { readonly useUserBuffer?: unknown } | null };
  const handle = owner._handle;
  if (typeof handle?.useUserBuffer !== 'function') return { socket: made, reading: undefined };
  owner._handle = null;
  const reading = new Reading(memory);
  const options = { handle, allowHalfOpen: true, writable: isWritable, onread: reading };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  // Its maker counts it as long as the first one lives.
  socket.once('close', () => made.destroy());
  return { socket, reading };
}

function linkOf(socket: Socket, reading?: Reading): Link {
  const link = { input: socket, output: socket, destroy: (): unknown => socket.destroy() };
  return reading === undefined ? link : { ...link, onReused: (take) => reading.to(take) };
}
