import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { run, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

const python = async (cwd: string, script: string): Promise<void> => {
  const done = await run('python3', ['-c', script], { cwd });
  assert.equal(done.status, 0, done.report);
};

describe('what stat(2) tells through a mount', { skip: noMountsHere() ?? false }, () => {
  it('st_blocks leaves holes out, of what is being written and of what is stored', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    await python(
      mount.path,
      `
import os
data = os.urandom(1 << 20)
with open('big', 'wb') as file:
    file.truncate(1 << 40)
    file.seek(1 << 30); file.write(data)
    file.flush()
    assert os.stat('big').st_blocks * 512 < 1.1 * len(data), os.stat('big').st_blocks
    os.fsync(file.fileno())
assert 0.9 * len(data) < os.stat('big').st_blocks * 512 < 1.1 * len(data), os.stat('big').st_blocks
with open('full', 'wb') as file: file.write(data)
with open('big', 'r+b') as file:
    file.seek(1 << 39); file.write(data); file.flush()
    assert os.stat('big').st_blocks * 512 < 2.2 * len(data), os.stat('big').st_blocks
assert os.stat('full').st_blocks == len(data) // 512
`,
    );
    const left = await mount.unmount();
    assert.equal(left.status, 0, left.report);
    const again = await mount.vtftp('-c', `mount ${mount.path}`);
    assert.equal(again.status, 0, again.report);
    await python(
      mount.path,
      `
import os, subprocess
# The listing gives it to the kernel before anybody asks.
assert {entry.name: entry.stat().st_blocks * 512 < 3 << 20 for entry in os.scandir('.')} == {'big': True, 'full': True}
assert 1.8 * (1 << 20) < os.stat('big').st_blocks * 512 < 2.2 * (1 << 20), os.stat('big').st_blocks
assert os.stat('full').st_blocks == (1 << 20) // 512
subprocess.run(['cp', 'big', 'copy'], check=True, timeout=60)
assert os.stat('copy').st_size == 1 << 40 and os.stat('copy').st_blocks * 512 < 3 << 20, os.stat('copy').st_blocks
`,
    );
  });

  it('the top Dir of a new tree is its user’s and new, though a mount that changed nothing records nothing', async (t) => {
    const scratch = makeScratch(t);
    const made = await vtftp(['-S', scratch.path('store'), '-c', 'mkdir made'], { env: scratch.env });
    assert.equal(made.status, 0, made.report);
    const mount = await mounted(t, scratch);
    const shown = await run('stat', ['-c', '%u %g %a %Y', '.'], { cwd: mount.path });
    assert.equal(shown.status, 0, shown.report);
    const [uid, gid, mode, seconds] = shown.stdout.trim().split(' ').map(Number);
    assert.deepEqual([uid, gid, mode], [process.getuid?.(), process.getgid?.(), 755]);
    assert.ok(Math.abs((seconds ?? 0) - Date.now() / 1000) < 600, shown.stdout);
    const left = await mount.unmount();
    assert.equal(left.status, 0, left.report);
    const log = await mount.vtftp('-c', 'log');
    assert.equal(log.status, 0, log.report);
    assert.match(log.stdout, /^@1 .* mkdir made\n$/);
    assert.equal((await mount.vtftp('-c', `mount ${mount.path}`)).status, 0);
    await python(
      mount.path,
      `
import os
before = os.stat('.').st_mtime_ns
while os.stat('.').st_mtime_ns == before: os.mkdir('new'); os.rmdir('new')
os.mkdir('also')
`,
    );
    const changed = await mount.unmount();
    assert.equal(changed.status, 0, changed.report);
    assert.match(changed.stdout, /^D\{meta:M\{mtime:[\d.]+\},/);
    assert.equal((await mount.vtftp('-c', 'diff @1 @2')).stdout.replace(/^\+ \/also\s+Dir\n/m, ''), '1 name new (0B)\n');
  });

  it('stat(1) shows when a node was made, whatever happens to it, and so does the next mount', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    const births = async (...names: string[]): Promise<string[]> => {
      const done = await run('stat', ['-c', '%.9W', ...names], { cwd: mount.path });
      assert.equal(done.status, 0, done.report);
      return done.stdout.trim().split('\n');
    };
    const before = Date.now() / 1000;
    await python(mount.path, "import os; open('file', 'w').write('one'); os.mkdir('dir'); os.symlink('file', 'link'); os.mkfifo('fifo')");
    const names = ['file', 'dir', 'link', 'fifo'];
    const made = await births(...names);
    for (const [i, birth] of made.entries()) assert.ok(Math.abs(Number(birth) - before) < 60, `${names[i]}: ${birth}, at ${before}`);
    await python(
      mount.path,
      "import os; os.utime('file', (1, 1)); open('file', 'a').write('two'); os.chmod('dir', 0o700); os.rename('file', 'dir/f')",
    );
    const moved = ['dir/f', 'dir', 'link', 'fifo'];
    assert.deepEqual(await births(...moved), made);
    const left = await mount.unmount();
    assert.equal(left.status, 0, left.report);
    const again = await mount.vtftp('-c', `mount ${mount.path}`);
    assert.equal(again.status, 0, again.report);
    assert.deepEqual(await births(...moved), made);
  });

  it('times never go back: what is made after a write is not older than it, and no file is older than its making', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    await python(
      mount.path,
      `
import os
for i in range(200):
    fd = os.open(f'f{i}', os.O_CREAT | os.O_WRONLY)
    made = os.fstat(fd).st_mtime_ns
    os.write(fd, b'x')
    written = os.fstat(fd).st_mtime_ns
    assert written >= made, (i, 'write', written - made)
    os.close(fd)
    closed = os.stat(f'f{i}').st_mtime_ns
    assert closed >= made, (i, 'close', closed - made)
    os.mkdir(f'd{i}')
    assert os.stat(f'd{i}').st_mtime_ns >= closed, (i, 'mkdir', os.stat(f'd{i}').st_mtime_ns - closed)
    os.utime(f'd{i}')
    assert os.stat(f'd{i}').st_mtime_ns >= closed, (i, 'utime')
    os.symlink('x', f's{i}')
    assert os.lstat(f's{i}').st_mtime_ns >= closed, (i, 'symlink')
`,
    );
    const made = await mount.sh(`
      printf 'b: a\\n\\tcp a b\\n' > Makefile
      for i in 1 2 3 4 5 6 7 8 9 10; do echo $i > a; make -s; make -q || exit 1; done`);
    assert.equal(made.status, 0, made.report);
  });

  it('the attributes of ours are found with and without `user.` before their names', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    await python(
      mount.path,
      `
import os
open('f', 'w').write('content')
assert os.getxattr('f', 'x-vt-blockref') == os.getxattr('f', 'user.x-vt-blockref') == b'LB{[content]}', os.getxattr('f', 'x-vt-blockref')
assert os.getxattr('.', 'x-vt-socket') == os.getxattr('.', 'user.x-vt-socket')
os.setxattr('.', 'x-vt-control', b'cp f g')
assert os.listdir('.') == ['f', 'g']
`,
    );
  });
});
