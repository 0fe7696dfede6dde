import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FileLock, Filesystem } from '../../../fuse/filesystem.ts';
import { FilesystemError } from '../../../fuse/filesystem-error.ts';
import { OP } from '../../../fuse/kernel/abi.ts';
import { ATTRIBUTES, errorOf, fields, INO, refusedTalk, request, talk, text } from './talk.ts';

const { ENOENT, ENOSYS, EIO, EINTR, EINVAL, ERANGE, EFBIG } = constants.errno;

test('INIT settles on version 7.39 and on what both sides can do', (t) => {
  const { session, replies } = talk(t, {});
  session.handle(
    request(OP.INIT, fields(7, 45, 131072, 0xffff_ffff, 0xffff_ffff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), { unique: 2n, ino: 0n }),
  );
  const [reply] = replies();
  assert.ok(reply !== undefined);
  assert.equal(reply.length, 16 + 64);
  assert.deepEqual([reply.readUInt32LE(16), reply.readUInt32LE(20)], [7, 39]);
  assert.equal(reply.readUInt32LE(36), 1024 * 1024, 'octets of a write');
  assert.equal(reply.readUInt16LE(44), 256, 'pages of a request');
  assert.equal(reply.readUInt32LE(28) & (1 << 16), 1 << 16, 'writes are collected');
});

test('INIT of a kernel that is too old is refused; of a later major version ours is named', (t) => {
  const { session, replies } = talk(t, {});
  session.handle(request(OP.INIT, fields(6, 1, 0, 0)));
  session.handle(request(OP.INIT, fields(8, 0, 0, 0)));
  const [old, later] = replies();
  assert.equal(errorOf(old), constants.errno.EPROTO);
  assert.deepEqual([later?.readUInt32LE(16), later?.readUInt32LE(20)], [7, 39]);
});

test('of a mount that is read only the kernel is told to ask no more for what is opened, where it can do without', (t) => {
  const ALL = 0xffff_ffff;
  const WITHOUT_OPENDIR = ALL - 2 ** 24;
  for (const { flags, readOnly, errno } of [
    { flags: ALL, readOnly: true, errno: constants.errno.ENOSYS },
    { flags: WITHOUT_OPENDIR, readOnly: true, errno: 0 },
    { flags: ALL, readOnly: false, errno: 0 },
  ]) {
    const opened = { handle: 3, keepCache: true };
    const { session, replies } = talk(t, { open: () => opened, opendir: () => opened }, { readOnly });
    session.handle(request(OP.INIT, fields(7, 45, 131072, flags, ALL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    session.handle(request(OP.OPEN, fields(0, 0)));
    session.handle(request(OP.OPENDIR, fields(0, 0)));
    const [, file, dir] = replies();
    assert.deepEqual([errorOf(file), errorOf(dir)], [errno, errno]);
  }
});

test('LOOKUP gives a node with all its attributes, or a name that is not there to be remembered', (t) => {
  const asked: string[] = [];
  const { session, replies } = talk(t, {
    lookup(parent, name, { uid, pid }) {
      asked.push(`${parent} ${name} ${uid} ${pid}`);
      return name === 'there' ? ATTRIBUTES : undefined;
    },
  });
  session.handle(request(OP.LOOKUP, text('there'), { unique: 0x1_0000_0001n }));
  session.handle(request(OP.LOOKUP, text('caf\xe9')));
  const [found, missing] = replies();
  assert.deepEqual(asked, [`${INO} there 1000 4321`, `${INO} caf\xe9 1000 4321`]);
  assert.ok(found !== undefined && missing !== undefined);
  assert.equal(found.length, 16 + 128);
  assert.equal(found.readBigUInt64LE(8), 0x1_0000_0001n);
  assert.equal(found.readBigUInt64LE(16), BigInt(INO));
  const at = 16 + 40;
  assert.deepEqual(
    [0, 8, 16, 24, 32, 40].map((field) => found.readBigInt64LE(at + field)),
    [BigInt(INO), 2n ** 40n + 3n, 9n, -5n, 1_700_000_000n, 2n ** 33n],
  );
  assert.deepEqual(
    [48, 52, 56, 60, 64, 68, 72].map((field) => found.readUInt32LE(at + field)),
    [999_999_999, 1, 0, 0o100644, 2, 1000, 0xffff_fffe],
  );
  assert.equal(errorOf(missing), 0);
  assert.equal(missing.readBigUInt64LE(16), 0n);
  assert.ok(missing.readBigUInt64LE(32) > 0n, 'is remembered for a while');
});

test('what an operation throws is its errno, at once and later; what is unforeseen is EIO and told', async (t) => {
  const { session, replies, faults } = talk(t, {
    getattr: () => {
      throw new FilesystemError('ENOENT');
    },
    readlink: async () => await Promise.reject(new FilesystemError('EINVAL')),
    statfs: () => {
      throw new TypeError('of ours');
    },
  });
  session.handle(request(OP.GETATTR, fields(0, 0, 0n)));
  session.handle(request(OP.READLINK));
  assert.equal(session.pending, 1);
  session.handle(request(OP.STATFS));
  session.handle(request(999));
  session.handle(request(OP.FSYNC, fields(1n, 0, 0)));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(session.pending, 0);
  assert.deepEqual(replies().map(errorOf).sort(), [ENOENT, EIO, ENOSYS, ENOENT, EINVAL].sort());
  assert.equal(faults.length, 1);
});

test('a reply that the kernel refuses is told, with the node that it was about, also where it comes later', async (t) => {
  const piece = Buffer.from('piece');
  const { session, told } = refusedTalk(t, {
    getattr: () => ATTRIBUTES,
    read: async () => await Promise.resolve([piece]),
  });
  session.handle(request(OP.GETATTR, fields(0, 0, 0n)));
  const read = request(OP.READ, fields(1n, 0n, 512, 0, 0n, 0, 0));
  session.handle(read);
  read.fill(0xff);
  await new Promise((resolve) => setImmediate(resolve));
  const reason = 'the kernel refused the answer: no space left on device';
  assert.deepEqual(told, [`getattr ${INO}: ${reason}`, `read ${INO}: ${reason}`]);
});

test('a failed write of pages that the kernel has collected is told: whoever syncs or closes gets EIO', async (t) => {
  const CACHED = 1;
  const failing = (errno: 'ESTALE' | 'ENOSPC'): Partial<Filesystem> => ({
    write: async () => await Promise.reject(new FilesystemError(errno)),
  });
  const write = (flags: number): Buffer => request(OP.WRITE, Buffer.concat([fields(1n, 0n, 4, flags, 0n, 0, 0), Buffer.from('data')]));
  for (const { errno, flags, faults } of [
    { errno: 'ESTALE', flags: CACHED, faults: 1 },
    { errno: 'ESTALE', flags: 0, faults: 0 },
    { errno: 'ENOSPC', flags: CACHED, faults: 0 },
  ] as const) {
    const talked = talk(t, failing(errno));
    const octets = write(flags);
    talked.session.handle(octets);
    octets.fill(0);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(talked.faults.length, faults, `${errno} ${flags}`);
  }
});

test('a filesystem that keeps no locks is asked once: FLUSH and locks are unknown to it', (t) => {
  const { session, replies } = talk(t, {});
  session.handle(request(OP.FLUSH, fields(1n, 0, 0, 0n)));
  session.handle(request(OP.SETLKW, fields(1n, 2n, 0n, 9n, 0, 4321, 0, 0)));
  assert.deepEqual(replies().map(errorOf), [ENOSYS, ENOSYS]);
});

test('locks are set, tested and dropped as fuse_lk_in says, with numbers of 64 bits', async (t) => {
  const asked: unknown[] = [];
  const end = 2n ** 63n - 1n;
  const held: FileLock = { type: 'write', start: 5n, last: end, pid: 77 };
  const { session, replies } = talk(t, {
    locks: {
      test: (_ino, wanted) => (wanted.type === 'read' ? held : undefined),
      set: async (ino, handle, wanted, waits) => await Promise.resolve(void asked.push({ ino, handle, wanted, waits })),
      flush: (ino, owner) => void asked.push({ ino, owner: owner() }),
    },
  });
  session.handle(request(OP.GETLK, fields(1n, 2n ** 63n + 2n, 0n, end, 0, 4321, 0, 0)));
  session.handle(request(OP.GETLK, fields(1n, 2n, 3n, 4n, 1, 4321, 0, 0)));
  session.handle(request(OP.SETLK, fields(1n, 2n ** 63n + 2n, 0n, end, 0, 4321, 0, 0)));
  session.handle(request(OP.SETLKW, fields(9n, 2n, 0n, end, 2, 0, 1, 0)));
  session.handle(request(OP.FLUSH, fields(1n, 0, 0, 2n ** 63n + 2n)));
  session.handle(request(OP.SETLK, fields(1n, 2n, 0n, end, 3, 4321, 0, 0)));
  await new Promise((resolve) => setImmediate(resolve));
  const [blocked, free, ...rest] = replies();
  assert.ok(blocked !== undefined && free !== undefined);
  assert.deepEqual(
    [blocked.readBigUInt64LE(16), blocked.readBigUInt64LE(24), blocked.readUInt32LE(32), blocked.readUInt32LE(36)],
    [5n, end, 1, 77],
  );
  assert.equal(free.readUInt32LE(32), 2);
  assert.deepEqual(rest.map(errorOf).sort(), [0, 0, 0, EINVAL].sort());
  const owner = '8000000000000002';
  assert.deepEqual(asked, [
    { ino: INO, handle: 1, wanted: { type: 'read', start: 0n, last: end, pid: 4321, extent: 'record', owner }, waits: false },
    { ino: INO, handle: 9, wanted: { type: 'none', start: 0n, last: end, pid: 0, extent: 'whole', owner: '2' }, waits: true },
    { ino: INO, owner },
  ]);
});

test('FORGET and BATCH_FORGET are counted exactly, and have no answer', (t) => {
  const forgotten: [number, number][] = [];
  const { session, replies } = talk(t, { forget: (ino, lookups) => void forgotten.push([ino, lookups]) });
  session.handle(request(OP.FORGET, fields(3n)));
  session.handle(request(OP.BATCH_FORGET, fields(2, 0, 7n, 1n, 8n, 2n)));
  // Says three and has one: the other two are not made up.
  session.handle(request(OP.BATCH_FORGET, fields(3, 0, 9n, 4n)));
  assert.deepEqual(forgotten, [
    [INO, 3],
    [7, 1],
    [8, 2],
    [9, 4],
  ]);
  assert.deepEqual(replies(), []);
});

test('READ is answered with its pieces behind one header; INTERRUPT reaches who waits, and one answer goes out', async (t) => {
  const { session, replies } = talk(t, {
    read: (_ino, handle, offset, size, { signal }) => {
      if (handle === 1) return [Buffer.from('one '), Buffer.from(`${offset} ${size}`)];
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new FilesystemError('EINTR'))));
    },
  });
  session.handle(request(OP.READ, fields(1n, 4096n, 512, 0, 0n, 0, 0)));
  assert.equal(replies()[0]?.toString('latin1', 16), 'one 4096 512');
  session.handle(request(OP.READ, fields(2n, 0n, 512, 0, 0n, 0, 0), { unique: 70n }));
  session.handle(request(OP.INTERRUPT, fields(69n), { unique: 71n }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(session.pending, 1);
  session.handle(request(OP.INTERRUPT, fields(70n), { unique: 71n }));
  await new Promise((resolve) => setImmediate(resolve));
  const answers = replies();
  assert.deepEqual(answers.map(errorOf), [EINTR]);
  assert.equal(answers[0]?.readBigUInt64LE(8), 70n);
});

test('once the mount is gone who waits is broken off, nothing is answered, and no failure is told: the descriptor may be another file', async (t) => {
  let isAborted = false;
  const { session, replies, faults } = talk(t, {
    read: (_ino, handle, _offset, _size, { signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => {
          isAborted = true;
          if (handle === 1) resolve([Buffer.from('late')]);
          else reject(new Error('the Store is closed'));
        });
      }),
  });
  for (const handle of [1n, 2n]) session.handle(request(OP.READ, fields(handle, 0n, 512, 0, 0n, 0, 0), { unique: 70n + handle }));
  assert.equal(session.pending, 2);
  session.end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([isAborted, session.pending, replies(), faults], [true, 0, [], []]);
});

test('numbers that are no safe integers are refused: no octet lands at another place', (t) => {
  let writes = 0;
  const { session, replies } = talk(t, { write: () => ++writes });
  session.handle(request(OP.WRITE, Buffer.concat([fields(1n, 2n ** 53n, 4, 0, 0n, 0, 0), Buffer.from('data')])));
  session.handle(request(OP.WRITE, Buffer.concat([fields(1n, 0n, 9, 0, 0n, 0, 0), Buffer.from('data')])));
  assert.deepEqual(replies().map(errorOf), [EFBIG, EINVAL]);
  assert.equal(writes, 0);
});

test('READDIRPLUS pads its records, tells of no look-up for dots, and stops where there is no room', (t) => {
  let refused = 0;
  const { session, replies } = talk(t, {
    readdir: (_ino, _handle, _offset, _plus, sink) => {
      assert.ok(sink({ name: '.' as never, ino: 1, mode: 0o040000, next: 1 }));
      assert.ok(sink({ name: 'nine char' as never, ino: INO, mode: 0o100644, next: 2, attributes: ATTRIBUTES }));
      if (!sink({ name: 'x'.repeat(255) as never, ino: 3, mode: 0o100644, next: 3, attributes: ATTRIBUTES })) refused++;
    },
  });
  session.handle(request(OP.READDIRPLUS, fields(1n, 0n, 512, 0, 0n, 0, 0)));
  const [reply] = replies();
  assert.ok(reply !== undefined);
  assert.equal(refused, 1);
  assert.equal(reply.length, 16 + (128 + 24 + 8) + (128 + 24 + 16));
  assert.equal(reply.readBigUInt64LE(16), 0n);
  const second = 16 + 160;
  assert.equal(reply.readBigUInt64LE(second), BigInt(INO));
  assert.equal(reply.readUInt32LE(second + 128 + 16), 9);
  assert.equal(reply.toString('latin1', second + 152, second + 161), 'nine char');
});

test('GETXATTR tells the size, gives the value where it fits, and else says ERANGE', (t) => {
  const { session, replies } = talk(t, { getxattr: () => Buffer.from('value') });
  for (const room of [0, 5, 4]) session.handle(request(OP.GETXATTR, Buffer.concat([fields(room, 0), text('user.x')])));
  const [size, value, small] = replies();
  assert.equal(size?.readUInt32LE(16), 5);
  assert.equal(value?.toString('latin1', 16), 'value');
  assert.equal(errorOf(small), ERANGE);
});

test('STATX gives the attributes, the numbers of a device apart, and when the node was made', (t) => {
  const rdev = 0x5ab;
  const births = [{ seconds: -7, nanoseconds: 8 }, undefined];
  const { session, replies } = talk(t, { getattr: () => ({ ...ATTRIBUTES, rdev }), birthTime: () => births.shift() });
  for (let i = 0; i < 2; i++) session.handle(request(OP.STATX, fields(0, 0, 0, 0, 0, 0xfff)));
  const [known, unknown] = replies();
  assert.ok(known !== undefined && unknown !== undefined);
  assert.equal(known.length, 16 + 288);
  const at = 16 + 32;
  assert.equal(known.readUInt32LE(at), 0xfff);
  assert.equal(unknown.readUInt32LE(at), 0x7ff, 'without a birth time');
  assert.deepEqual(
    [16, 20, 24, 28].map((field) => known.readUInt32LE(at + field)),
    [ATTRIBUTES.nlink, ATTRIBUTES.uid, ATTRIBUTES.gid, ATTRIBUTES.mode],
  );
  assert.deepEqual(
    [32, 40, 48].map((field) => Number(known.readBigUInt64LE(at + field))),
    [ATTRIBUTES.ino, ATTRIBUTES.size, ATTRIBUTES.blocks],
  );
  const { atime, mtime, ctime } = ATTRIBUTES;
  assert.deepEqual(
    [64, 80, 96, 112].map((field) => ({
      seconds: Number(known.readBigInt64LE(at + field)),
      nanoseconds: known.readUInt32LE(at + field + 8),
    })),
    [atime, { seconds: -7, nanoseconds: 8 }, ctime, mtime],
  );
  assert.deepEqual([known.readUInt32LE(at + 128), known.readUInt32LE(at + 132)], [5, 0xab]);
});

test('no request, however it is made, throws, or has two answers', async (t) => {
  const anything = new Proxy({} as Filesystem, {
    get: () => () => {
      throw new FilesystemError('ENOENT');
    },
  });
  const { session, replies, faults } = talk(t, {});
  const wild = talk(t, anything);
  const opcodes = [...Object.values(OP).filter((code) => code !== OP.INIT), 0, 4, 52, 53, 4096, 0xffff_ffff];
  fc.assert(
    fc.property(
      fc.constantFrom(...opcodes),
      fc.uint8Array({ maxLength: 200 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      (opcode, body, ino) => {
        for (const one of [session, wild.session]) one.handle(request(opcode, Buffer.from(body), { unique: 9n, ino }));
      },
    ),
    { numRuns: 3000 },
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(replies().length <= 3000);
  assert.ok(wild.replies().length <= 3000);
  assert.equal(session.pending, 0);
  assert.deepEqual(faults, []);
});

test('a header that is cut short is no request', (t) => {
  const { session, replies } = talk(t, {});
  for (let length = 0; length < 40; length++) session.handle(request(OP.GETATTR).subarray(0, length));
  assert.deepEqual(replies(), []);
});
