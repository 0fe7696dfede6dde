import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { run, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

/** A Store with `tree/{a.txt,b.txt,sub/c.txt}`. */
async function keep(
  t: Parameters<typeof makeScratch>[0],
): Promise<Scratch & { get(line: string, ...options: string[]): ReturnType<typeof vtftp> }> {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('tree/sub'), { recursive: true });
  for (const name of ['a.txt', 'b.txt', 'sub/c.txt']) writeFileSync(scratch.path(`tree/${name}`), `${name}\n`.repeat(2000));
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${scratch.path('tree')} tree`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  mkdirSync(scratch.path('out'));
  const get = (line: string, ...options: string[]) =>
    vtftp(['-S', scratch.path('store'), ...options, '-c', line], { env: scratch.env, cwd: scratch.path('out') });
  return { ...scratch, get };
}

test('where GET puts things: as LOCAL, inside a directory, or under their own names in the working directory', async (t) => {
  const { path, get } = await keep(t);
  mkdirSync(path('out/folder'));
  symlinkSync('folder', path('out/link'));
  for (const [line, made] of [
    ['get tree/a.txt', 'a.txt'],
    ['get tree/a.txt new.txt', 'new.txt'],
    ['get tree/a.txt folder', 'folder/a.txt'],
    ['get tree/b.txt link', 'folder/b.txt'],
    ['get tree/sub folder/sub2', 'folder/sub2/c.txt'],
    ['get tree/sub folder/', 'folder/sub/c.txt'],
    ['get tree', 'tree/sub/c.txt'],
    ['lcd folder; get tree/sub', 'folder/sub/c.txt'],
    ['mget tree/*.txt', 'b.txt'],
    ['get tree/a.txt tree/sub folder', 'folder/sub/c.txt'],
  ] as const) {
    const got = await get(line);
    assert.equal(got.status, 0, got.report);
    assert.match(got.stdout, /^got /m);
    assert.ok(existsSync(path(`out/${made}`)), `${line}: no ${made}\n${got.report}`);
  }
  assert.equal(await rsyncDifferences(path('tree'), path('out/tree')), '');
  const nowhere = await get('get tree/a.txt absent/x');
  assert.equal(nowhere.status, 1, nowhere.report);
  assert.match(nowhere.stderr, /absent/);
  const missing = await get('get nothing');
  assert.equal(missing.status, 1, missing.report);
});

test('reget and get -c write only what is missing, and --json counts it', async (t) => {
  const { path, get } = await keep(t);
  assert.equal((await get('get tree')).status, 0);
  const before = statSync(path('out/tree/a.txt')).ino;
  writeFileSync(path('out/tree/b.txt'), 'cut');
  const again = await get('reget tree', '--json');
  assert.equal(again.status, 0, again.report);
  const record = JSON.parse(again.stdout.split('\n')[0] ?? '') as Record<string, unknown>;
  assert.deepEqual([record['path'], record['files'], record['skipped'], record['failures']], ['/tree', 1, 2, 0]);
  assert.equal(statSync(path('out/tree/a.txt')).ino, before);
  assert.equal(readFileSync(path('out/tree/b.txt'), 'utf8'), 'b.txt\n'.repeat(2000));
});

test('under -n GET names every effect with its octets and Blocks, and does nothing', async (t) => {
  const { path, get } = await keep(t);
  const plan = await get('get tree; get tree/a.txt tree', '-n');
  assert.equal(plan.status, 0, plan.report);
  for (const name of ['tree', 'tree/a.txt', 'tree/sub', 'tree/sub/c.txt'])
    assert.match(plan.stdout, new RegExp(`would make .*/out/${name}\\b`), plan.report);
  assert.match(plan.stdout, /a\.txt \(12K, \d+ Blocks?\)/, plan.report);
  assert.ok(!existsSync(path('out/tree')));
  const json = await get('get tree', '-n', '--json');
  const records = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    records.filter(({ type }) => type === 'file').map(({ bytes }) => bytes),
    [12_000, 12_000, 20_000],
  );
});

test('a directory in the way of a file is named, the rest is written, and the exit status is 3', async (t) => {
  const { path, get } = await keep(t);
  mkdirSync(path('out/tree/a.txt'), { recursive: true });
  const got = await get('get tree');
  assert.equal(got.status, 3, got.report);
  assert.match(got.stderr, /get: \/tree\/a\.txt: .*directory/);
  assert.equal(readFileSync(path('out/tree/sub/c.txt'), 'utf8'), 'sub/c.txt\n'.repeat(2000));
});

test('GET does not put a file in the place of a FIFO or device that LOCAL names', async (t) => {
  const { path, get } = await keep(t);
  assert.equal((await run('mkfifo', [path('out/fifo')])).status, 0);
  for (const line of ['get tree/a.txt fifo', 'get tree fifo']) {
    const got = await get(line);
    assert.equal(got.status, 1, got.report);
    assert.match(got.stderr, /^get: \S+: ".*fifo" is a FIFO \(cat NAME > LOCAL/m);
    assert.ok(statSync(path('out/fifo')).isFIFO(), line);
  }
});
