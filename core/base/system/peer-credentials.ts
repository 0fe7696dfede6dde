import { endianness } from 'node:os';
import { nativeLibrary } from './libc.ts';

/** socket(7): SOL_SOCKET and SO_PEERCRED of Linux on all machines except alpha, mips, parisc and sparc. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred of unix(7): pid, uid, gid, 32 bits each. */
const UCRED_SIZE = 12;
const UID_AT = 4;

/**
 * The user who connected to a UNIX socket. The kernel recorded it at that time.
 *
 * @param fd - the descriptor of the connection
 * @returns the uid; undefined if the system cannot report it or the C library cannot be called
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
