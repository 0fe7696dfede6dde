import { constants as fileConstants } from 'node:fs';
import { constants } from 'node:os';
import type { AttributeChange, Attributes, Instant, Maybe, Opened } from '../filesystem.ts';
import {
  FATTR,
  FOPEN,
  GETATTR_FH,
  IN_HEADER_SIZE,
  MAX_TRANSFER_SIZE,
  OP,
  OPEN_KILL_SUIDGID,
  OUT_HEADER_SIZE,
  WRITE,
  WRITE_IN_SIZE,
} from './abi.ts';
import { writeAttrOut, writeEntry, writeNoEntry, writeStatxOut } from './encode.ts';
import { Listing } from './listing.ts';
import { setLock, testLock } from './lock-operations.ts';
import { readI64, writeI64 } from './octet-fields.ts';
import { type Operation, type OperationContext, replyEmpty, then } from './operation.ts';
import type { Request } from './request.ts';

/** SEEK_DATA and SEEK_HOLE of lseek(2) on Linux. */
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

function replyEntry({ replies }: OperationContext, request: Request, attributes: Maybe<Attributes>): Maybe<void> {
  return then(attributes, (found) => replies.scratched(request, writeEntry(replies.scratch, OUT_HEADER_SIZE, found)));
}

function replyAttributes({ replies }: OperationContext, request: Request, attributes: Maybe<Attributes>): Maybe<void> {
  return then(attributes, (found) => replies.scratched(request, writeAttrOut(replies.scratch, OUT_HEADER_SIZE, found)));
}

function replyCount({ replies }: OperationContext, request: Request, count: Maybe<number>): Maybe<void> {
  return then(count, (found) => {
    replies.scratch.writeUInt32LE(found, OUT_HEADER_SIZE);
    replies.scratch.writeUInt32LE(0, OUT_HEADER_SIZE + 4);
    replies.scratched(request, OUT_HEADER_SIZE + 8);
  });
}

function writeOpened(out: Buffer, at: number, { handle, keepCache, direct }: Opened, more = 0): number {
  writeI64(out, handle, at);
  out.writeUInt32LE((keepCache ? FOPEN.KEEP_CACHE : 0) | (direct === true ? FOPEN.DIRECT_IO : 0) | more, at + 8);
  out.writeUInt32LE(0, at + 12);
  return at + 16;
}

function replyCreated(
  { replies }: OperationContext,
  request: Request,
  made: Maybe<Opened & { readonly attributes: Attributes }>,
): Maybe<void> {
  return then(made, (created) => {
    const at = writeEntry(replies.scratch, OUT_HEADER_SIZE, created.attributes);
    replies.scratched(request, writeOpened(replies.scratch, at, created));
  });
}

function readDirectory(plus: boolean): Operation {
  return ({ filesystem, replies }, request) => {
    const size = Math.min(request.u32(16), MAX_TRANSFER_SIZE);
    const out = replies.borrow(OUT_HEADER_SIZE + size);
    const listing = new Listing(out, OUT_HEADER_SIZE, size, plus);
    const done = filesystem.readdir(request.ino, request.u64(0), request.u64(8), plus, listing.add, request);
    return then(done, () => {
      replies.whole(request, out, listing.end);
      replies.giveBack(out);
    });
  };
}

function instantAt(request: Request, secondsAt: number, nanosecondsAt: number): Instant {
  return { seconds: readI64(request.bytes, IN_HEADER_SIZE + secondsAt), nanoseconds: request.u32(nanosecondsAt) };
}

/** Fields of `fuse_setattr_in`. */
function changeOf(request: Request): AttributeChange {
  const valid = request.u32(0);
  const has = (bit: number): boolean => (valid & bit) !== 0;
  return {
    ...(has(FATTR.FH) ? { handle: request.u64(8) } : {}),
    ...(has(FATTR.SIZE) ? { size: request.u64(16) } : {}),
    ...(has(FATTR.ATIME) ? { atime: has(FATTR.ATIME_NOW) ? 'now' : instantAt(request, 32, 56) } : {}),
    ...(has(FATTR.MTIME) ? { mtime: has(FATTR.MTIME_NOW) ? 'now' : instantAt(request, 40, 60) } : {}),
    ...(has(FATTR.CTIME) ? { ctime: instantAt(request, 48, 64) } : {}),
    ...(has(FATTR.MODE) ? { mode: request.u32(68) } : {}),
    ...(has(FATTR.UID) ? { uid: request.u32(76) } : {}),
    ...(has(FATTR.GID) ? { gid: request.u32(80) } : {}),
    ...(has(FATTR.KILL_SUIDGID) ? { killSuidGid: true } : {}),
  };
}

/** Replies with an xattr: its size if the client requested that, else its octets if they fit. */
function replyXattr({ replies }: OperationContext, request: Request, value: Maybe<Uint8Array | undefined>): Maybe<void> {
  const room = request.u32(0);
  return then(value, (octets) => {
    if (octets === undefined) replies.error(request, constants.errno.ENODATA);
    else if (room === 0) {
      replies.scratch.writeUInt32LE(octets.length, OUT_HEADER_SIZE);
      replies.scratch.writeUInt32LE(0, OUT_HEADER_SIZE + 4);
      replies.scratched(request, OUT_HEADER_SIZE + 8);
    } else if (octets.length > room) replies.error(request, constants.errno.ERANGE);
    else replies.pieces(request, [octets]);
  });
}

/** The handler of each operation, by opcode. This driver does not support others. */
export const OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [
    OP.LOOKUP,
    (context, request) => {
      const { filesystem, replies } = context;
      return then(filesystem.lookup(request.ino, request.name(0), request), (found) => {
        const { scratch } = replies;
        // The kernel caches that a name does not exist.
        const end = found === undefined ? writeNoEntry(scratch, OUT_HEADER_SIZE) : writeEntry(scratch, OUT_HEADER_SIZE, found);
        replies.scratched(request, end);
      });
    },
  ],
  [OP.FORGET, ({ filesystem }, request) => filesystem.forget(request.ino, request.u64(0))],
  [
    OP.BATCH_FORGET,
    ({ filesystem }, request) => {
      const count = request.u32(0);
      for (let i = 0; i < count; i++) filesystem.forget(request.u64(8 + 16 * i), request.u64(16 + 16 * i));
    },
  ],
  [
    OP.GETATTR,
    (context, request) => {
      const handle = (request.u32(0) & GETATTR_FH) !== 0 ? request.u64(8) : undefined;
      return replyAttributes(context, request, context.filesystem.getattr(request.ino, handle));
    },
  ],
  [
    OP.STATX,
    ({ filesystem, replies }, request) => {
      const handle = (request.u32(0) & GETATTR_FH) !== 0 ? request.u64(8) : undefined;
      return then(filesystem.getattr(request.ino, handle), (found) => {
        const birth = filesystem.birthTime(request.ino);
        replies.scratched(request, writeStatxOut(replies.scratch, OUT_HEADER_SIZE, found, birth));
      });
    },
  ],
  [
    OP.SETATTR,
    (context, request) => replyAttributes(context, request, context.filesystem.setattr(request.ino, changeOf(request), request)),
  ],
  [
    OP.READLINK,
    ({ filesystem, replies }, request) =>
      then(filesystem.readlink(request.ino), (target) => replies.pieces(request, [Buffer.from(target, 'latin1')])),
  ],
  [
    OP.SYMLINK,
    (context, request) => {
      const [name, target] = request.names(0, 2);
      return replyEntry(context, request, context.filesystem.symlink(request.ino, name ?? NO_NAME, target ?? NO_NAME, request));
    },
  ],
  [
    OP.MKNOD,
    (context, request) =>
      replyEntry(
        context,
        request,
        context.filesystem.mknod(request.ino, request.name(16), request.u32(0), request.u32(8), request.u32(4), request),
      ),
  ],
  [
    OP.MKDIR,
    (context, request) =>
      replyEntry(context, request, context.filesystem.mkdir(request.ino, request.name(8), request.u32(0), request.u32(4), request)),
  ],
  [OP.UNLINK, (context, request) => replyEmpty(context, request, context.filesystem.unlink(request.ino, request.name(0), request))],
  [OP.RMDIR, (context, request) => replyEmpty(context, request, context.filesystem.rmdir(request.ino, request.name(0), request))],
  [OP.RENAME, (context, request) => rename(context, request, 8, 0)],
  [OP.RENAME2, (context, request) => rename(context, request, 16, request.u32(8))],
  [
    OP.LINK,
    (context, request) => replyEntry(context, request, context.filesystem.link(request.u64(0), request.ino, request.name(8), request)),
  ],
  [
    OP.OPEN,
    ({ filesystem, replies }, request) =>
      then(filesystem.open(request.ino, request.u32(0), (request.u32(4) & OPEN_KILL_SUIDGID) !== 0, request), (opened) =>
        replies.scratched(request, writeOpened(replies.scratch, OUT_HEADER_SIZE, opened)),
      ),
  ],
  [
    OP.CREATE,
    (context, request) =>
      replyCreated(
        context,
        request,
        context.filesystem.create(request.ino, request.name(16), request.u32(4), request.u32(8), request.u32(0), request),
      ),
  ],
  [
    OP.TMPFILE,
    (context, request) =>
      replyCreated(context, request, context.filesystem.tmpfile(request.ino, request.u32(4), request.u32(8), request.u32(0), request)),
  ],
  [
    OP.READ,
    ({ filesystem, replies }, request) =>
      then(filesystem.read(request.ino, request.u64(0), request.u64(8), request.u32(16), request), (pieces) =>
        replies.pieces(request, pieces),
      ),
  ],
  [
    OP.WRITE,
    (context, request) => {
      const flags = request.u32(20);
      const cached = (flags & WRITE.CACHE) !== 0;
      request.isBehind = cached;
      const killSuidGid = (flags & WRITE.KILL_SUIDGID) !== 0;
      // Cached pages are written back at their own offsets, not in the order of the writes.
      const how = { cached, killSuidGid, append: !cached && (request.u32(32) & fileConstants.O_APPEND) !== 0 };
      const data = request.data(WRITE_IN_SIZE, request.u32(16));
      return replyCount(context, request, context.filesystem.write(request.ino, request.u64(0), request.u64(8), data, how, request));
    },
  ],
  [
    OP.FLUSH,
    ({ filesystem, replies }, request) => {
      // After ENOSYS the kernel never sends this operation again.
      if (filesystem.locks === undefined) return replies.error(request, constants.errno.ENOSYS);
      filesystem.locks.flush(request.ino, () => request.key(16));
      replies.empty(request);
    },
  ],
  [OP.GETLK, testLock],
  [OP.SETLK, (context, request) => setLock(context, request, false)],
  [OP.SETLKW, (context, request) => setLock(context, request, true)],
  [OP.RELEASE, (context, request) => replyEmpty(context, request, context.filesystem.release(request.ino, request.u64(0)))],
  [
    OP.FSYNC,
    (context, request) => replyEmpty(context, request, context.filesystem.fsync(request.ino, request.u64(0), (request.u32(8) & 1) !== 0)),
  ],
  [
    OP.FALLOCATE,
    (context, request) =>
      replyEmpty(
        context,
        request,
        context.filesystem.fallocate(request.ino, request.u64(0), request.u32(24), request.u64(8), request.u64(16), request),
      ),
  ],
  [
    OP.LSEEK,
    ({ filesystem, replies }, request) => {
      const whence = request.u32(16);
      if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return replies.error(request, constants.errno.EINVAL);
      const found = filesystem.seek(request.ino, request.u64(0), request.u64(8), whence === SEEK_DATA ? 'data' : 'hole');
      return then(found, (offset) => {
        writeI64(replies.scratch, offset, OUT_HEADER_SIZE);
        replies.scratched(request, OUT_HEADER_SIZE + 8);
      });
    },
  ],
  [
    OP.COPY_FILE_RANGE,
    (context, request) => {
      const from = { ino: request.ino, handle: request.u64(0), offset: request.u64(8), length: request.u64(40) };
      const to = { ino: request.u64(16), handle: request.u64(24), offset: request.u64(32) };
      return replyCount(context, request, context.filesystem.copyRange(from, to, request));
    },
  ],
  [
    OP.OPENDIR,
    ({ filesystem, replies }, request) =>
      then(filesystem.opendir(request.ino, request), (opened) =>
        replies.scratched(request, writeOpened(replies.scratch, OUT_HEADER_SIZE, opened, opened.keepCache ? FOPEN.CACHE_DIR : 0)),
      ),
  ],
  [OP.READDIR, readDirectory(false)],
  [OP.READDIRPLUS, readDirectory(true)],
  [OP.RELEASEDIR, (context, request) => replyEmpty(context, request, context.filesystem.releasedir(request.ino, request.u64(0)))],
  [OP.FSYNCDIR, (context, request) => replyEmpty(context, request, context.filesystem.fsyncdir(request.ino, request.u64(0)))],
  [
    OP.STATFS,
    ({ filesystem, replies }, request) =>
      then(filesystem.statfs(request.ino), (size) => {
        const { scratch } = replies;
        const at = OUT_HEADER_SIZE;
        scratch.fill(0, at, at + 80);
        for (const [i, value] of [size.blocks, size.free, size.free, size.files, size.freeFiles].entries())
          writeI64(scratch, value, at + 8 * i);
        scratch.writeUInt32LE(size.blockSize, at + 40);
        scratch.writeUInt32LE(size.nameMax, at + 44);
        scratch.writeUInt32LE(size.blockSize, at + 48);
        replies.scratched(request, at + 80);
      }),
  ],
  [OP.SYNCFS, (context, request) => replyEmpty(context, request, context.filesystem.syncfs())],
  [OP.GETXATTR, (context, request) => replyXattr(context, request, context.filesystem.getxattr(request.ino, request.name(8), request))],
  [
    OP.LISTXATTR,
    (context, request) => {
      const names = context.filesystem.listxattr(request.ino, request);
      const joined = (found: readonly string[]): Uint8Array => Buffer.from(found.map((name) => `${name}\0`).join(''), 'latin1');
      return replyXattr(context, request, names instanceof Promise ? names.then(joined) : joined(names));
    },
  ],
  [
    OP.SETXATTR,
    (context, request) => {
      const name = request.name(8);
      const value = Uint8Array.from(request.data(8 + name.length + 1, request.u32(0)));
      return replyEmpty(context, request, context.filesystem.setxattr(request.ino, name, value, request.u32(4), request));
    },
  ],
  [
    OP.REMOVEXATTR,
    (context, request) => replyEmpty(context, request, context.filesystem.removexattr(request.ino, request.name(0), request)),
  ],
]);

const NO_NAME = '' as ReturnType<Request['name']>;

function rename(context: OperationContext, request: Request, namesAt: number, flags: number): Maybe<void> {
  const [name, newName] = request.names(namesAt, 2);
  return replyEmpty(
    context,
    request,
    context.filesystem.rename(request.ino, name ?? NO_NAME, request.u64(0), newName ?? NO_NAME, flags, request),
  );
}
