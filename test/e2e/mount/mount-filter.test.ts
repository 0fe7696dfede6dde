import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestMount } from '../../support/mounts/mounted.ts';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import type { Run } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../../support/shells/terminal.ts';

/** The paths that another session finds stored. */
async function stored(mount: TestMount): Promise<string[]> {
  const found = await mount.vtftp('-c', 'find /');
  assert.equal(found.status, 0, found.report);
  return found.stdout.split('\n').filter((line) => line.startsWith('/') && line !== '/');
}

/** Runs a line in a mount that has to succeed. */
async function sh(mount: TestMount, line: string): Promise<Run> {
  const done = await mount.sh(`set -e; ${line}`);
  assert.equal(done.status, 0, done.report);
  return done;
}

describe('a mount with rules', { skip: noMountsHere() ?? false }, () => {
  it('excluded names live in the mount and are never stored; a rename across the rule promotes or demotes at the next sync', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch, `-o exclude=/build/,sync=0 --include=kept.o --exclude='*.o' --exclude='?.tmp'`);
    await sh(
      mount,
      `mkdir build src; for f in a.c a.o kept.o src/b.c src/b.o build/out x.tmp; do head -c 300000 /dev/urandom > $f; done
       ln a.c build/link; ln a.o b.o; sync .`,
    );
    assert.deepEqual(await stored(mount), ['/a.c', '/kept.o', '/src', '/src/b.c']);
    const size = await sh(mount, `du -sk ${scratch.path('store')}/data | cut -f1`);
    assert.ok(
      Number(size.stdout) > 850 && Number(size.stdout) < 1100,
      `${size.stdout.trim()} KiB are stored of 900 that count, and 2100 in all`,
    );

    // What programs do with files goes on as before.
    const sums = await sh(
      mount,
      'sha256sum a.o build/out src/b.o; sync a.o; cp a.o a2.o; cmp a.o a2.o; cp --reflink=auto build/out src/c.o; cmp build/out src/c.o; stat -c %h b.o',
    );
    assert.match(sums.stdout, /\n2\n$/);
    assert.equal((await mount.sh('getfattr -n user.x-vt-blockref a2.o')).status === 0, false);
    assert.deepEqual(await stored(mount), ['/a.c', '/kept.o', '/src', '/src/b.c']);

    const before = await sh(mount, 'sha256sum < build/out; sha256sum < src/b.o; sha256sum < a.c');
    await sh(mount, 'mv build built; mv src/b.o src/b; mv a.c a.tmp; sync .');
    assert.deepEqual(await stored(mount), ['/built', '/built/link', '/built/out', '/kept.o', '/src', '/src/b', '/src/b.c']);
    const after = await sh(mount, 'sha256sum < built/out; sha256sum < src/b; sha256sum < a.tmp; ls; ls src');
    assert.ok(after.stdout.startsWith(before.stdout), after.report);
    assert.match(after.stdout, /a\.o\na\.tmp\na2\.o\nb\.o\nbuilt\nkept\.o\nsrc\nx\.tmp\nb\nb\.c\nc\.o\n$/);

    const left = await mount.unmount();
    assert.equal(left.status, 0, left.report);
    assert.match(left.stderr, /6 excluded names lost with the mount, stored nowhere/);
    const again = await mount.vtftp('-c', `mount ${mount.path}`);
    assert.equal(again.status, 0, again.report);
    const now = await sh(mount, 'ls; sha256sum < built/out; sha256sum < src/b; cat built/link | sha256sum');
    assert.equal(now.stdout, `built\nkept.o\nsrc\n${before.stdout}`);
    assert.doesNotMatch((await mount.unmount()).stderr, /excluded/);
  });

  it('what was written to hard links is stored as the mount goes', async (t) => {
    const mount = await mounted(t, makeScratch(t), `-o sync=0 --exclude='*.tmp'`);
    await sh(
      mount,
      `for f in a x.tmp; do head -c 30000 /dev/urandom > $f; done; ln a b; ln x.tmp y.tmp; ln x.tmp c; sync .
       head -c 300000 /dev/urandom >> b; head -c 300000 /dev/urandom >> x.tmp; echo later > d`,
    );
    const sums = await sh(mount, 'cat a b c d | sha256sum');
    const left = await mount.unmount();
    assert.equal(left.status, 0, left.report);
    assert.deepEqual(await stored(mount), ['/a', '/b', '/c', '/d']);
    assert.equal((await mount.vtftp('-c', `mount ${mount.path}`)).status, 0);
    assert.equal((await sh(mount, 'cat a b c d | sha256sum')).stdout, sums.stdout);
  });

  it('a build in a mount leaves its products out of what is stored, and what it works on in', async (t) => {
    const mount = await mounted(t, makeScratch(t), `--exclude='*.o' --exclude=/out/`);
    const made = await sh(
      mount,
      `mkdir out; for i in $(seq 300); do echo "int f$i(void) { return $i; }" > f$i.c; cp f$i.c f$i.o; done
       cat *.o > out/all; mv out/all out/all.new; mv out/all.new out/all; rm f1.o; sync .; touch f2.o; echo more >> f3.o; sync .; cat *.o out/all | sha256sum`,
    );
    assert.equal((await stored(mount)).length, 300);
    // Nothing that counts has changed since: no state is recorded for what is left out.
    const states = await mount.vtftp('-c', 'log');
    await sh(mount, 'echo yet >> f4.o; rm f5.o; sync .; echo yet >> f4.o; sync .');
    assert.equal((await mount.vtftp('-c', 'log')).stdout.split('\n').length, states.stdout.split('\n').length + 1);
    assert.ok(made.stdout.length > 60);
    assert.match((await mount.unmount()).stderr, /300 excluded names/);
  });

  it('rules that say nothing are refused in one line', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch, '--exclude=x');
    const cases: readonly (readonly [string, RegExp])[] = [
      [`mount -o ro --exclude=x ${scratch.path('m')}`, /no effect on a read-only mount/],
      [`mount -o all,exclude=x ${scratch.path('m')}`, /no effect on a read-only mount/],
      [`mount --filter ': .rules' ${scratch.path('m')}`, /dir-merge \.rules: a mount does not read rules from files in directories/],
      [`mount -o filter=Q ${scratch.path('m')}`, /--filter: filter rule "?Q"?: expected/],
      [`mount -o exclude ${scratch.path('m')}`, /expected exclude=/],
      [`mount --exclude=y ${mount.path} ${scratch.path('m')}`, /only the first mount of a tree can set filters/],
      [`mount -o exclude=y ${mount.path} ${scratch.path('m')}`, /only the first mount of a tree can set filters/],
      [`mount --exclude-from=nowhere ${scratch.path('m')}`, /read rules \S*nowhere: no such file/],
    ];
    for (const [line, says] of cases) {
      const refused = await mount.vtftp('-c', line);
      assert.notEqual(refused.status, 0, line);
      assert.match(refused.stderr, says, line);
    }
    // One more mount of the tree is bound by its rules, too.
    const second = await mount.vtftp('-c', `mount ${mount.path} ${scratch.path('m2')}`);
    assert.equal(second.status, 0, second.report);
    await sh(mount, `echo 1 > ${scratch.path('m2')}/x; echo 2 > ${scratch.path('m2')}/y; cat x; sync .`);
    assert.deepEqual(await stored(mount), ['/y']);
    assert.equal((await mount.vtftp('-c', `umount ${scratch.path('m2')}`)).status, 0);
  });

  it('at a terminal umount asks before excluded names go', NEEDS_TMUX, async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch, '--exclude=*.o');
    await sh(mount, 'echo 1 > a.o; echo 2 > b.o');
    const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')], mount.env);
    await terminal.shows(/vtftp/);
    terminal.type(`umount ${mount.path}`);
    terminal.keys('Enter');
    await terminal.shows(/2 excluded names, stored nowhere, will be lost\. Go on\?/);
    terminal.keys('n', 'Enter');
    await terminal.shows(/Go on\? \(y\/N\).* n\n/);
    await sh(mount, 'cat a.o');
    terminal.keys('C-l');
    terminal.type(`umount ${mount.path}`);
    terminal.keys('Enter');
    await terminal.shows(/will be lost\. Go on\?/);
    terminal.keys('y', 'Enter');
    await terminal.shows(/2 excluded names lost with the mount/);
  });
});
