import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { errorReason } from '../../../core/base/system/system-error.ts';
import type { Attributes, Filesystem } from '../../../fuse/filesystem.ts';
import { FilesystemError } from '../../../fuse/filesystem-error.ts';
import { KernelSession } from '../../../fuse/kernel/kernel-session.ts';

// Requests as the kernel makes them, by hand from fuse(4) and <linux/fuse.h>; a file takes the replies.

/** The node that requests are about. */
export const INO = 2 ** 52 + 77;

export const ATTRIBUTES: Attributes = {
  ino: INO,
  size: 2 ** 40 + 3,
  blocks: 9,
  atime: { seconds: -5, nanoseconds: 999_999_999 },
  mtime: { seconds: 1_700_000_000, nanoseconds: 1 },
  ctime: { seconds: 2 ** 33, nanoseconds: 0 },
  mode: 0o100644,
  nlink: 2,
  uid: 1000,
  gid: 0xffff_fffe,
  rdev: 0,
};

/** A filesystem of which every operation fails but those given. */
function filesystemOf(operations: Partial<Filesystem>): Filesystem {
  return new Proxy(operations as Filesystem, {
    get: (target, name: keyof Filesystem) =>
      name in target || name === 'locks'
        ? target[name]
        : () => {
            throw new FilesystemError('ENOENT');
          },
  });
}

/** A session with a kernel that writes nothing by itself. */
export interface Talk {
  readonly session: KernelSession;
  readonly faults: unknown[];
  /** What was replied since the last call. */
  readonly replies: () => Buffer[];
}

export function talk(t: Pick<TestContext, 'after'>, operations: Partial<Filesystem>, { readOnly = false } = {}): Talk {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-test-'));
  const path = join(folder, 'replies');
  writeFileSync(path, '');
  const fd = openSync(path, 'a');
  t.after(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const faults: unknown[] = [];
  const session = new KernelSession(fd, filesystemOf(operations), {
    readOnly,
    writeback: !readOnly,
    onFault: (error) => faults.push(error),
  });
  let seen = 0;
  const replies = (): Buffer[] => {
    const octets = readFileSync(path);
    const found: Buffer[] = [];
    for (; seen < octets.length; seen += octets.readUInt32LE(seen)) found.push(octets.subarray(seen, seen + octets.readUInt32LE(seen)));
    return found;
  };
  return { session, faults, replies };
}

/** A session whose replies nobody takes. @returns what it tells of each fault */
export function refusedTalk(
  t: Pick<TestContext, 'after'>,
  operations: Partial<Filesystem>,
): { readonly session: KernelSession; readonly told: string[] } {
  const fd = openSync('/dev/full', 'w');
  t.after(() => closeSync(fd));
  const told: string[] = [];
  const session = new KernelSession(fd, filesystemOf(operations), {
    readOnly: false,
    writeback: true,
    onFault: (error, { operation, subject }) => told.push(`${operation} ${subject}: ${errorReason(error)}`),
  });
  return { session, told };
}

/** A request as the kernel makes it. */
export function request(opcode: number, body: Buffer = Buffer.alloc(0), { unique = 5n, ino = BigInt(INO) } = {}): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32LE(40 + body.length, 0);
  header.writeUInt32LE(opcode, 4);
  header.writeBigUInt64LE(unique, 8);
  header.writeBigUInt64LE(ino, 16);
  header.writeUInt32LE(1000, 24);
  header.writeUInt32LE(1000, 28);
  header.writeUInt32LE(4321, 32);
  return Buffer.concat([header, body]);
}

/** Fields of 32 bits, and of 64 where they are bigints. */
export function fields(...values: readonly (number | bigint)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const field = Buffer.alloc(typeof value === 'bigint' ? 8 : 4);
      if (typeof value === 'bigint') field.writeBigUInt64LE(BigInt.asUintN(64, value));
      else field.writeUInt32LE(value >>> 0);
      return field;
    }),
  );
}

/** A name in a request. */
export const text = (name: string): Buffer => Buffer.from(`${name}\0`, 'latin1');
/** The errno of a reply; 0 for success. */
export const errorOf = (reply: Buffer | undefined): number | undefined => (reply === undefined ? undefined : 0 - reply.readInt32LE(4));
