import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { PROGRAM, recited, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

describe('the forms and options of mount', { skip: noMountsHere() ?? false }, () => {
  it('a Dir of the open tree comes first, and the two words may change places where only one can be meant', async (t) => {
    const scratch = makeScratch(t);
    const env = { ...scratch.env, XDG_RUNTIME_DIR: scratch.mkdir('runtime') };
    mkdirSync(scratch.path('from/docs'), { recursive: true });
    writeFileSync(scratch.path('from/docs/f'), 'content');
    const program = async (line: string) => await vtftp(['-S', scratch.path('store'), '-c', line], { env, cwd: scratch.folder });
    assert.equal((await program('put from; quit')).status, 0);
    const places = ['one', 'two', 'three', 'four'];
    scratch.beforeRemoval(
      () =>
        void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${places.join(' ')}`], {
          env: { ...process.env, ...env },
          cwd: scratch.folder,
        }),
    );
    for (const [line, place] of [
      ['mount from/docs one', 'one'],
      [`mount ${scratch.path('two')} from/docs`, 'two'],
      ['mount -s from/docs three', 'three'],
    ] as const) {
      const made = await program(line);
      assert.equal(made.status, 0, made.report);
      assert.deepEqual(readdirSync(scratch.path(place)), ['f'], line);
      const left = await program(`umount ${place}`);
      assert.equal(left.status, 0, left.report);
      assert.match(recited(left), /^D\{/, 'it recites, changed or not');
    }
    const made = await program('mount from/docs one');
    assert.equal(made.status, 0, made.report);
    const listed = await program('mount');
    assert.equal(listed.status, 0, listed.report);
    assert.ok(listed.stdout.includes(`${scratch.path('one')}  rw  `), listed.report);
    assert.equal((await program('umount one')).status, 0);
    const refused = await program('mount from four');
    assert.equal(refused.status, 0, 'the stored Dir, and not the local one');
    assert.equal((await program('umount four')).status, 0);
  });

  it('a mount that cannot be ends with the status of the reason: 1 for a place that will not do, 10 for what cannot be opened', async (t) => {
    const scratch = makeScratch(t);
    writeFileSync(`${scratch.mkdir('full')}/f`, 'x');
    const env = { ...scratch.env, XDG_RUNTIME_DIR: scratch.mkdir('runtime') };
    const program = async (line: string) => await vtftp(['-S', scratch.path('store'), '-c', line], { env, cwd: scratch.folder });
    assert.equal((await program('mkdir d; quit')).status, 0);
    for (const [line, status, says] of [
      ['mount full', 1, `mount: ${scratch.path('full')}: directory not empty`],
      ['mount full/f', 1, `mount: ${scratch.path('full/f')}: not a directory`],
      // Where recursive mkdir of Node never returns.
      ['mount /proc/nosuch', 1, 'mount: cannot make /proc/nosuch: no such file or directory'],
      ['mount -o ro', 2, 'mount: MOUNTPOINT is missing'],
      ['mount -o wrong place', 2, 'mount: -o wrong: unknown option'],
      ['mount nosuch:x place', 10, 'mount: '],
    ] as const) {
      const refused = await program(line);
      assert.equal(refused.status, status, refused.report);
      assert.ok(refused.stderr.startsWith(says), refused.report);
    }
  });

  it('umount goes on after a place where nothing is mounted: 3, and 1 where nothing was done', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    const some = await mount.vtftp('-c', `umount /nosuch ${mount.path}`);
    assert.equal(some.status, 3, some.report);
    assert.match(some.stderr, /^umount: \/nosuch is not a vtftp mount \(mounts lists them\)\numount: done in part, 1 item failed\n$/);
    assert.match(some.stdout, /^D\{/, 'the other one is gone, and recited');
    const none = await mount.vtftp('-c', `umount /nosuch ${mount.path}`);
    assert.equal(none.status, 1, none.report);
  });

  it('is nosuid and nodev, but for root who asks', async (t) => {
    const scratch = makeScratch(t);
    const optionsOf = (path: string): string =>
      / (\S+) \S+ \S+$/.exec(
        readFileSync('/proc/mounts', 'utf8')
          .split('\n')
          .find((line) => line.includes(` ${path} `)) ?? '',
      )?.[1] ?? '';
    const mount = await mounted(t, scratch);
    assert.match(optionsOf(mount.path), /\bnosuid,nodev\b/);
    assert.equal((await mount.unmount()).status, 0);
    const again = await mount.vtftp('-c', `mount -o suid,dev,noexec ${mount.path}`);
    assert.equal(again.status, 0, again.report);
    assert.doesNotMatch(optionsOf(mount.path), /nosuid|nodev/);
    assert.match(optionsOf(mount.path), /\bnoexec\b/);
  });

  it('is an upper layer of overlayfs: a name that is renamed away leaves a whiteout', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const merged = scratch.mkdir('merged');
    scratch.beforeRemoval(() => void spawnSync('umount', [merged]));
    const lower = scratch.mkdir('lower');
    const laid = await mount.sh(`
      set -e
      echo low > ${lower}/a; mkdir up work
      mount -t overlay overlay -o lowerdir=${lower},upperdir=${mount.path}/up,workdir=${mount.path}/work ${merged}
      mv ${merged}/a ${merged}/b; rm -f ${merged}/none; test "$(ls ${merged})" = b; test "$(cat ${merged}/b)" = low
      umount ${merged}
      test "$(stat -c '%F %t,%T' up/a)" = 'character special file 0,0'; test "$(cat up/b)" = low`);
    assert.equal(laid.status, 0, laid.report);
    const left = await mount.unmount();
    assert.equal(left.status, 0, left.report);
    const listed = await mount.vtftp('-c', 'ls -l up');
    assert.match(listed.stdout, /^c.* a\n-.* b$/m, listed.report);
  });
});
