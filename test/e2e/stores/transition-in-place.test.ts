import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

// A Store gets another hash function, and its contents stay where they are.

/** Octets of a file that worker threads have a share in. */
const LARGE_SIZE = 8 * 1024 * 1024;

interface InPlace {
  readonly scratch: Scratch;
  /** Runs commands on a Store. @returns what it printed; fails where the status is another */
  on(store: string, commands: string, status?: number): Promise<string>;
  dirrefs(store: string): string[];
}

function setUp(t: TestContext): InPlace {
  const scratch = makeScratch(t);
  return {
    scratch,
    async on(store, commands, status = 0) {
      const done = await vtftp(['-S', store, '-c', commands], { env: scratch.env, cwd: scratch.folder });
      assert.equal(done.status, status, `${commands}: ${done.report}`);
      return `${done.stdout}${done.stderr}`;
    },
    dirrefs: (store) =>
      readFileSync(scratch.path(`${store}/archives/default.vt`), 'latin1')
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[2] ?? ''),
  };
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(`${folder}/${name}`))
    .reduce((sum, seen) => sum + (seen.isFile() ? seen.size : 0), 0);
}

it('a Store becomes one of another hash function in place, and goes on; back it is what it was; all old references open', async (t) => {
  const { scratch, on, dirrefs } = setUp(t);
  makeTree(scratch.path('tree'), { files: 30, seed: 5, extras: true });
  writeFileSync(scratch.path('tree/large'), makeRandom(5).bytes(LARGE_SIZE));
  const states = 'put tree; sync -m "the first"; tag one; protect @1; cp tree again; quit';
  await on('datadir:./s,hash=sha1', states);
  const old = dirrefs('s');
  const before = sizeOf(scratch.path('s/data'));
  // The session goes on in the Store as it is now.
  const said = await on('./s', 'cd tree; transition sha3-256 --verify; pwd; fsck; scrub; log');
  assert.match(said, /^transition default: 2 states\nverified default: 2 states, .*: all the same\n[\s\S]*from now on/);
  assert.match(said, /^\/tree\n2 roots, .* clean;[\s\S]*\[@one protected\]/m);
  assert.ok(sizeOf(scratch.path('s/data')) < before * 1.05, 'leaves are not copied');
  await on('./fresh', states.replace(/; tag.*protect @1/, ''));
  const made = dirrefs('s');
  assert.deepEqual(made, dirrefs('fresh'), 'the references of a put into a new Store');
  for (const [i, dirref] of old.entries()) {
    const opened = await on('./s', `open ${dirref}; get tree out${i}`);
    assert.ok(opened.includes(`in this Store it is ${made[i]}`), opened);
  }
  // The index is made anew from files of both functions.
  rmSync(scratch.path('s/index'), { recursive: true });
  await on('./s', 'get tree tree2');
  assert.match(await on('./s', 'rm -r tree; put tree; fsck; quit'), /0 Blocks new[\s\S]*clean/);
  await on('./s', 'undo; quit');
  // What the old Dirs and lists took is freed once nothing else is in their file.
  await on('./s', 'gc --grace 0; fsck; scrub');

  await on('./s', 'transition sha1; fsck');
  assert.deepEqual(dirrefs('s').slice(0, 2), old, 'there and back');
  await on('./s', 'transition blake3 --verify; fsck; scrub');
  for (const dirref of [...old, ...made])
    assert.match(await on('./s', `open ${dirref}; ls`), /another hash function[\s\S]*tree|tree[\s\S]*another/);
  assert.equal(existsSync(scratch.path('s/transition')), false);
});

it('gc frees what nobody needs in files of the hash function that was, and keeps the rest', async (t) => {
  const { scratch, on } = setUp(t);
  const random = makeRandom(6);
  const kept = random.bytes(300_000);
  writeFileSync(scratch.path('kept'), kept);
  writeFileSync(scratch.path('gone'), random.bytes(3_000_000));
  await on('datadir:./s,hash=sha1', 'put kept; put gone; quit');
  await on('./s', 'transition sha3-256; rm gone; sync; forget --keep-last 1; gc --grace 0; fsck; scrub; get kept out');
  assert.ok(sizeOf(scratch.path('s/data')) < 400_000, String(sizeOf(scratch.path('s/data'))));
  assert.ok(readFileSync(scratch.path('out')).equals(kept));
});

it('a sealed Store is refused, with its key and without, and stays what it is; so is one without a state', async (t) => {
  const { scratch, on } = setUp(t);
  writeFileSync(scratch.path('f'), 'content');
  await vtftp(['sealed-key', '--new', 'key'], { env: scratch.env, cwd: scratch.folder });
  await on('sealed:key:./s', 'put f; quit');
  assert.match(await on('sealed:key:./s', 'transition sha256', 1), /a sealed Store, which cannot change in place/);
  assert.match(await on('./s', 'transition sha256', 12), /the Store is sealed/);
  assert.match(await on('sealed:key:./s', 'cat f; fsck'), /^content[\s\S]*clean/);
  // Digests of contents are nothing for whoever holds a sealed Store: it keeps no map of names.
  await on('datadir:./plain,hash=sha1', 'put f; quit');
  await on('./plain', 'transition sha3-256 sealed:key:./t');
  assert.equal(existsSync(scratch.path('t/names')), false);
  await on('./empty', 'put f; rm f; quit');
  rmSync(scratch.path('empty/archives'), { recursive: true });
  assert.match(await on('./empty', 'transition sha256', 1), /no state is recorded/);
});

it('nothing has changed where another session is at work, something is damaged, or it makes no sense', async (t) => {
  const { scratch, on, dirrefs } = setUp(t);
  writeFileSync(scratch.path('f'), makeRandom(8).bytes(LARGE_SIZE));
  await on('datadir:./s,hash=sha1', 'put f; quit');
  const old = dirrefs('s');
  assert.match(await on('./s', 'transition sha1', 1), /has the hash function sha1 already/);
  execFileSync('mkfifo', [scratch.path('go')]);
  const other = await vtftp(['-S', './s', '-c', 'mkdir d; sync; !echo ready; !cat go'], {
    env: scratch.env,
    cwd: scratch.folder,
    async during({ printed }) {
      await printed('ready');
      assert.match(await on('./s', 'transition sha3-256', 11), /another session uses it \(end it: /);
      writeFileSync(scratch.path('go'), '');
    },
  });
  assert.equal(other.status, 0, other.report);
  const [data = ''] = readdirSync(scratch.path('s/data'));
  const octets = readFileSync(scratch.path(`s/data/${data}`));
  const middle = LARGE_SIZE - 1_000_000;
  octets[middle] = 255 - (octets[middle] ?? 0);
  writeFileSync(scratch.path(`s/data/${data}`), octets);
  assert.match(await on('./s', 'transition sha3-256', 13), /state @1: "\/f": /);
  assert.deepEqual(dirrefs('s').slice(0, 1), old);
  assert.match(await on('./s', 'ls -l'), /8388608 .* f$/m);
});
