import { constants } from 'node:os';
import type { LockChange, Maybe } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { LOCK_FLOCK, OUT_HEADER_SIZE } from './abi.ts';
import { type OperationContext, replyEmpty } from './operation.ts';
import type { Request } from './request.ts';

/** Types of locks on Linux: <asm-generic/fcntl.h>. */
const TYPES = ['read', 'write', 'none'] as const;
const F_UNLCK = TYPES.indexOf('none');

/** Fields of `fuse_lk_in`. */
function lockOf(request: Request): LockChange {
  const type = TYPES[request.u32(32)];
  if (type === undefined) throw new FilesystemError('EINVAL');
  return {
    type,
    start: request.big(16),
    last: request.big(24),
    pid: request.u32(36),
    extent: (request.u32(40) & LOCK_FLOCK) === 0 ? 'record' : 'whole',
    owner: request.key(8),
  };
}

/** F_GETLK of fcntl(2). */
export function testLock({ filesystem, replies }: OperationContext, request: Request): void {
  if (filesystem.locks === undefined) return replies.error(request, constants.errno.ENOSYS);
  const wanted = lockOf(request);
  const found = wanted.type === 'none' ? undefined : filesystem.locks.test(request.ino, wanted);
  const { scratch } = replies;
  const at = OUT_HEADER_SIZE;
  scratch.writeBigUInt64LE(found?.start ?? wanted.start, at);
  scratch.writeBigUInt64LE(found?.last ?? wanted.last, at + 8);
  scratch.writeUInt32LE(found === undefined ? F_UNLCK : TYPES.indexOf(found.type), at + 16);
  scratch.writeUInt32LE(found?.pid ?? 0, at + 20);
  replies.scratched(request, at + 24);
}

/** F_SETLK and F_SETLKW of fcntl(2), and flock(2). */
export function setLock(context: OperationContext, request: Request, waits: boolean): Maybe<void> {
  const { filesystem, replies } = context;
  if (filesystem.locks === undefined) return replies.error(request, constants.errno.ENOSYS);
  return replyEmpty(context, request, filesystem.locks.set(request.ino, request.u64(0), lockOf(request), waits, request));
}
