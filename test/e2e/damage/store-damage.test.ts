import assert from 'node:assert/strict';
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Run, recited, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

interface Kept {
  readonly scratch: Scratch;
  readonly source: string;
  readonly store: string;
  readonly root: string;
}

async function keepTree(t: Parameters<typeof makeScratch>[0], seed: number): Promise<Kept> {
  const scratch = makeScratch(t);
  const source = scratch.path('source');
  makeTree(source, { files: 200, seed, extras: false });
  writeFileSync(`${source}/marked.bin`, makeRandom(99).bytes(300_000));
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${source} tree; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  return { scratch, source, store, root: recited(put) };
}

function datafiles(store: string): string[] {
  return readdirSync(`${store}/data`).map((name) => `${store}/data/${name}`);
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`);
}

/** Turns one bit over. */
function flip(file: string, offset: number, bit = 0): void {
  const data = readFileSync(file);
  data.writeUInt8(data.readUInt8(offset) ^ (1 << bit), offset);
  writeFileSync(file, data);
}

/** Where in the Store's data some bytes lie. */
function find(store: string, wanted: Uint8Array): { file: string; offset: number } {
  for (const file of datafiles(store)) {
    const offset = readFileSync(file).indexOf(wanted);
    if (offset >= 0) return { file, offset };
  }
  throw new Error('the bytes are not in the Store as they are');
}

function assertPlainErrors(session: Run): void {
  assert.doesNotMatch(session.stderr, /^\s+at .*:\d+:\d+/m, `a stack trace:\n${session.report}`);
  assert.equal(session.signal, undefined, session.report);
}

test('a flipped bit in a Block ends GET with 13, names the path, gives the rest, and leaves no wrong file', async (t) => {
  const { scratch, source, store } = await keepTree(t, 11);
  const { file, offset } = find(store, readFileSync(`${source}/marked.bin`).subarray(150_000, 150_032));
  flip(file, offset + 5);

  const target = scratch.path('target');
  const get = await vtftp(['-S', store, '-c', `get tree ${target}`], { env: scratch.env });
  assert.equal(get.status, 13, get.report);
  assert.match(get.stderr, /marked\.bin/);
  assertPlainErrors(get);
  assert.ok(!existsSync(`${target}/marked.bin`), 'a damaged file stands under its final name');
  const missing = (await rsyncDifferences(source, target)).split('\n').filter((line) => line !== '' && !line.endsWith(' ./'));
  assert.equal(missing.length, 1, missing.join('\n'));
  assert.match(missing[0] ?? '', / marked\.bin$/);

  const cat = await vtftp(['-S', store, '-c', 'cat tree/marked.bin'], { env: scratch.env });
  assert.equal(cat.status, 13, cat.report);
  assert.match(cat.stderr, /marked\.bin/);
});

for (const [size, kind] of [
  [300_000, 'small'],
  [6_000_000, 'large'],
] as const) {
  test(`get names every damaged Block of a ${kind} file, and a put of the same content afterwards is whole`, async (t) => {
    const scratch = makeScratch(t);
    const { env } = scratch;
    const content = makeRandom(98).bytes(size);
    const file = scratch.path('file');
    writeFileSync(file, content);
    const store = scratch.path('store');
    const first = await vtftp(['-S', store, '-c', `put ${file} file; quit`], { env });
    assert.equal(first.status, 0, first.report);
    for (const at of [0.1, 0.5, 0.9]) {
      const found = find(store, content.subarray(Math.floor(at * size), Math.floor(at * size) + 32));
      flip(found.file, found.offset + 5);
    }
    const get = await vtftp(['-S', store, '-c', `get file ${scratch.path('got')}`], { env });
    assert.equal(get.status, 13, get.report);
    assert.equal(new Set(get.stderr.match(/sha3-256:[0-9a-f]{64}/g)).size, 3, get.report);
    assert.match(get.stderr, /1 item failed/);

    const again = await vtftp(['-S', store, '-c', `put ${file} file; quit`], { env });
    assert.equal(again.status, 0, again.report);
    assert.equal(recited(again), recited(first));
    const whole = await vtftp(['-S', store, '-c', `get file ${scratch.path('whole')}`], { env });
    assert.equal(whole.status, 0, whole.report);
    assert.ok(readFileSync(scratch.path('whole')).equals(content));
  });
}

test('a Dirref whose Blocks the Store does not have ends with 13', async (t) => {
  const { scratch, root } = await keepTree(t, 12);
  const other = await vtftp(['-S', scratch.path('other'), root, '-c', `get tree ${scratch.path('target')}`], { env: scratch.env });
  assert.equal(other.status, 13, other.report);
  assertPlainErrors(other);
  assert.ok(!existsSync(scratch.path('target')) || readdirSync(scratch.path('target')).length === 0);
});

test('a .vtd cut short anywhere costs what was cut: earlier roots open, and a second PUT makes the tree whole', async (t) => {
  const { scratch, source, store } = await keepTree(t, 13);
  const { env } = scratch;
  const whole = datafiles(store).map((file) => ({ file, size: statSync(file).size }));
  const [{ file, size } = { file: '', size: 0 }] = whole.sort((a, b) => b.size - a.size);
  for (const keep of [size - 1, size - 40, Math.floor(size / 2), 100, 64, 63, 1, 0]) {
    const copy = scratch.path(`cut-${keep}`);
    cpSync(store, copy, { recursive: true });
    truncateSync(file.replace(store, copy), keep);
    const read = await vtftp(['-S', copy, '-c', `get tree ${scratch.path(`read-${keep}`)}`], { env });
    assert.ok(read.status === 0 || read.status === 13, read.report);
    assertPlainErrors(read);

    // The archive's root may be gone; a tree that cannot be opened must not keep anyone from starting anew.
    const fresh = read.status === 0 ? [] : ['D{}'];
    const again = await vtftp(['-S', copy, ...fresh, '-c', `put ${source} tree; quit`], { env });
    assert.equal(again.status, 0, again.report);
    const target = scratch.path(`again-${keep}`);
    const get = await vtftp(['-S', copy, recited(again), '-c', `get tree ${target}`], { env });
    assert.equal(get.status, 0, `cut at ${keep} of ${size}: ${get.report}`);
    assert.equal(await rsyncDifferences(source, target), '', `cut at ${keep} of ${size}`);
  }
});

test('a flipped bit anywhere in a .vtd, with the index and without, gives right bytes or exit 13, never wrong ones', async (t) => {
  const { scratch, source, store, root } = await keepTree(t, 14);
  const seed = (Date.now() % 2 ** 31) | 0;
  t.diagnostic(`seed ${seed}`);
  const random = makeRandom(seed);
  for (let round = 0; round < 16; round++) {
    const copy = scratch.path('copy');
    const target = scratch.path('target');
    rmSync(copy, { recursive: true, force: true });
    rmSync(target, { recursive: true, force: true });
    cpSync(store, copy, { recursive: true });
    const [file = ''] = datafiles(copy);
    // The first rounds hit the header and the first records, the others anywhere.
    const offset = round < 6 ? round * 13 : random.below(statSync(file).size);
    flip(file, offset, random.below(8));
    if (round % 2 === 1) rmSync(`${copy}/index`, { recursive: true, force: true });

    const get = await vtftp(['-S', copy, root, '-c', `get tree ${target}`], { env: scratch.env });
    const what = `seed ${seed}, round ${round}, offset ${offset}: ${get.report}`;
    assertPlainErrors(get);
    assert.ok([0, 13].includes(get.status ?? -1), what);
    if (!existsSync(target)) continue;
    const differing = (await rsyncDifferences(source, target))
      .split('\n')
      .filter((line) => line !== '' && !/^\.d.* |^>f\+{9} |^cd\+{9} /.test(line));
    assert.deepEqual(differing, [], what);
    if (get.status === 0) assert.equal(await rsyncDifferences(source, target), '', what);
  }
});

test('an index that is missing, cut, or garbage is rebuilt from the data', async (t) => {
  const { scratch, source, store, root } = await keepTree(t, 15);
  const spoil: Readonly<Record<string, (index: string) => void>> = {
    missing: (index) => rmSync(index, { recursive: true }),
    cut: (index) => {
      for (const file of filesBelow(index)) truncateSync(file, Math.floor(statSync(file).size / 2));
    },
    garbage: (index) => {
      for (const file of filesBelow(index)) writeFileSync(file, makeRandom(5).bytes(50_000));
    },
    empty: (index) => {
      for (const file of filesBelow(index)) truncateSync(file, 0);
    },
  };
  for (const [name, spoilIndex] of Object.entries(spoil)) {
    const copy = scratch.path(name);
    cpSync(store, copy, { recursive: true });
    spoilIndex(`${copy}/index`);
    const get = await vtftp(['-S', copy, root, '-c', `get tree ${scratch.path(`target-${name}`)}`], { env: scratch.env });
    assert.equal(get.status, 0, `${name}: ${get.report}`);
    assert.equal(await rsyncDifferences(source, scratch.path(`target-${name}`)), '', name);
  }
});

test('a damaged line at the end of the archive costs that line: the root before it opens', async (t) => {
  const { scratch, store, root } = await keepTree(t, 16);
  const archive = `${store}/archives/default.vt`;
  const line = readFileSync(archive, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  for (const damage of [line.slice(0, 60), `${line.replace('span:', 'spam:')}\n`, '\0\0\0\0\n', '2026-11-22T16:17:01.123456789Z \n']) {
    appendFileSync(archive, damage);
    const open = await vtftp(['-S', store, '-c', 'ls; quit'], { env: scratch.env });
    assert.equal(open.status, 0, open.report);
    assert.equal(recited(open), root, open.report);
  }
});

test('what cannot be read at the end of an archive is told; where no line can be read, the archive does not open', async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  for (const name of ['one', 'two']) {
    const made = await vtftp(['-q', '-S', store, '-c', `mkdir ${name}`], { env: scratch.env });
    assert.equal(made.status, 0, made.report);
  }
  const archive = `${store}/archives/default.vt`;
  const whole = readFileSync(archive);
  writeFileSync(archive, whole.subarray(0, -30));
  const torn = await vtftp(['-S', store, '-c', 'ls'], { env: scratch.env });
  assert.equal(torn.status, 0, torn.report);
  assert.equal(torn.stdout, 'one\n', torn.report);
  assert.match(torn.stderr, /its last line cannot be read .*; the state before it is open/);
  writeFileSync(archive, whole.subarray(0, 40));
  const lost = await vtftp(['-S', store, '-c', 'ls'], { env: scratch.env });
  assert.equal(lost.status, 10, lost.report);
  assert.match(lost.stderr, /none of its lines can be read/);
});
