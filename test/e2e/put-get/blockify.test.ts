import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

test('blockify tells how files are cut, with wildcards and as JSON, and stores nothing', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const folder = scratch.mkdir('files');
  writeFileSync(`${folder}/one.bin`, makeRandom(3).bytes(300_000));
  writeFileSync(`${folder}/two.bin`, Buffer.concat([makeRandom(4).bytes(10_000), Buffer.alloc(70_000), Buffer.from('end')]));
  const run = await vtftp(['-S', scratch.path('store'), '--json', '-c', `blockify --edges --hash ${folder}/*.bin`], { env });
  assert.equal(run.status, 0, run.report);
  const [one, two] = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(one?.['local'], `${folder}/one.bin`);
  assert.equal(one?.['bytes'], 300_000);
  assert.equal(one?.['parser'], 'none');
  const edges = one?.['edges'] as { offset: number; size: number; kind: string; digest: string }[];
  assert.equal(edges.length, one?.['leaves']);
  let end = 0;
  for (const { offset, size, kind, digest } of edges) {
    assert.equal(offset, end);
    assert.equal(kind, 'stored');
    assert.match(digest, /^[0-9a-f]{64}$/);
    end += size;
  }
  assert.equal(end, 300_000);
  assert.equal(two?.['nul_runs'], 1);
  assert.equal(two?.['nul_bytes'], 70_000);
  assert.equal(two?.['literals'], 1);
  assert.ok(!existsSync(scratch.path('store')), 'nothing was stored');

  const put = await vtftp(['-S', scratch.path('store'), '--json', '-c', `put ${folder} f; inspect f/one.bin`], { env });
  const objects = put.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { command?: string; tree?: { histogram: unknown } });
  const inspected = objects.find(({ command }) => command === 'inspect');
  assert.deepEqual(inspected?.tree?.histogram, one?.['histogram']);
});

test('histograms are drawn as wide as the terminal lets them, in ASCII where the locale is not UTF-8, and as pictures', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const file = scratch.path('one.bin');
  writeFileSync(file, makeRandom(3).bytes(300_000));
  const store = ['-S', scratch.path('store')];
  const drawn = await vtftp([...store, '-c', `blockify -H ${file}`], { env: { ...env, LC_ALL: 'C.UTF-8' } });
  assert.match(drawn.stdout, /^ {1,}\d(\.\d)?K\+ {2}█+/m, drawn.report);
  const plain = await vtftp([...store, '-c', `blockify -H ${file}`], { env: { ...env, LC_ALL: 'C' } });
  assert.match(plain.stdout, /^ {1,}\d(\.\d)?K\+ {2}#+ \d+ \(/m, plain.report);
  for (const line of [...drawn.stdout.split('\n'), ...plain.stdout.split('\n')])
    assert.ok([...line].length < 80 || line.includes(file), line);
  mkdirSync(scratch.path('here'));
  const line = `lcd ${scratch.path('here')}; put ${file} f; blockify --svg a.svg ${file}; inspect --histogram --svg b.svg f`;
  const written = await vtftp([...store, '-c', line], { env });
  assert.equal(written.status, 0, written.report);
  for (const name of ['a.svg', 'b.svg']) {
    assert.match(readFileSync(scratch.path(`here/${name}`), 'utf8'), /^<svg xmlns[\s\S]*class="blocks"[\s\S]*<\/svg>\n$/);
  }
});

test('blockify says what it cannot do', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const file = scratch.path('hole');
  writeFileSync(file, '');
  truncateSync(file, 5_000_000_000);
  execFileSync('mkfifo', [scratch.path('fifo')]);
  const store = ['-S', scratch.path('store')];
  const hole = await vtftp([...store, '--json', '-c', `blockify ${file}`], { env });
  assert.equal((JSON.parse(hole.stdout) as { nul_bytes: number }).nul_bytes, 5_000_000_000, hole.report);
  for (const [words, status, says] of [
    [`--parser=nosuch ${file}`, 2, /expected one of .*none/],
    [`--svg x ${file} ${file}`, 2, /expected one file/],
    [`--hash ${file}`, 2, /--edges/],
    [scratch.path(''), 1, /not a regular file/],
    [scratch.path('fifo'), 1, /not a regular file/],
    [scratch.path('absent'), 1, /absent/],
    [`${scratch.path('absent')} ${file}`, 3, /absent/],
  ] as const) {
    const run = await vtftp([...store, '-c', `blockify ${words}`], { env });
    assert.equal(run.status, status, run.report);
    assert.match(run.stderr, says, run.report);
  }
});
