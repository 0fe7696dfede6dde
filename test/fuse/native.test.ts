import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listedPlaces } from '../../fuse/mount-table.ts';
import { instantOfMilliseconds, nativeStat, nativeStatfs } from '../../fuse/native/native-stat.ts';
import { mounted } from '../support/mounts/mounted.ts';
import { noNativeDriverHere } from '../support/mounts/native-driver.ts';
import { makeScratch } from '../support/scratch.ts';
import { exerciseContents } from './exerciser/content-exerciser.ts';
import { processCaller } from './posix/process-caller.ts';

const DRIVER = '-o driver=fuse-native';

describe('a mount by the driver fuse-native', { skip: (await noNativeDriverHere()) ?? false }, () => {
  it('does what programs need, and what was written is in the archive with the name that the volume was given', async (t) => {
    const mount = await mounted(t, makeScratch(t), `${DRIVER},volname=Papers`);
    const done = await mount.sh(
      [
        'set -e',
        'mkdir d; printf one > d/f; ln d/f d/g; printf two >> d/g',
        'test "$(cat d/f)" = onetwo; test "$(stat -c %i d/f)" = "$(stat -c %i d/g)"; test "$(stat -c %h d/f)" = 2',
        'setfattr -n user.colour -v red d/f; getfattr --only-values -n user.colour d/f | grep -qx red',
        'mv d/f e; ln -s e s; test "$(readlink s)" = e; chmod 600 e; test "$(stat -c %a e)" = 600',
        'touch -d "2001-02-03 04:05:06.789 UTC" e; test "$(stat -c %.3Y e)" = 981173106.789',
        'truncate -s 3 e; test "$(cat s)" = one; mkfifo p; rm d/g; rmdir d',
        'head -c 3000000 /dev/urandom > big; sum=$(sha256sum < big); sync big; test "$(sha256sum < big)" = "$sum"',
        'exec 5< e; rm e; test "$(cat <&5)" = one; exec 5<&-; rm s',
      ].join('\n'),
    );
    assert.equal(done.status, 0, done.report);
    assert.match((await mount.vtftp('-c', 'mounts')).stdout, / {2}rw {2}vtftp:Papers {2}/);
    const ended = await mount.unmount();
    assert.equal(ended.status, 0, ended.report);
    assert.match(ended.stdout, /^D\{/);
    const listed = await mount.vtftp('-c', 'ls; stat big');
    assert.match(listed.stdout, /^big\np\n/);
    assert.match(listed.stdout, /3,?000,?000/);
  });

  it('refuses names that it cannot tell from others, and goes on', async (t) => {
    const mount = await mounted(t, makeScratch(t), DRIVER);
    const done = await mount.sh('touch "$(printf \'bad\\377name\')"; echo status $?; ls; touch good; ls');
    assert.equal(done.stdout, 'status 1\ngood\n', done.report);
  });

  it('gives an attribute into a room that is too small as ERANGE, and tells its size', async (t) => {
    const mount = await mounted(t, makeScratch(t), DRIVER);
    const script = [
      'import os, errno, ctypes',
      'libc = ctypes.CDLL(None, use_errno=True)',
      "open('f', 'w').close()",
      "os.setxattr('f', 'user.a', b'x' * 5000)",
      'room = ctypes.create_string_buffer(10)',
      "assert libc.getxattr(b'f', b'user.a', room, 10) == -1 and ctypes.get_errno() == errno.ERANGE",
      "assert libc.getxattr(b'f', b'user.a', None, 0) == 5000",
      "assert libc.listxattr(b'f', room, 3) == -1 and ctypes.get_errno() == errno.ERANGE",
      "assert os.listxattr('f') == ['user.a'] and len(os.getxattr('f', 'user.a')) == 5000",
    ].join('\n');
    const done = await mount.sh(`python3 -c '${script.replaceAll("'", `'\\''`)}'`);
    assert.equal(done.status, 0, done.report);
  });

  it('has contents as they have to be, whatever is read, written and cut at random', async (t) => {
    const mount = await mounted(t, makeScratch(t), DRIVER);
    await using caller = processCaller(mount.path);
    await caller.call('enter', 'exercise');
    await exerciseContents(caller, { seed: 5, operations: 1500, canAllocate: false });
    await caller.call('chdir', '/');
  });
});

describe('what the driver fuse-native is given', () => {
  it('has times to the millisecond, none before 1970, and inos of 32 bits that are the same for the same node', () => {
    const moment = { seconds: 1, nanoseconds: 999_999_999 };
    const attributes = {
      ino: 2 ** 40 + 5,
      size: 7,
      blocks: 1,
      atime: moment,
      mtime: { seconds: -5, nanoseconds: 0 },
      ctime: moment,
      mode: 0o100644,
      nlink: 1,
      uid: 1,
      gid: 2,
      rdev: 0,
    };
    const stat = nativeStat(attributes);
    assert.deepEqual([stat.atime, stat.mtime, stat.ino], [1999, 0, (5 ^ 256) >>> 0]);
    assert.deepEqual(instantOfMilliseconds(1999), { seconds: 1, nanoseconds: 999_000_000 });
  });

  it('has sizes of filesystems in units that 32 bits can count', () => {
    const given = nativeStatfs({ blockSize: 4096, blocks: 2 ** 34, free: 2 ** 33, files: 2 ** 40, freeFiles: 3, nameMax: 255 });
    assert.equal(given.bsize * given.blocks, 4096 * 2 ** 34);
    assert.ok(given.blocks < 2 ** 32 && given.files < 2 ** 32);
  });

  it('is found in the list of mounts of macOS', () => {
    const text = '/dev/disk1 on / (apfs, local)\nvtftp:datadir:/a b on /Volumes/My Papers (macfuse, nodev, read-only, mounted by me)\n';
    assert.deepEqual(listedPlaces(text), [{ source: 'vtftp:datadir:/a b', mountPoint: '/Volumes/My Papers', readOnly: true }]);
  });
});
