import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

/** A condition that does not come true in this time never does. */
const NEVER_MS = 60_000;

const MIB = 1024 * 1024;

interface Disk {
  readonly name: string;
  /** Mounts it at a folder. @returns why it cannot be */
  readonly mount: (folder: string, scratch: Scratch) => string | undefined;
}

function ran(command: string, args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? undefined : `${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`;
}

const DISKS: readonly Disk[] = [
  { name: 'tmpfs', mount: (folder) => ran('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', folder]) },
  {
    name: 'ext4',
    mount: (folder, scratch) => {
      const image = scratch.path('image');
      writeFileSync(image, '');
      truncateSync(image, 32 * MIB);
      return ran('mkfs.ext4', ['-q', '-m', '0', image]) ?? ran('mount', ['-o', 'loop', image, folder]);
    },
  },
  {
    name: 'btrfs with a quota',
    mount: (folder, scratch) => {
      const image = scratch.path('image');
      writeFileSync(image, '');
      truncateSync(image, 128 * MIB);
      return (
        ran('mkfs.btrfs', ['-q', image]) ??
        ran('mount', ['-o', 'loop', image, folder]) ??
        ran('btrfs', ['quota', 'enable', folder]) ??
        ran('btrfs', ['qgroup', 'limit', '24M', folder])
      );
    },
  },
];

/** Writes a file until the disk has no room at all. */
function fill(path: string): void {
  const fd = openSync(path, 'w');
  for (let size = MIB; size >= 512; size /= 2) {
    try {
      for (;;) {
        if (writeSync(fd, Buffer.alloc(size, 1)) < size) break;
        fsyncSync(fd);
      }
    } catch {
      // Then with less at a time.
    }
  }
  closeSync(fd);
}

async function until(what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> {
  for (const startMs = performance.now(); !(await isTrue()); await delay(100))
    assert.ok(performance.now() - startMs < NEVER_MS, `${what}: not in ${NEVER_MS} ms`);
}

for (const { name, mount } of DISKS)
  test(`watch and follow wait while ${name} is full, and lose nothing when it has room again`, async (t) => {
    const scratch = makeScratch(t);
    const disk = scratch.mkdir('disk');
    const unable = mount(disk, scratch);
    if (unable !== undefined) {
      t.skip(unable);
      return;
    }
    scratch.beforeRemoval(() => void spawnSync('umount', [disk]));
    await fullThenFreed(t, scratch, disk);
  });

async function fullThenFreed(t: TestContext, scratch: Scratch, disk: string): Promise<void> {
  const { env } = scratch;
  const random = makeRandom(71);
  const tree = scratch.mkdir('tree');
  const log = `${scratch.mkdir('logs')}/a.log`;
  const filler = `${disk}/filler`;
  const store = `${disk}/store`;
  mkdirSync(`${tree}/d`);
  writeFileSync(`${tree}/d/f`, 'at first');
  writeFileSync(log, 'at first\n');
  const ended = await vtftp(['-S', store, '-c', `follow ${log} a.log; watch ${tree} w; wait`], {
    env,
    during: async (program) => {
      await program.printed('watching');
      fill(filler);
      t.diagnostic(`${statfsSync(disk).bavail} blocks left`);
      for (let i = 0; i < 4; i++) {
        appendFileSync(log, random.bytes(400_000).toString('base64'));
        writeFileSync(`${tree}/d/${i}`, random.bytes(400_000));
      }
      rmSync(`${tree}/d/f`);
      await program.printed('follow into "/a.log": write to Store');
      await program.printed('watch into "/w": write to Store');
      const asked = await vtftp(['--json', '-c', 'tails'], { env });
      const records = asked.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { readonly target: string; readonly trouble?: string; readonly lag_bytes: number });
      for (const { trouble } of records) assert.match(trouble ?? '', /write to Store/, asked.report);
      assert.ok((records.find(({ target }) => target === '/a.log')?.lag_bytes ?? 0) > 1_000_000, asked.report);
      rmSync(filler);
      await program.printed('follow into "/a.log": it works again after');
      await program.printed('watch into "/w": it works again after');
      await until('all is stored', async () => {
        rmSync(scratch.path('got'), { recursive: true, force: true });
        const got = await vtftp(['-S', store, '-c', `get w ${scratch.path('got')}`], { env });
        return got.status === 0 && (await rsyncDifferences(tree, scratch.path('got'))) === '';
      });
      program.kill('SIGTERM');
    },
  });
  assert.equal(ended.status, 143, ended.report);
  const shown = await vtftp(['-S', store, '-c', 'cat a.log'], { env });
  assert.ok(shown.stdout === readFileSync(log, 'utf8'));
  // One notice when it began, and one when it was over.
  for (const target of ['follow into "/a.log"', 'watch into "/w"']) assert.equal(ended.stderr.split(target).length - 1, 2, ended.report);
}
