import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, lstatSync, mkdtempSync, openSync, rmSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Octets } from '../../../../core/base/octets.ts';
import {
  flock,
  getXattr,
  libc,
  libcLosses,
  listXattrs,
  makeNode,
  nativeLibrary,
  seekData,
  seekHole,
  setXattr,
  utimensNs,
} from '../../../../core/base/system/libc.ts';
import { plainLibc } from '../../../../core/base/system/libc-plain.ts';
import { errorCode } from '../../../../core/base/system/system-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'vtftp-libc-'));
test.after(() => {
  rmSync(folder, { recursive: true });
});

const native = nativeLibrary() !== undefined;
const octets = (text: string): Octets => Buffer.from(text).toString('latin1') as Octets;

function makeFile(name: string, content = 'content'): Buffer {
  const path = join(folder, name);
  writeFileSync(path, content);
  return Buffer.from(path);
}

test('the C library loads here, and nothing is lost', {
  skip: native ? false : 'the foreign function interface does not load on this machine',
}, () => {
  assert.deepEqual(libcLosses(), []);
});

for (const [says, ns] of [
  ['now-ish', 1_795_364_221_123_456_789n],
  ['before 1970', -86_400_000_000_001n],
  ['one nanosecond before 1970', -1n],
  ['after 2038', 4_102_444_800_999_999_999n],
] as const) {
  test(`utimensNs sets a time ${says} to the nanosecond, by path, by descriptor and of a symlink itself`, () => {
    const path = makeFile('times');
    const link = Buffer.from(join(folder, 'link'));
    rmSync(link, { force: true });
    symlinkSync(path, link);
    utimensNs(path, 0n, ns, true);
    assert.equal(statSync(path, { bigint: true }).mtimeNs, ns);
    assert.equal(statSync(path, { bigint: true }).atimeNs, 0n);
    utimensNs(link, undefined, ns - 5n, false);
    assert.equal(lstatSync(link, { bigint: true }).mtimeNs, ns - 5n);
    assert.equal(statSync(link, { bigint: true }).mtimeNs, ns);
    const fd = openSync(path, 'r+');
    utimensNs(fd, undefined, ns - 7n, true);
    assert.equal(fstatSync(fd, { bigint: true }).mtimeNs, ns - 7n);
    closeSync(fd);
  });
}

test('extended attributes are bytes, are listed as another program sees them, and can be absent', () => {
  const path = makeFile('xattrs');
  const value = Buffer.from([0, 255, 10, 0]);
  assert.deepEqual(listXattrs(path), []);
  setXattr(path, octets('user.b'), value);
  setXattr(path, octets('user.empty'), Buffer.alloc(0));
  assert.deepEqual([...listXattrs(path)].sort(), ['user.b', 'user.empty']);
  assert.deepEqual(getXattr(path, octets('user.b')), value);
  assert.deepEqual(getXattr(path, octets('user.empty')), Buffer.alloc(0));
  assert.equal(getXattr(path, octets('user.none')), undefined);
  const python = execFileSync('python3', ['-c', 'import os,sys; print(os.getxattr(sys.argv[1],"user.b").hex())', path.toString()], {
    encoding: 'utf8',
  });
  assert.equal(python.trim(), value.toString('hex'));
  libc().removeXattr(path, octets('user.b'));
  libc().removeXattr(path, octets('user.b'));
  assert.deepEqual(listXattrs(path), ['user.empty']);
});

test('a failed call throws an Error with the code, the call and the path', () => {
  const path = Buffer.from(join(folder, 'absent'));
  assert.throws(
    () => listXattrs(path),
    (error: unknown) =>
      errorCode(error) === 'ENOENT' &&
      error instanceof Error &&
      /ENOENT: no such file or directory, llistxattr '.*absent'/.test(error.message),
  );
  assert.throws(() => utimensNs(Buffer.from('a\0b'), 0n, 0n, true), { code: 'EINVAL' });
  assert.throws(() => utimensNs(Buffer.alloc(5000, 0x61), 0n, 0n, true), { code: 'ENAMETOOLONG' });
});

test('data and holes of a sparse file are found', () => {
  const path = Buffer.from(join(folder, 'sparse'));
  const fd = openSync(path, 'w+');
  writeSync(fd, Buffer.alloc(65536, 1), 0, 65536, 1 << 20);
  writeSync(fd, Buffer.alloc(65536, 1), 0, 65536, 4 << 20);
  assert.equal(seekData(fd, 0), 1 << 20);
  assert.equal(seekHole(fd, 1 << 20), (1 << 20) + 65536);
  assert.equal(seekData(fd, (1 << 20) + 65536), 4 << 20);
  assert.equal(seekHole(fd, 4 << 20), (4 << 20) + 65536);
  assert.equal(seekData(fd, (4 << 20) + 65536), undefined);
  assert.ok(libc().punchHole(fd, 4 << 20, 65536));
  assert.equal(seekData(fd, (1 << 20) + 65536), undefined);
  closeSync(fd);
});

test('a FIFO, and devices where the user may, are made with their numbers', () => {
  const fifo = Buffer.from(join(folder, 'fifo'));
  makeNode(fifo, 0o010640, { major: 0, minor: 0 });
  assert.ok(lstatSync(fifo).isFIFO());
  if (process.geteuid?.() !== 0) return;
  const device = join(folder, 'device');
  makeNode(Buffer.from(device), 0o020600, { major: 1, minor: 70_003 });
  assert.equal(execFileSync('stat', ['-c', '%F %Hr %Lr', device], { encoding: 'utf8' }).trim(), 'character special file 1 70003');
});

test('a lock excludes another open of the file, until it is closed', () => {
  const path = makeFile('lock');
  const first = openSync(path, 'r+');
  const second = openSync(path, 'r+');
  assert.equal(flock(first, 'exclusive', true), true);
  assert.equal(flock(second, 'exclusive', true), false);
  assert.equal(flock(second, 'shared', true), false);
  closeSync(first);
  assert.equal(flock(second, 'exclusive', true), true);
  assert.equal(flock(second, 'unlock', true), false);
  closeSync(second);
});

test('without the C library times are kept to a microsecond, and the rest says what is lost', () => {
  const plain = plainLibc();
  const path = makeFile('plain');
  plain.utimensNs(path, undefined, 1_577_934_245_678_901_000n, true);
  const seen = statSync(path, { bigint: true }).mtimeNs;
  assert.ok(seen - 1_577_934_245_678_901_000n < 2000n && seen - 1_577_934_245_678_901_000n > -2000n);
  assert.deepEqual(plain.listXattrs(path), []);
  assert.throws(() => plain.setXattr(path, octets('user.a'), Buffer.alloc(1)), { code: 'ENOTSUP' });
  const fd = openSync(path, 'r');
  assert.throws(() => plain.flock(fd, 'exclusive', true), { code: 'ENOTSUP' });
  assert.equal(plain.seekData(fd, 3), 3);
  assert.equal(plain.seekHole(fd, 3), 7);
  closeSync(fd);
  assert.equal(plain.losses.length, 5);
});
