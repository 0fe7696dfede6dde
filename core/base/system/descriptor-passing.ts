import { VtError } from '../errors.ts';
import type { NativeFunction, NativeLibrary } from './libc-native.ts';
import { systemError } from './system-error.ts';

// <sys/socket.h> and <sys/uio.h> of 64-bit Linux.
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const IOVEC_SIZE = 16;
const MSGHDR_SIZE = 56;
const CONTROL_SIZE = 24; // cmsghdr of 16 bytes, and one descriptor padded to 8

/** Two descriptors of one connection. */
export type SocketPair = readonly [ours: number, theirs: number];

/** Makes a pair of connected UNIX sockets, one of them for a child process. */
export function socketPair(library: NativeLibrary): SocketPair {
  const pair = Buffer.alloc(8);
  if (bound(library, 'socketpair', 'int', ['int', 'int', 'int', 'void *'])(AF_UNIX, SOCK_STREAM, 0, pair) !== 0)
    throw systemError(library.errno(), 'socketpair');
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/**
 * Waits for one byte from a UNIX socket and the descriptor that comes with it.
 *
 * Blocks the thread.
 *
 * @returns undefined if the other side closed without sending one
 */
export function receiveDescriptor(library: NativeLibrary, socket: number): number | undefined {
  const octet = Buffer.allocUnsafeSlow(1);
  const iovec = Buffer.allocUnsafeSlow(IOVEC_SIZE);
  const control = Buffer.allocUnsafeSlow(CONTROL_SIZE).fill(0);
  const message = Buffer.allocUnsafeSlow(MSGHDR_SIZE).fill(0);
  iovec.writeBigUInt64LE(addressOf(library, octet), 0);
  iovec.writeBigUInt64LE(1n, 8);
  message.writeBigUInt64LE(addressOf(library, iovec), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(addressOf(library, control), 32);
  message.writeBigUInt64LE(BigInt(CONTROL_SIZE), 40);
  const received = bound(library, 'recvmsg', 'int64_t', ['int', 'void *', 'int'])(socket, message, 0);
  if (received < 0) throw systemError(library.errno(), 'recvmsg');
  const isDescriptor = control.readUInt32LE(8) === SOL_SOCKET && control.readUInt32LE(12) === SCM_RIGHTS;
  return received === 1 && isDescriptor ? control.readInt32LE(16) : undefined;
}

/** The address of a buffer, valid as long as the buffer exists. memset of 0 bytes returns its argument. */
function addressOf(library: NativeLibrary, buffer: Buffer): bigint {
  return BigInt(bound(library, 'memset', 'uintptr_t', ['void *', 'int', 'size_t'])(buffer, 0, 0));
}

function bound(library: NativeLibrary, name: string, result: string, parameters: readonly string[]): NativeFunction {
  const found = library.bind(name, result, parameters);
  if (found === undefined) throw new VtError('EUNSUPPORTED', `call ${name}: the C library has none`);
  return found;
}
