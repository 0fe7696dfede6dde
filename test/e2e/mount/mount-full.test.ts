import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { mounted, noMountsHere, type TestMount } from '../../support/mounts/mounted.ts';
import { PROGRAM, run } from '../../support/program.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

/** A Store on a disk of its own that is too small for what is written, and a mount of it. */
async function mountOnSmallDisk(t: TestContext, scratch: Scratch): Promise<{ readonly mount: TestMount; readonly grow: () => void }> {
  const disk = scratch.mkdir('disk');
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'none', disk], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  scratch.beforeRemoval(() => void spawnSync('umount', [disk]));
  const mount = await mounted(t, scratch, '', `${disk}/store`);
  // Removed in turn, the last first: the mount goes before its disk, and is not to be waited for.
  scratch.beforeRemoval(() => void spawnSync('umount', ['-l', mount.path]));
  return { mount, grow: () => void spawnSync('mount', ['-o', 'remount,size=48m', disk]) };
}

function skipReason(): string | undefined {
  return noMountsHere() ?? (process.getuid?.() === 0 ? undefined : 'only root mounts a tmpfs');
}

test('a mount of a full Store says ENOSPC, keeps all that was written, goes on by itself once there is room, and umount waits for that', async (t) => {
  const reason = skipReason();
  if (reason !== undefined) {
    t.skip(reason);
    return;
  }
  const scratch = makeScratch(t);
  const { mount, grow } = await mountOnSmallDisk(t, scratch);
  const small = await mount.sh('echo first > first && sync first');
  assert.equal(small.status, 0, small.report);
  const full = await mount.sh('head -c 16000000 /dev/urandom > large; echo small > small; sync large');
  assert.notEqual(full.status, 0, full.report);
  assert.match(full.stderr, /No space left on device/);
  const sums = await mount.sh('sha256sum large small first');

  const refused = await mount.unmount();
  assert.equal(refused.status, 1, refused.report);
  assert.match(refused.stderr, /^umount: \S*: not stored: .*"\/large".*: .*no space left on device.*umount -f/m);
  const listed = await mount.vtftp('-c', 'mounts');
  assert.match(listed.stdout, /rw .* files? not stored yet/);
  assert.equal((await mount.sh('sha256sum large small first')).stdout, sums.stdout);

  grow();
  // By itself: nobody asks for it.
  for (let looks = 0; (await mount.vtftp('-c', 'mounts')).stdout.includes('not stored yet'); looks++) {
    assert.ok(looks < 100, 'what failed is not tried again');
    await delay(100);
  }
  const synced = await mount.sh('sync large small && echo more >> small && sync small');
  assert.equal(synced.status, 0, synced.report);
  const gone = await mount.unmount();
  assert.equal(gone.status, 0, gone.report);
  const got = await mount.vtftp('-c', `get large small first ${scratch.mkdir('got')}`);
  assert.equal(got.status, 0, got.report);
  assert.equal(readFileSync(scratch.path('got/small'), 'latin1'), 'small\nmore\n');
  const large = await run('sha256sum', ['large'], { cwd: scratch.path('got') });
  assert.equal(large.stdout.split(' ')[0], sums.stdout.split(' ')[0]);
});

test('a mount that is taken away while its Store is full keeps its process until all is stored; umount -f names what is given up', async (t) => {
  const reason = skipReason();
  if (reason !== undefined) {
    t.skip(reason);
    return;
  }
  const scratch = makeScratch(t);
  const { mount, grow } = await mountOnSmallDisk(t, scratch);
  await mount.sh('head -c 16000000 /dev/urandom > large; sync large');
  const sum = (await mount.sh('sha256sum large')).stdout.split(' ')[0];
  const taken = await run('umount', ['-i', mount.path]);
  assert.equal(taken.status, 0, taken.report);
  const waiting = await mount.vtftp('-c', 'mounts');
  assert.match(waiting.stdout, /gone .* 1 file not stored yet/);
  const refused = await mount.unmount();
  assert.equal(refused.status, 1, refused.report);
  grow();
  const ended = await mount.unmount();
  assert.ok(ended.status === 0 || /is not a vtftp mount/.test(ended.stderr), ended.report);
  for (let looks = 0; (await mount.vtftp('-c', 'mounts')).stdout.includes('gone'); looks++) {
    assert.ok(looks < 100);
    await delay(100);
  }
  const got = await mount.vtftp('-c', `get large ${scratch.path('got')}`);
  assert.equal(got.status, 0, got.report);
  assert.equal((await run('sha256sum', [scratch.path('got')])).stdout.split(' ')[0], sum);

  const again = await mount.vtftp('-c', `mount ${mount.path}`);
  assert.equal(again.status, 0, again.report);
  await mount.sh('head -c 160000000 /dev/urandom > huge; sync huge');
  const forced = await mount.unmount('-f');
  assert.equal(forced.status, 3, forced.report);
  assert.match(forced.stderr, /lost with the mount: "\/huge"/);
  assert.equal((await mount.vtftp('-c', 'ls')).stdout, 'large\n');
});

test('an umount -f that is refused gives up nothing of what is written later', async (t) => {
  const reason = skipReason();
  if (reason !== undefined) {
    t.skip(reason);
    return;
  }
  const scratch = makeScratch(t);
  const { mount, grow } = await mountOnSmallDisk(t, scratch);
  const refused = await run('sh', ['-c', 'cd "$1"; exec "$0" "$2" -c "umount -f $1"', process.execPath, mount.path, PROGRAM], {
    env: mount.env,
  });
  assert.equal(refused.status, 1, refused.report);
  assert.match(refused.stderr, /in use/);
  const written = await mount.sh('head -c 16000000 /dev/urandom > large; sha256sum large');
  assert.equal(written.status, 0, written.report);
  assert.equal(spawnSync('umount', [mount.path]).status, 0);
  await delay(500);
  grow();
  // Its process stores what is left, and ends.
  let listed = '';
  for (let looks = 0; looks < 100 && !listed.includes('large'); looks++) {
    await delay(100);
    listed = (await mount.vtftp('-c', 'ls')).stdout;
  }
  const got = await mount.vtftp('-c', `get large ${scratch.path('got')}`);
  assert.equal(got.status, 0, got.report);
  const sum = await run('sha256sum', [scratch.path('got')]);
  assert.equal(sum.stdout.split(' ')[0], written.stdout.split(' ')[0]);
});
