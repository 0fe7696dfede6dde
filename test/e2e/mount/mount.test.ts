import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

const isMounted = (path: string): boolean => spawnSync('grep', ['-q', ` ${path} `, '/proc/self/mountinfo']).status === 0;

describe('a tree that is mounted', { skip: noMountsHere() ?? false }, () => {
  it('takes rsync -aHAX of a tree with all that it has, transfers nothing the second time, and opens again by its Dirref', async (t) => {
    const scratch = makeScratch(t);
    const tree = scratch.path('tree');
    makeTree(tree, { files: 400, seed: 60 });
    const mount = await mounted(t, scratch);
    const copied = await run('rsync', ['-aHAX', `${tree}/`, `${mount.path}/tree/`]);
    assert.equal(copied.status, 0, copied.report);
    const again = await run('rsync', ['-aHAXi', `${tree}/`, `${mount.path}/tree/`]);
    assert.equal(again.stdout, '', again.report);
    const checked = await run('rsync', ['-aHAXin', '--checksum', `${tree}/`, `${mount.path}/tree/`]);
    assert.equal(checked.stdout, '', checked.report);
    const left = await mount.unmount();
    assert.equal(left.status, 0, left.report);
    const got = await mount.vtftp(recited(left), '-c', `get tree ${scratch.path('got')}`);
    assert.equal(got.status, 0, got.report);
    assert.equal(await rsyncDifferences(tree, scratch.path('got')), '');
  });

  it('hard links, unlinked files that are open, symlinks, renames with their flags, and files without a name behave as on any filesystem', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    const script = `
      set -e
      echo one > a; ln a b; test "$(stat -c %i a)" = "$(stat -c %i b)"; test "$(stat -c %h a)" = 2
      echo two >> b; test "$(cat a)" = "$(printf 'one\\ntwo')"
      rm a; test "$(stat -c %h b)" = 1
      exec 3< b; rm b; test "$(cat <&3)" = "$(printf 'one\\ntwo')"; exec 3<&-
      mkdir d; ln -s ../x d/s; test "$(readlink d/s)" = ../x; echo t > x; test "$(cat d/s)" = t
      mkdir -p e/f; mv e d/e; test -d d/e/f; test ! -e e
      rmdir d/e 2>/dev/null && exit 1
      mkfifo p; test -p p; mknod n c 1 3; test "$(stat -c %t,%T n)" = 1,3
      echo deep > d/e/f/g; mv d moved; test "$(cat moved/e/f/g)" = deep
    `;
    const done = await mount.sh(script);
    assert.equal(done.status, 0, done.report);
    const python = await run(
      'python3',
      [
        '-c',
        `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def rename2(a, b, flags):
    return 0 if libc.renameat2(-100, a.encode(), -100, b.encode(), flags) == 0 else ctypes.get_errno()
open('1', 'w').write('1'); open('2', 'w').write('2')
assert rename2('1', '2', 1) == 17
assert rename2('1', '2', 2) == 0 and open('1').read() == '2' and open('2').read() == '1'
fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600)
os.write(fd, b'nameless'); assert os.fstat(fd).st_nlink == 0
assert libc.linkat(-100, f'/proc/self/fd/{fd}'.encode(), -100, b'named', 0x400) == 0; os.close(fd)
assert open('named').read() == 'nameless' and os.stat('named').st_nlink == 1
try: os.open('moved', os.O_WRONLY); raise SystemExit('a Dir was opened for writing')
except IsADirectoryError: pass
try: os.open('moved/s', os.O_RDONLY | os.O_NOFOLLOW); raise SystemExit('a symlink was followed')
except OSError as e: assert e.errno == 40
os.utime('1', ns=(1, -1500000001)); assert os.stat('1').st_mtime_ns == -1500000001
name = b'\\xff\\x1b'; open(name, 'w').write('x'); assert name in os.listdir(b'.')
`,
      ],
      { cwd: mount.path },
    );
    assert.equal(python.status, 0, python.report);
  });

  it('holes are holes: punched, sought, and kept when the tree is opened again', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const done = await run(
      'python3',
      [
        '-c',
        `
import os, subprocess
fd = os.open('h', os.O_RDWR | os.O_CREAT, 0o644)
os.ftruncate(fd, 1 << 24); os.pwrite(fd, b'x' * 65536, 1 << 20); os.pwrite(fd, b'y' * 65536, 1 << 23)
os.fsync(fd)
subprocess.run(['fallocate', '-p', '-o', str(1 << 23), '-l', '32768', 'h'], check=True)
os.fsync(fd)
assert os.lseek(fd, 0, os.SEEK_DATA) == 1 << 20, os.lseek(fd, 0, os.SEEK_DATA)
assert os.lseek(fd, 1 << 20, os.SEEK_HOLE) == (1 << 20) + 65536
assert os.lseek(fd, (1 << 20) + 65536, os.SEEK_DATA) == (1 << 23) + 32768
assert os.pread(fd, 4, 1 << 23) == bytes(4)
`,
      ],
      { cwd: mount.path },
    );
    assert.equal(done.status, 0, done.report);
    const left = await mount.unmount();
    const got = await mount.vtftp(recited(left), '-c', `get h ${scratch.path('h')}`);
    assert.equal(got.status, 0, got.report);
    const holes = await run('python3', [
      '-c',
      `import os; fd = os.open('${scratch.path('h')}', 0); print(os.lseek(fd, 0, 3), os.fstat(fd).st_size)`,
    ]);
    assert.equal(holes.stdout.trim(), `${1 << 20} ${1 << 24}`);
  });

  it('what is written shows as data at once, to those who look for holes while the writer has the file open', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    const done = await run(
      'python3',
      [
        '-c',
        `
import os
end = 1 << 24
fd = os.open('h', os.O_RDWR | os.O_CREAT, 0o644)
other = os.open('h', os.O_RDONLY)
for round in range(20):
    os.ftruncate(fd, 0); os.ftruncate(fd, end); os.pwrite(fd, b'y', end - 1)
    for by in (fd, other):
        assert os.lseek(by, 0, os.SEEK_DATA) == end - 4096, (round, os.lseek(by, 0, os.SEEK_DATA))
        assert os.lseek(by, 0, os.SEEK_HOLE) == 0
    os.pwrite(fd, b'z', end + 8191)
    assert os.lseek(other, end, os.SEEK_DATA) == end + 4096
    assert os.pread(other, 1, end + 8191) == b'z'
`,
      ],
      { cwd: mount.path },
    );
    assert.equal(done.status, 0, done.report);
  });

  it('user.x-vt-blockref stores a file and names its Blocks; other attributes are kept', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const done = await mount.sh(
      'head -c 300000 /dev/urandom > f; setfattr -n user.mime_type -v text/x f; getfattr --only-values -n user.x-vt-blockref f; echo; getfattr -d f',
    );
    assert.equal(done.status, 0, done.report);
    const reference = done.stdout.split('\n')[0] ?? '';
    assert.match(reference, /^I\{|^B\{/);
    assert.match(done.stdout, /user\.mime_type="text\/x"/);
    const bound = await mount.vtftp('-c', `bind again '${reference}'; cat again | wc -c`);
    assert.match(bound.stdout, /^300000$/m, bound.report);
    assert.equal(bound.status, 0, bound.report);
  });

  it('what was fsynced is there, though the process that serves the mount is killed', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const written = await mount.sh('mkdir d && head -c 2000000 /dev/urandom > d/f && sync d/f && sha256sum < d/f');
    assert.equal(written.status, 0, written.report);
    const listed = await mount.vtftp('--json', '-c', 'mounts');
    const own = listed.stdout.split('\n').find((line) => line.includes(`"${mount.path}"`)) ?? '{}';
    const { pid } = JSON.parse(own) as { readonly pid?: number };
    assert.ok(pid !== undefined, listed.report);
    process.kill(pid, 'SIGKILL');
    const stale = await mount.vtftp('-c', 'mounts');
    assert.match(stale.stdout, /stale/, stale.report);
    const again = await mount.vtftp('-c', `mount ${mount.path}`);
    assert.equal(again.status, 0, again.report);
    assert.equal((await mount.sh('sha256sum < d/f')).stdout, written.stdout);
    assert.equal((await mount.unmount()).status, 0);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`${signal} takes the mount away, syncs, recites, and leaves nothing`, async (t) => {
      const scratch = makeScratch(t);
      const path = scratch.path('mnt');
      const child = spawn(process.execPath, [PROGRAM, '-S', scratch.path('store'), '-c', `mount --foreground ${path}`], {
        env: { ...process.env, ...scratch.env },
      });
      let out = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        out += text;
      });
      while (!isMounted(path)) await once(child.stdout, 'data');
      const written = await run('sh', ['-c', `echo kept > ${path}/f`]);
      assert.equal(written.status, 0, written.report);
      child.kill(signal);
      const [status] = (await once(child, 'close')) as [number | null];
      assert.equal(status, signal === 'SIGINT' ? 0 : 143, out);
      assert.ok(!isMounted(path) && !existsSync(path), 'a mount point is left');
      const dirref = out.split('\n').find((line) => line.startsWith('D{')) ?? '';
      const seen = await vtftp(['-S', scratch.path('store'), dirref, '-c', 'cat f'], { env: scratch.env });
      assert.equal(seen.stdout, 'kept\n', seen.report);
    });
  }

  it('a past state is mounted read-only, by its source and from a session that shows it', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.sh(`echo one > f; ${RECORD}; echo two > f; ${RECORD}`)).status, 0);
    assert.equal((await mount.unmount()).status, 0);
    for (const line of [`mount ${scratch.path('store')}@-1 ${mount.path}`, `cd @-1; mount ${mount.path}`]) {
      const made = await mount.vtftp('-c', line);
      assert.equal(made.status, 0, made.report);
      const seen = await mount.sh('cat f; echo three > f');
      assert.equal(seen.stdout, 'one\n', seen.report);
      assert.match(seen.stderr, /Read-only/i);
      assert.equal((await mount.unmount()).status, 0);
    }
  });

  it('refuses a Store of its own, a directory that is not empty, and to go while it is in use', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const full = scratch.mkdir('full/of');
    for (const [line, says] of [
      [`mount ${scratch.path('full')}`, /directory not empty/],
      [`mount ${scratch.path('store')}`, /the Store .* is in that directory/],
      [`mount ${mount.path}`, /a vtftp tree is mounted there already/],
      [`umount ${full}`, /is not a vtftp mount \(mounts lists them\)/],
      [`mount -o colour ${full}`, /unknown option/],
    ] as const) {
      const refused = await mount.vtftp('-c', line);
      assert.notEqual(refused.status, 0, refused.report);
      assert.match(refused.stderr, says);
    }
    const user = spawn('sleep', ['60'], { cwd: mount.path });
    await once(user, 'spawn');
    const busy = await mount.unmount();
    assert.equal(busy.status, 1, busy.report);
    assert.match(busy.stderr, new RegExp(`in use by sleep \\(pid ${user.pid}\\)`));
    user.kill();
    await once(user, 'close');
    assert.equal((await mount.unmount()).status, 0);
  });
});
