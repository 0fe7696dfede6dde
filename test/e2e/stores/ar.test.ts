import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, it } from 'node:test';
import { tryLock } from '../../../core/base/system/file-lock.ts';
import type { Run } from '../../support/program.ts';
import { run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

interface Here {
  readonly scratch: Scratch;
  readonly local: string;
  shell(commands: string, ...options: string[]): Promise<Run>;
}

/** A Store with a tree of everything. */
async function start(scratch: Scratch): Promise<Here> {
  const local = scratch.mkdir('d');
  const shell = async (commands: string, ...options: string[]): Promise<Run> =>
    await vtftp(['-S', scratch.path('store'), ...options, '-c', commands], { env: scratch.env, cwd: scratch.folder });
  mkdirSync(`${local}/sub/deep`, { recursive: true });
  writeFileSync(`${local}/sub/a`, 'content of a\n'.repeat(500));
  writeFileSync(`${local}/sub/deep/b`, makeRandom(1).bytes(200_000));
  writeFileSync(`${local}/sub/alone`, 'alone\n'.repeat(500));
  linkSync(`${local}/sub/a`, `${local}/sub/deep/linked`);
  symlinkSync('sub/a', `${local}/link`);
  chmodSync(`${local}/sub/deep/b`, 0o4711);
  const done = await shell(`put ${local} d; quit`);
  assert.equal(done.status, 0, done.report);
  return { scratch, local, shell };
}

describe('ar', () => {
  it('makes a file that opens, lists, is got and pushed, and gives back the very tree', async (t) => {
    const { scratch, local, shell } = await start(makeScratch(t));
    const made = await shell('ar d.vtd d; ar -t d.vtd; ar --verify d.vtd; ar -x d.vtd out');
    assert.equal(made.status, 0, made.report);
    assert.match(made.stdout, /^\/link\n\/sub\/\n\/sub\/a\n\/sub\/alone\n\/sub\/deep\/\n\/sub\/deep\/b\n\/sub\/deep\/linked$/m);
    assert.match(made.stdout, /^d\.vtd: \d+ Blocks \(\d+K\), 1 state, 0 faults$/m);
    assert.equal(await rsyncDifferences(local, scratch.path('out')), '');
    for (const words of [['d.vtd'], ['file:d.vtd'], ['-S', 'file:d.vtd']]) {
      const opened = await vtftp([...words, '-c', 'ls; head -n 1 sub/a; get -p . got'], { env: scratch.env, cwd: scratch.folder });
      assert.equal(opened.status, 0, opened.report);
      assert.match(opened.stdout, /^link\nsub\ncontent of a$/m);
    }
    assert.equal(await rsyncDifferences(local, scratch.path('got')), '');
    const joined = await vtftp(['-S', scratch.path('other'), '-c', 'join d.vtd again; fsck; quit'], {
      env: scratch.env,
      cwd: scratch.folder,
    });
    assert.equal(joined.status, 0, joined.report);
    const same = await vtftp(['-S', scratch.path('other'), '-c', `diff --exit-code again file:${local}`], { env: scratch.env });
    assert.equal(same.status, 0, same.report);
    // As small as it can be: contents, and little more.
    assert.ok(statSync(scratch.path('d.vtd')).size < 200_000 * 1.05 + 10_000, String(statSync(scratch.path('d.vtd')).size));
  });

  it('streams, compresses, takes several names and a past state, and appends', async (t) => {
    const { scratch, local, shell } = await start(makeScratch(t));
    const streamed = await shell('ar - d');
    assert.equal(streamed.status, 0, streamed.report);
    writeFileSync(scratch.path('s.vtd'), streamed.stdoutBytes);
    writeFileSync(`${local}/new`, 'new');
    assert.equal((await shell(`put ${local} d; quit`)).status, 0);
    const done = await shell(
      'ar -r s.vtd d; ar -r s.vtd d; ar --verify s.vtd; ar -z z.vtd d; ar many.vtd d/sub d/new d/sub/deep/b; ar old.vtd d@1; ar -t old.vtd; ar -t many.vtd; ar file.vtd d/new',
    );
    assert.equal(done.status, 0, done.report);
    assert.match(done.stdout, /^s\.vtd already has that state as its newest\ns\.vtd: \d+ Blocks \(\d+K\), 2 states, 0 faults$/m);
    assert.match(done.stdout, /^\/b\n\/new\n\/sub\/\n\/sub\/a\n/m);
    assert.ok(statSync(scratch.path('z.vtd')).size < statSync(scratch.path('s.vtd')).size - 5000);
    const states = await vtftp(['s.vtd', '-c', 'diff; cat d@1 new; cd @1; ls'], { env: scratch.env, cwd: scratch.folder });
    assert.match(states.stdout, /^\+ \/new\t3B$/m, states.report);
    assert.match((await vtftp(['file.vtd', '-c', 'cat new'], { env: scratch.env, cwd: scratch.folder })).stdout, /^new$/);
    const links = await vtftp(['many.vtd', '-c', 'stat sub/a; ls -R'], { env: scratch.env, cwd: scratch.folder });
    assert.equal(links.status, 0, links.report);
    for (const [commands, status, says] of [
      ['ar x.vtd', 2, /PATH is missing/],
      ['ar x.vtd missing', 1, /no such file/],
      ['ar -t missing.vtd', 1, /no such file/],
      ['ar -t -x s.vtd', 2, /exclude each other/],
      ['ar -r d/new d', 10, /not a one-file Store/],
      ['ar x.vtd / d', 2, /alone/],
    ] as const) {
      const refused = await shell(commands);
      assert.equal(refused.status, status, refused.report);
      assert.match(refused.stderr, says, refused.report);
    }
    assert.equal((await run('ls', [scratch.path('x.vtd')])).status, 2);
  });

  it('is appended to by one process at a time', async (t) => {
    const { scratch, shell } = await start(makeScratch(t));
    assert.equal((await shell('ar x.vtd d/sub/a')).status, 0);
    const before = readFileSync(scratch.path('x.vtd'));
    const fd = openSync(scratch.path('x.vtd'), 'r+');
    const lock = tryLock(fd);
    const refused = await shell('ar -r x.vtd d');
    assert.equal(lock, 'held');
    assert.equal(refused.status, 11, refused.report);
    assert.match(refused.stderr, /another process appends to it/);
    assert.deepEqual(readFileSync(scratch.path('x.vtd')), before);
    closeSync(fd);
    assert.equal((await shell('ar -r x.vtd d; ar --verify x.vtd')).status, 0);
  });

  it('of which the end is cut off or an octet is wrong gives what is there, and names the rest', async (t) => {
    const { scratch, shell } = await start(makeScratch(t));
    assert.equal((await shell('ar d.vtd d')).status, 0);
    const whole = readFileSync(scratch.path('d.vtd'));
    truncateSync(scratch.path('d.vtd'), 60_000);
    const got = await vtftp(['d.vtd', '-c', 'ls sub; get . out'], { env: scratch.env, cwd: scratch.folder });
    assert.equal(got.status, 13, got.report);
    assert.match(got.stderr, /sub\/deep\/b/);
    assert.equal(readFileSync(scratch.path('out/sub/alone'), 'utf8'), 'alone\n'.repeat(500));
    const verdict = await shell('ar --verify d.vtd');
    assert.equal(verdict.status, 13, verdict.report);
    assert.match(verdict.stderr, /it ends inside a record/);
    assert.match(verdict.stderr, /Blocks of "\/sub\/deep\/b" are missing or damaged/);
    whole[100_000] = (whole[100_000] ?? 0) ^ 4;
    writeFileSync(scratch.path('d.vtd'), whole);
    const flipped = await shell('ar --verify d.vtd');
    assert.equal(flipped.status, 13, flipped.report);
    assert.match(flipped.stderr, /bytes \d+ to \d+ are damaged/);
    assert.match(flipped.stderr, /"\/sub\/deep\/b"/);
  });
});

it('ar with FILE and PATH in the other order says so, and writes nothing', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('file'), 'content\n');
  const run = async (line: string) => await vtftp(['-c', line], { env: scratch.env, cwd: scratch.folder });
  const swapped = await run('put file; ar file new.vtd');
  assert.equal(swapped.status, 1, swapped.report);
  assert.match(swapped.stderr, /^ar: \/new\.vtd: no such file or directory \(the file to write comes first: ar new\.vtd file\)\n$/);
  const absent = await run('ar new.vtd nothere');
  assert.equal(absent.stderr, 'ar: /nothere: no such file or directory\n');
  assert.equal(readFileSync(scratch.path('file'), 'utf8'), 'content\n');
});

it('ar FILE replaces a symlink to a file, as get does; ar -r and a redirection follow it', async (t) => {
  const scratch = makeScratch(t);
  const on = async (commands: string): Promise<void> => {
    const done = await vtftp(['-S', './store', '-c', commands], { env: scratch.env, cwd: scratch.folder });
    assert.equal(done.status, 0, done.report);
  };
  writeFileSync(scratch.path('kept'), 'mine');
  for (const name of ['made', 'got', 'picture', 'redirected']) symlinkSync('kept', scratch.path(name));
  await on(`mkdir d; touch d/f; ar made d; get d/f got; blockify --svg=picture /etc/hostname`);
  assert.equal(readFileSync(scratch.path('kept'), 'utf8'), 'mine');
  for (const name of ['made', 'got', 'picture']) assert.ok(lstatSync(scratch.path(name)).isFile(), name);
  symlinkSync('made', scratch.path('link'));
  await on('touch d/g; ar -r link d; ls d > redirected');
  assert.ok(lstatSync(scratch.path('link')).isSymbolicLink());
  const listed = await vtftp(['made', '-c', 'log; ls'], { env: scratch.env, cwd: scratch.folder });
  assert.match(listed.stdout, /^@2[\s\S]*^f\ng$/m, listed.report);
  assert.ok(lstatSync(scratch.path('redirected')).isSymbolicLink());
  assert.equal(readFileSync(scratch.path('kept'), 'utf8'), 'f\ng\n');
});
