import { endianness } from 'node:os';
import { nativeLibrary } from './libc.ts';

/** socket(7): SOL_SOCKET and SO_PEERCRED of Linux on all machines but alpha, mips, parisc and sparc. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred of unix(7): pid, uid, gid, 32 bits each. */
const UCRED_SIZE = 12;
const UID_AT = 4;

/**
 * The user whose process made a connection to a UNIX socket, as the kernel noted it then.
 *
 * @param fd - of the connection
 * @returns the uid; undefined where the system or a missing foreign function interface cannot tell
 */
export function peerUid(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const call = nativeLibrary()?.bind('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']);
  if (call === undefined) return undefined;
  const credentials = Buffer.alloc(UCRED_SIZE);
  const size = new Uint32Array([UCRED_SIZE]);
  const isDone = call(fd, SOL_SOCKET, SO_PEERCRED, credentials, Buffer.from(size.buffer)) === 0;
  if (!isDone || size[0] !== UCRED_SIZE) return undefined;
  return endianness() === 'LE' ? credentials.readUInt32LE(UID_AT) : credentials.readUInt32BE(UID_AT);
}
