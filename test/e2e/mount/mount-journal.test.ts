import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { mounted, noMountsHere, RECORD, type TestMount } from '../../support/mounts/mounted.ts';
import { type Run, run, vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Kills the process that serves a mount, without a word. */
async function kill(mount: TestMount): Promise<void> {
  const listed = await mount.vtftp('--json', '-c', 'mounts');
  const own = listed.stdout.split('\n').find((line) => line.includes(`"${mount.path}"`)) ?? '{}';
  const { pid } = JSON.parse(own) as { readonly pid?: number };
  assert.ok(pid !== undefined, listed.report);
  process.kill(pid, 'SIGKILL');
  // A mount whose process is dead answers so; until then it answers, or is waited for.
  while (!/not connected/.test((await run('ls', [mount.path])).stderr));
}

function journalsIn(store: string): string[] {
  return readdirSync(join(store, 'journals')).filter((name) => name !== 'recovery.lock');
}

/** A folder of 16 MiB. */
function smallDisk(scratch: Scratch): string {
  const disk = scratch.mkdir('disk');
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', disk], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  scratch.beforeRemoval(() => void spawnSync('umount', [disk]));
  return disk;
}

function fill(disk: string): void {
  spawnSync('sh', ['-c', `cat /dev/zero > ${disk}/ballast`]);
}

describe('the journal of a mount', { skip: noMountsHere() ?? false }, () => {
  it('holds what is synced until a root does, and goes with the mount', async (t) => {
    const scratch = makeScratch(t);
    const store = scratch.path('store');
    const mount = await mounted(t, scratch);
    const states = async (): Promise<number> => (await vtftp(['-S', store, '-c', 'log'], { env: scratch.env })).stdout.split('\n').length;
    assert.equal((await mount.sh('echo first > f; sync f')).status, 0);
    const before = await states();
    assert.equal((await mount.sh('for i in 1 2 3; do echo $i > f; sync f; mkdir d$i; sync d$i; done')).status, 0);
    assert.equal(await states(), before);
    assert.equal(journalsIn(store).length, 1);
    assert.equal((await mount.sh(`echo last > f; ${RECORD}`)).status, 0);
    assert.equal(await states(), before + 1);
    assert.equal((await mount.sh('echo more > f; sync f; echo last > f')).status, 0);
    assert.equal((await mount.unmount()).status, 0);
    assert.deepEqual(journalsIn(store), []);
    assert.equal((await vtftp(['-S', store, '-c', 'cat f'], { env: scratch.env })).stdout, 'last\n');
  });

  it('is recovered by whatever opens the Store, beside what another session recorded since', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const session = async (line: string): Promise<string> => {
      const done = await vtftp(['-S', scratch.path('store'), '-c', line], { env: scratch.env });
      assert.equal(done.status, 0, done.report);
      return done.stdout;
    };
    assert.equal((await mount.sh('mkdir d; echo old > d/f; sync d/f')).status, 0);
    assert.equal((await mount.sh('echo new > d/t; sync d/t; mv d/t d/f; ln d/f l; sync d; echo lost > lost')).status, 0);
    // Whether the mount has taken it in by then or not.
    await session('mkdir other; quit');
    await kill(mount);
    assert.deepEqual((await session('ls; cat d/f; cat l')).split(/\s+/).filter(Boolean), ['d', 'l', 'other', 'new', 'new']);
    const log = await session('log');
    assert.match(log, /recovered from the journal of a mount/);
    assert.equal(await session('log'), log);
    assert.deepEqual(journalsIn(scratch.path('store')), []);
  });

  it('is told of where the Store can only be read', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('only root mounts a folder read-only');
      return;
    }
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.sh(`echo old > f; ${RECORD}`)).status, 0);
    const seen = scratch.mkdir('seen');
    spawnSync('mount', ['--bind', scratch.path('store'), seen]);
    scratch.beforeRemoval(() => void spawnSync('umount', [seen]));
    assert.equal(spawnSync('mount', ['-o', 'remount,bind,ro', seen]).status, 0);
    const read = async (): Promise<Run> => await vtftp(['-S', seen, '-c', 'cat f'], { env: scratch.env });
    assert.doesNotMatch((await read()).stderr, /synced/);
    assert.equal((await mount.sh('echo new > f; sync f')).status, 0);
    await kill(mount);
    const { stdout, stderr } = await read();
    assert.equal(stdout, 'old\n');
    assert.match(stderr, /is read-only here: changes that a killed mount synced after the newest state are not shown/);
    assert.equal((await mount.vtftp('-c', 'cat f')).stdout, 'new\n');
    assert.doesNotMatch((await read()).stderr, /synced/);
  });

  it('stays where there is no room to recover it; no mount shows the tree without it', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('only root mounts a tmpfs');
      return;
    }
    const scratch = makeScratch(t);
    const disk = smallDisk(scratch);
    const mount = await mounted(t, scratch, '', `${disk}/store`);
    assert.equal((await mount.sh('echo first > f; sync f; head -c 3000000 /dev/urandom > g; sync g')).status, 0);
    const sum = (await mount.sh('sha256sum < g')).stdout;
    await kill(mount);
    spawnSync('umount', ['-l', mount.path]);
    rmSync(`${disk}/store/reserve`, { recursive: true });
    fill(disk);
    const read = await mount.vtftp('-c', 'cat f');
    assert.equal(read.stdout, 'first\n', read.report);
    assert.match(read.stderr, /changes that a killed mount had synced are not recorded yet: .*no space left/i);
    const again = await mount.vtftp('-c', `mount ${mount.path}`);
    assert.equal(again.status, 1, again.report);
    assert.match(again.stderr, /are not recorded yet/);
    rmSync(`${disk}/ballast`);
    const now = await mount.vtftp('-c', `mount ${mount.path}`);
    assert.equal(now.status, 0, now.report);
    assert.equal((await mount.sh('sha256sum < g')).stdout, sum);
    assert.equal((await mount.unmount()).status, 0);
  });

  it('keeps what it goes on from, which no archive has any more, from a gc that makes room', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('only root mounts a tmpfs');
      return;
    }
    const scratch = makeScratch(t);
    const disk = smallDisk(scratch);
    const mount = await mounted(t, scratch, '', `${disk}/store`);
    const session = async (line: string): Promise<Run> => {
      const done = await mount.vtftp('-c', line);
      assert.equal(done.status, 0, done.report);
      return done;
    };
    assert.equal((await mount.sh(`mkdir d; echo old > d/f; head -c 200000 /dev/urandom > other; ${RECORD}`)).status, 0);
    assert.equal((await mount.sh('echo new >> d/f; head -c 2000000 /dev/urandom > g; sync d/f g')).status, 0);
    await session('rm other; quit');
    await session('forget --keep-last 1');
    await kill(mount);
    spawnSync('umount', ['-l', mount.path]);
    fill(disk);
    for (const _ of ['once', 'twice']) assert.match((await session('gc --grace 0')).stderr, /not recorded yet/);
    rmSync(`${disk}/ballast`);
    assert.equal((await session('cat d/f')).stdout, 'old\nnew\n');
    assert.deepEqual(journalsIn(`${disk}/store`), []);
  });
});
