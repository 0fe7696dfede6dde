import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import { run } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

/** What takes longer hangs. */
const HANGS_MS = 60_000;

/** A descriptor of a process that is a file without a name in a folder. */
interface FrontDescriptor {
  /** O_RDONLY 0, O_WRONLY 1, O_RDWR 2. */
  readonly access: number;
  readonly position: number;
  readonly ino: string;
}

function frontsOf(pid: number): FrontDescriptor[] {
  const fronts: FrontDescriptor[] = [];
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    let target: string;
    let info: string;
    try {
      target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    } catch {
      // Closed meanwhile.
      continue;
    }
    if (!target.includes('/vtftp/front/') || !target.endsWith(' (deleted)')) continue;
    const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(info)?.[1] ?? '';
    fronts.push({ access: Number.parseInt(field('flags'), 8) & 3, position: Number(field('pos')), ino: field('ino') });
  }
  return fronts.sort((a, b) => a.access - b.access);
}

it('a file that is written to has one descriptor to read and one to write, whose positions nobody moves, and only what was changed is stored at its close', {
  skip: noMountsHere() ?? false,
}, async (t) => {
  const mount = await mounted(t, makeScratch(t));
  const [own] = (await mount.vtftp('--json', '-c', 'mounts')).stdout.split('\n').filter((line) => line.includes(`"${mount.path}"`));
  const { pid } = JSON.parse(own ?? '{}') as { readonly pid: number };
  const states = async (): Promise<number> => (await mount.vtftp('-c', 'log')).stdout.trim().split('\n').length;

  const script =
    'exec 5<> f; head -c 1000000 /dev/urandom >&5; printf end | dd of=f bs=1 seek=5000000 conv=notrunc status=none; sync f; echo written; exec sleep 60';
  let seen: FrontDescriptor[] = [];
  const done = await run('sh', ['-c', script], {
    cwd: mount.path,
    during: async (program) => {
      await program.printed('written');
      seen = frontsOf(pid);
      program.kill('SIGTERM');
    },
  });
  assert.match(done.stdout, /written/);
  assert.deepEqual(
    seen.map(({ access, position }) => [access, position]),
    [
      [0, 0],
      [1, 0],
    ],
    'one to read, one to write, both at 0: only pread and pwrite were used',
  );
  assert.equal(new Set(seen.map(({ ino }) => ino)).size, 1, 'both are the same file');

  // Its last close gives the front up once the content is stored.
  for (let left = frontsOf(pid); left.length > 0; left = frontsOf(pid)) await new Promise<void>((resolve) => setImmediate(resolve));

  // Opened for writing and closed as it was: nothing is stored, nothing recorded.
  const before = await states();
  const opened = await mount.sh(`exec 5<> f; exec 6>> f; exec 5>&- 6>&-; stat -c %Y.%s f; ${RECORD}; stat -c %Y.%s f`);
  const [first, second] = opened.stdout.trim().split('\n');
  assert.equal(first, second);
  assert.equal(await states(), before);
  assert.equal((await mount.sh(`printf more >> f; ${RECORD}`)).status, 0);
  assert.equal(await states(), before + 1);
});

it('what is appended to a file that stays open is stored at once, without a sync and before its close', {
  skip: noMountsHere() ?? false,
}, async (t) => {
  const scratch = makeScratch(t);
  const mount = await mounted(t, scratch, '-o sync=0,nowriteback');
  const data = scratch.path('store/data');
  let isStored = false;
  const stored = (): number => (existsSync(data) ? readdirSync(data) : []).reduce((sum, name) => sum + statSync(join(data, name)).size, 0);
  const done = await run('sh', ['-c', 'exec 5>> log; head -c 300000 /dev/urandom >&5; echo written; exec sleep 60'], {
    cwd: mount.path,
    during: async (program) => {
      await program.printed('written');
      const endMs = performance.now() + HANGS_MS;
      while (stored() < 300_000 && performance.now() < endMs) await new Promise<void>((resolve) => setImmediate(resolve));
      isStored = stored() >= 300_000;
      program.kill('SIGTERM');
    },
  });
  assert.match(done.stdout, /written/);
  assert.ok(isStored);
});
