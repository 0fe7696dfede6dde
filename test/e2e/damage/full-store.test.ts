import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, statfsSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PROGRAM, type Run, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

// A put that fills the disk leaves Blocks that no root needs. Everything goes on working, and gc gives the room back, with no octet
// free, on filesystems that write in place and on those that do not.

interface SmallDisk {
  /** In octets. */
  readonly size: number;
  /** Mounts a filesystem of some megabytes. @returns why that cannot be done here */
  mount(scratch: Scratch, folder: string): string | undefined;
}

const LOOP = (make: readonly string[], size: number): SmallDisk => ({
  size,
  mount(scratch, folder) {
    const image = scratch.path('image');
    writeFileSync(image, '');
    truncateSync(image, size);
    const [program = '', ...args] = make;
    const made = spawnSync(program, [...args, image], { encoding: 'utf8' });
    if (made.status !== 0) return `${program}: ${made.error?.message ?? made.stderr.split('\n', 1)[0]}`;
    const mounted = spawnSync('mount', ['-o', 'loop', image, folder], { encoding: 'utf8' });
    return mounted.status === 0 ? undefined : `mount: ${mounted.stderr.trim()}`;
  },
});

const DISKS: Readonly<Record<string, SmallDisk>> = {
  tmpfs: {
    size: 32 << 20,
    mount(_scratch, folder) {
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'none', folder], { encoding: 'utf8' });
      return mounted.status === 0 ? undefined : `mount a tmpfs: ${mounted.stderr.trim()}`;
    },
  },
  ext4: LOOP(['mkfs.ext4', '-q', '-m', '0'], 32 << 20),
  btrfs: LOOP(['mkfs.btrfs', '-q'], 128 << 20),
  exFAT: LOOP(['mkfs.exfat'], 32 << 20),
};

interface FullStore {
  readonly store: string;
  readonly disk: string;
  readonly kept: Buffer;
  readonly v: (script: string, options?: readonly string[]) => Promise<Run>;
}

/** A Store on a disk that a put has filled, and something else to the last octet. */
async function makeFull(t: TestContext, kind: SmallDisk, scratch: Scratch): Promise<FullStore | undefined> {
  const disk = scratch.mkdir('disk');
  const reason = kind.mount(scratch, disk);
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  scratch.beforeRemoval(() => void spawnSync('umount', [disk]));
  const kept = makeRandom(5).bytes(2_000_000);
  // Somebody else's, who can make room by it.
  writeFileSync(`${disk}/ballast`, makeRandom(7).bytes(4 << 20));
  writeFileSync(scratch.path('kept'), kept);
  writeFileSync(scratch.path('large'), makeRandom(6).bytes(kind.size));
  const store = `${disk}/store`;
  const v = async (script: string, options: readonly string[] = []): Promise<Run> =>
    await vtftp(['-S', store, ...options, '-c', script], { env: scratch.env, cwd: scratch.folder });
  const first = await v('put kept kept; quit');
  assert.equal(first.status, 0, first.report);
  const full = await v('put large large; quit');
  assert.equal(full.status, 1, full.report);
  assert.match(full.stderr, /no space left.*gc/);
  fillUp(`${disk}/filler`);
  return { store, disk, kept, v };
}

function fillUp(path: string): void {
  try {
    const fd = openSync(path, 'w');
    try {
      for (const size of [1 << 20, 4096, 1]) {
        for (const octets = Buffer.alloc(size, 'x'); ; ) if (writeSync(fd, octets) < octets.length) break;
      }
    } catch {
      // Full.
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not even that.
  }
}

function freeOctets(disk: string): number {
  // btrfs gives back what is freed with its next transaction.
  spawnSync('sync', ['-f', disk]);
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}

for (const [name, kind] of Object.entries(DISKS)) {
  test(`on a full ${name} everything but put goes on, and gc gives back what a put that failed has left`, async (t) => {
    const scratch = makeScratch(t);
    const made = await makeFull(t, kind, scratch);
    if (made === undefined) return;
    const { v, disk, kept } = made;
    for (const script of ['ls', 'get kept back', 'fsck', 'mkdir new; quit', 'undo; quit', 'log']) {
      const result = await v(script);
      assert.equal(result.status, 0, `${script}: ${result.report}`);
    }
    assert.equal(Buffer.compare(readFileSync(scratch.path('back')), kept), 0);
    const dead = freedBy(await v('gc -n --grace=0', ['--json']));
    assert.ok(dead > 12 << 20, `${dead} octets to be freed`);
    const before = freeOctets(disk);
    const freed = await v('gc --grace=0', ['--json']);
    // What is freed where it lies, and then goes with its file, counts once.
    assert.ok(freedBy(freed) <= 1.1 * dead, freed.report);
    const given = freeOctets(disk) - before;
    assert.ok(given > 0.8 * dead, `${given} of ${dead} octets: ${freed.report}`);
    for (const script of ['fsck', 'scrub', 'get kept again', 'put kept other; quit', 'mkdir more; quit']) {
      const result = await v(script);
      assert.equal(result.status, 0, `${script}: ${result.report}`);
    }
    assert.equal(Buffer.compare(readFileSync(scratch.path('again')), kept), 0);
    // The gaps are passed over where the index is made anew.
    spawnSync('rm', ['-r', `${made.store}/index`]);
    const anew = await v('get kept third; fsck');
    assert.equal(anew.status, 0, anew.report);
    assert.doesNotMatch(anew.stderr, /damaged/);
  });
}

function freedBy(plan: Run): number {
  assert.equal(plan.status, 0, plan.report);
  const records = plan.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly freed_bytes?: number });
  return records.find(({ freed_bytes: freed }) => freed !== undefined)?.freed_bytes ?? 0;
}

test('gc that finds neither room nor the reserve removes nothing and names the way out', async (t) => {
  const scratch = makeScratch(t);
  const made = await makeFull(t, DISKS['btrfs'] as SmallDisk, scratch);
  if (made === undefined) return;
  const { v, disk, store } = made;
  spawnSync('rm', ['-r', `${store}/reserve`]);
  freeOctets(disk);
  for (const name of ['one', 'two', 'three']) {
    fillUp(`${disk}/${name}`);
    freeOctets(disk);
  }
  const failed = await v('gc --grace 0');
  assert.equal(failed.status, 1, failed.report);
  assert.match(failed.stderr, /^gc: .*no room for a change of the index \(remove a file of 2 MiB or more from that disk first\)$/m);
  spawnSync('rm', [`${disk}/ballast`]);
  freeOctets(disk);
  for (const script of ['gc --grace 0', 'fsck', 'get kept back']) {
    const result = await v(script);
    assert.equal(result.status, 0, `${script}: ${result.report}`);
  }
});

test('gc on a full disk can be killed at any moment: what is kept stays whole, and the next gc gives the rest back', async (t) => {
  const scratch = makeScratch(t);
  const made = await makeFull(t, DISKS['tmpfs'] as SmallDisk, scratch);
  if (made === undefined) return;
  const { v, store, disk, kept } = made;
  const seed = Date.now() % 2 ** 32;
  const random = makeRandom(seed);
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, [PROGRAM, '-S', store, '-c', 'gc --grace=0'], {
      env: { ...process.env, ...scratch.env },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await Promise.race([delay(100 + random.below(900)), ended]);
    child.kill('SIGKILL');
    await ended;
    const result = await v(`get kept "back ${round}"; fsck`);
    assert.equal(result.status, 0, `seed ${seed}, round ${round}: ${result.report}`);
    assert.equal(Buffer.compare(readFileSync(scratch.path(`back ${round}`)), kept), 0);
  }
  const last = await v('gc --grace=0');
  assert.equal(last.status, 0, last.report);
  assert.ok(freeOctets(disk) > 12 << 20, `seed ${seed}: ${freeOctets(disk)}`);
  assert.ok(readdirSync(`${store}/data`).length > 0);
});

test('a root that cannot be read is named, what else is not needed goes, and it can be let go of', async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  writeFileSync(scratch.path('one'), makeRandom(1).bytes(300_000));
  const v = async (script: string): Promise<Run> => await vtftp(['-S', store, '-c', script], { env: scratch.env, cwd: scratch.folder });
  // A file's content that is no Dir, taken for one.
  const put = await v('put one one; quit');
  assert.equal(put.status, 0, put.report);
  writeFileSync(scratch.path('text'), 'this is no Dir, and a Block of its own that is longer than a literal may be: so it has a hashcode');
  const block = await v('put text text; inspect text; quit');
  const [, hashcode] = /(B\{hash:H\{[^}]*\},span:\d+\})/.exec(block.stdout) ?? [];
  assert.ok(hashcode !== undefined, block.report);
  const bad = await v(`bind bad D{block:${hashcode}}; quit`);
  assert.equal(bad.status, 0, bad.report);
  const good = await v('rm -r bad; rm one; quit');
  assert.equal(good.status, 0, good.report);
  const named = await v('gc --grace=0');
  assert.equal(named.status, 3, named.report);
  assert.match(named.stderr, /"\/bad" in root default@3/);
  const dropped = await v('gc --grace=0 --drop default@3');
  assert.equal(dropped.status, 0, dropped.report);
  const newest = await v('gc --drop default@3');
  assert.equal(newest.status, 1, newest.report);
  assert.match(newest.stderr, /newest/);
  assert.equal((await run('grep', ['-c', '^#', `${store}/archives/default.vt`])).stdout, '1\n');
});
