import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertInGoodOrder, HARMS } from '../support/hostile-files.ts';
import { PROGRAM, recited, run, vtftp } from '../support/program.ts';
import { makeRandom } from '../support/random.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

// Each file of a Store is replaced by what should not be there. Whatever the command, the program ends with a documented
// status and a line a fault, writes nothing elsewhere, and does not hang.

const NOBODY = 65534;
const PARTS = 6;
/** All of a session, and then what looks after a Store. */
const SCRIPT = 'set onerror continue\nls\nget a back\nput more more\nmkdir new\nfsck\nscrub\ngc --grace=0\nundo\nlog\nquit\n';

/** The files of a Store and its folders, by what they are called here. */
const VICTIMS: Readonly<Record<string, (store: string) => string>> = {
  'vtftp-store': (store) => join(store, 'vtftp-store'),
  'a data file': (store) => join(store, 'data', readdirSync(join(store, 'data'))[0] ?? ''),
  'the head of the index': (store) => join(store, 'index', 'head'),
  'a run of the index': (store) => join(store, 'index', readdirSync(join(store, 'index')).find((name) => name.endsWith('.run')) ?? ''),
  'the lock of the index': (store) => join(store, 'index.lock'),
  'an archive': (store) => join(store, 'archives', 'default.vt'),
  'the lock of maintenance': (store) => join(store, 'maintenance.lock'),
  'what scrub recorded': (store) => join(store, 'scrubbed'),
  'data/': (store) => join(store, 'data'),
  'index/': (store) => join(store, 'index'),
  'archives/': (store) => join(store, 'archives'),
  'writers/': (store) => join(store, 'writers'),
};

/** Those of a Store with another hash function than it began with. */
const CHANGED_VICTIMS: typeof VICTIMS = {
  'the names under the old hash function': (store) =>
    join(store, 'names', readdirSync(join(store, 'names')).find((name) => name.endsWith('.names')) ?? ''),
  'the lock of the names': (store) => join(store, 'names', 'lock'),
  'names/': (store) => join(store, 'names'),
  'the room in reserve': (store) => join(store, 'reserve', 'change'),
  'reserve/': (store) => join(store, 'reserve'),
};

async function makeStore(scratch: Scratch): Promise<string> {
  const tree = scratch.mkdir('a');
  for (let i = 0; i < 1700; i++) writeFileSync(join(tree, `file ${i}`), `content ${i} of a tree that fills a run of the index`);
  writeFileSync(join(tree, 'large'), makeRandom(1).bytes(100_000));
  mkdirSync(scratch.path('more'));
  writeFileSync(scratch.path('more/one'), 'more');
  const store = scratch.path('store');
  const made = await vtftp(['-S', store, '-c', 'put a a; sync; scrub; quit'], { env: scratch.env, cwd: scratch.folder });
  assert.equal(made.status, 0, made.report);
  return store;
}

/** @returns the Dirref of its tree under the hash function that it began with */
async function makeChangedStore(scratch: Scratch): Promise<string> {
  for (const name of ['a', 'more']) {
    mkdirSync(scratch.path(name));
    writeFileSync(scratch.path(`${name}/one`), makeRandom(1).bytes(100_000));
  }
  const run = async (line: string) => await vtftp(['-S', './store', '-c', line], { env: scratch.env, cwd: scratch.folder });
  const put = await run('put a a; quit');
  const changed = await run('transition sha256');
  assert.equal(changed.status, 0, changed.report);
  return recited(put);
}

test('every file of a Store, replaced by what should not be there: no crash, nothing written elsewhere', async (t) => {
  const scratch = makeScratch(t);
  await tryHarms(scratch, await makeStore(scratch), VICTIMS, SCRIPT);
});

test('what a transition left in a Store, and its room in reserve, replaced so', async (t) => {
  const scratch = makeScratch(t);
  const old = await makeChangedStore(scratch);
  await tryHarms(scratch, scratch.path('store'), CHANGED_VICTIMS, SCRIPT.replace('quit', `open '${old}'\nls a\nquit`));
});

async function tryHarms(scratch: Scratch, whole: string, victims: typeof VICTIMS, lines: string): Promise<void> {
  const { env } = scratch;
  const outside = scratch.mkdir('outside');
  mkdirSync(join(outside, 'folder'));
  writeFileSync(join(outside, 'victim'), 'victim');
  // A part of them in each run: which goes by the clock.
  const part = Date.now() % PARTS;
  const all = Object.entries(victims).flatMap(([victim, pathOf]) =>
    Object.entries(HARMS).map(([harm, doHarm]) => ({ what: `${victim} as ${harm}`, pathOf, doHarm })),
  );
  const cases = all.filter((_, i) => process.env['VTFTP_ATTACK'] === 'all' || (i + Math.floor(i / 8)) % PARTS === part);
  let next = 0;
  const work = async (worker: number): Promise<void> => {
    const store = scratch.path(`work ${worker}`);
    for (let at = next++; at < cases.length; at = next++) {
      const { what, pathOf, doHarm } = cases[at] as (typeof cases)[number];
      rmSync(store, { recursive: true, force: true });
      rmSync(scratch.path(`back ${worker}`), { recursive: true, force: true });
      cpSync(whole, store, { recursive: true });
      doHarm(pathOf(store), outside);
      const script = lines.replace('back', `"back ${worker}"`);
      assertInGoodOrder(what, await vtftp(['-S', store], { env, cwd: scratch.folder, input: script }));
      assert.equal(readFileSync(join(outside, 'victim'), 'latin1'), 'victim', what);
      assert.deepEqual(readdirSync(outside).sort(), ['folder', 'victim'], what);
    }
  };
  await Promise.all([work(0), work(1)]);
}

test('a Store of another user is read, not written to, unless that is asked for', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.skip('only root can give a Store to somebody else');
    return;
  }
  const scratch = makeScratch(t);
  const { env } = scratch;
  const options = { env, cwd: scratch.folder };
  const store = await makeStore(scratch);
  for (const name of ['.', ...readdirSync(store, { recursive: true }).map(String)]) chownSync(join(store, name), NOBODY, NOBODY);
  const before = readdirSync(store, { recursive: true }).sort();
  const read = await vtftp(['-S', store, '-c', 'get a/large back; ls a'], options);
  assert.equal(read.status, 0, read.report);
  assert.match(read.stderr, /belongs to user 65534, and is opened read-only; datadir:PATH,trust=yes/);
  assert.deepEqual(readdirSync(store, { recursive: true }).sort(), before, 'nothing is made');
  const put = await vtftp(['-S', store, '-c', 'put more more; quit'], options);
  assert.notEqual(put.status, 0, put.report);
  assert.match(put.stderr, /read-only/);
  const trusted = await vtftp(['-S', `datadir:"${store}",trust=yes`, '-c', 'put more more; quit'], options);
  assert.equal(trusted.status, 0, trusted.report);
});

test('a file of a Store that this user may not open is one line and no crash', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.skip('only root can make a file that its own user cannot open');
    return;
  }
  const scratch = makeScratch(t);
  const whole = await makeStore(scratch);
  const asNobody = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
  const store = scratch.path('work');
  for (const [victim, pathOf] of Object.entries(VICTIMS)) {
    rmSync(store, { recursive: true, force: true });
    cpSync(whole, store, { recursive: true });
    for (const name of ['.', ...readdirSync(store, { recursive: true }).map(String)]) chownSync(join(store, name), NOBODY, NOBODY);
    chownSync(pathOf(store), 0, 0);
    chmodSync(pathOf(store), 0);
    const home = scratch.path(`home of ${victim.replaceAll('/', '')}`);
    mkdirSync(home);
    chownSync(home, NOBODY, NOBODY);
    const env = Object.fromEntries(Object.keys(scratch.env).map((name) => [name, name === 'LC_ALL' ? 'C.UTF-8' : home]));
    const result = await run('setpriv', [...asNobody, process.execPath, PROGRAM, '-S', store], { env, cwd: home, input: SCRIPT });
    assertInGoodOrder(victim, result);
  }
});

test('what is made in a Store is for its owner alone, whatever the umask, and shared=group is for the group', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  await makeStore(scratch);
  const umask = process.umask(0);
  try {
    for (const [shared, file, folder] of [
      ['no', 0o600, 0o700],
      ['group', 0o660, 0o2770],
      ['all', 0o664, 0o2775],
    ] as const) {
      const store = scratch.path(`shared ${shared}`);
      const script = 'put a a; sync; scrub; gc --grace=0; mkdir b; quit';
      const made = await vtftp(['-S', `datadir:"${store}",shared=${shared}`, '-c', script], { env, cwd: scratch.folder });
      assert.equal(made.status, 0, made.report);
      assertModes(store, file, folder);
      // Whoever opens it next keeps to it.
      process.umask(0o77);
      const again = await vtftp(['-S', store, '-c', 'put more more; quit'], { env, cwd: scratch.folder });
      process.umask(0);
      assert.equal(again.status, 0, again.report);
      assert.equal(again.stderr, '', again.report);
      assertModes(store, file, folder);
    }
  } finally {
    process.umask(umask);
  }
});

test('an earlier Store that others can read is told of once, and the line that is told closes it', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = await makeStore(scratch);
  const format = join(store, 'vtftp-store');
  writeFileSync(format, readFileSync(format, 'latin1').replace(/^shared=.*\n/m, ''));
  assert.equal(spawnSync('chmod', ['-R', 'a+rX', store]).status, 0);
  const first = await vtftp(['-S', store, '-c', 'ls'], { env });
  assert.equal(first.status, 0, first.report);
  const [, remedy] = /other users can read it; close it with: vtftp (.*) \(or/.exec(first.stderr) ?? [];
  assert.ok(remedy !== undefined, first.report);
  const second = await vtftp(['-S', store, '-c', 'ls'], { env });
  assert.equal(second.stderr, '', second.report);
  const closed = await run('sh', ['-c', `exec ${process.execPath} ${PROGRAM} ${remedy}`], { env });
  assert.equal(closed.status, 0, closed.report);
  assertModes(store, 0o600, 0o700);
  assert.equal(existsSync(join(store, 'data')), true);
});

function assertModes(store: string, file: number, folder: number): void {
  for (const name of ['.', ...readdirSync(store, { recursive: true }).map(String)]) {
    const found = lstatSync(join(store, name));
    assert.equal((found.mode & 0o7777).toString(8), (found.isDirectory() ? folder : file).toString(8), name);
  }
}
