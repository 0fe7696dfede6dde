import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { run, vtftp } from '../../support/program.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';

// get --delete: a true checkout, by rsync's rules.

const ROUNDS = 25;
const NAMES = ['a', 'b', 'c.o', 'd', 'keep'];
const RULES = ['--exclude=*.o', '--exclude=/d/keep', '--include=keep', '--exclude=b', '--exclude=/a', '--exclude=d/**/b'];

/** Fills a directory with files, directories and symlinks under few names, so that two of them clash in every way. */
function fill(folder: string, random: Random, depth: number): void {
  mkdirSync(folder, { recursive: true });
  for (const name of NAMES) {
    const path = `${folder}/${name}`;
    const kind = random.below(6);
    if (kind === 0 && depth > 0) symlinkSync(random.chance(50) ? 'a' : '../outside', path);
    else if (kind === 1 || kind === 2) {
      writeFileSync(path, `content ${random.below(3)}`);
      utimesSync(path, 1e9, 1e9 + random.below(3));
    } else if (kind > 2 && depth < 2) fill(path, random, depth + 1);
  }
}

it(`get --delete leaves what rsync --delete leaves, with rules, ${ROUNDS} times`, async (t) => {
  const scratch = makeScratch(t);
  const seed = Number(process.env['VTFTP_SEED'] ?? 1);
  const random = makeRandom(seed);
  const lines: string[] = [];
  mkdirSync(scratch.path('outside'));
  for (let round = 0; round < ROUNDS; round++) {
    fill(scratch.path(`source/${round}`), random, 0);
    fill(scratch.path(`ours/${round}`), random, 0);
  }
  const copied = await run('cp', ['-a', scratch.path('ours'), scratch.path('theirs')]);
  assert.equal(copied.status, 0, copied.report);
  for (let round = 0; round < ROUNDS; round++) {
    const source = scratch.path(`source/${round}`);
    const rules = RULES.filter(() => random.chance(30));
    const words = rules.map((rule) => rule.replace(/=(.*)$/, "='$1'")).join(' ');
    await run('rsync', ['-a', '--checksum', '--modify-window=-1', '--delete', ...rules, `${source}/`, scratch.path(`theirs/${round}/`)]);
    lines.push(`put ${source} t; -get -p --delete ${words} t/. ${scratch.path(`ours/${round}`)}`);
  }
  const done = await vtftp(['-S', scratch.path('store'), '-c', lines.join('; ')], { env: scratch.env });
  assert.equal(done.status, 0, done.report);
  const differences = await rsyncDifferences(scratch.path('theirs'), scratch.path('ours'), ['--omit-dir-times']);
  assert.equal(differences, '', `seed ${seed}\n${lines.join('\n')}`);
});

it('get --delete follows no symlink, spares the Store and other filesystems, and with -n only tells what would go', async (t) => {
  const scratch = makeScratch(t);
  const tree = scratch.mkdir('tree');
  mkdirSync(`${tree}/both`);
  writeFileSync(`${tree}/both/file`, 'stored');
  const target = scratch.mkdir('target');
  mkdirSync(scratch.path('outside'));
  writeFileSync(scratch.path('outside/precious'), 'not in the tree');
  symlinkSync('../outside', `${target}/both`);
  symlinkSync('../outside', `${target}/other`);
  mkdirSync(`${target}/gone/below`, { recursive: true });
  writeFileSync(`${target}/gone/below/file`, 'goes');
  const on = async (commands: string, ...options: string[]) =>
    await vtftp(['-S', `${target}/store`, ...options, '-c', commands], { env: scratch.env });
  const put = await on(`put ${tree}; quit`);
  assert.equal(put.status, 0, put.report);
  const planned = await on(`get --delete tree/. ${target}`, '-n');
  assert.equal(planned.status, 0, planned.report);
  for (const name of ['file gone/below/file', 'dir gone/below', 'dir gone', 'file both', 'file other']) {
    const [type = '', path = ''] = name.split(' ');
    assert.ok(planned.stdout.includes(`would remove ${type} ${target}/${path}\n`), planned.report);
  }
  assert.ok(planned.stdout.includes(`would make dir ${target}/both\n`), planned.report);
  assert.deepEqual(readdirSync(target).sort(), ['both', 'gone', 'other', 'store']);
  const got = await on(`get --delete tree/. ${target}`);
  assert.equal(got.status, 0, got.report);
  assert.match(got.stdout, /^removed 5 local names below /m);
  assert.match(got.stderr, /target\/store": left alone: the Store's own directory/);
  assert.deepEqual(readdirSync(target).sort(), ['both', 'store']);
  assert.equal(readFileSync(`${target}/both/file`, 'utf8'), 'stored');
  assert.ok(existsSync(scratch.path('outside/precious')));
  // Only below what the Dir becomes.
  mkdirSync(scratch.path('in'));
  writeFileSync(scratch.path('in/beside'), 'stays');
  const inside = await on(`get --delete tree ${scratch.path('in')}; get --delete tree ${scratch.path('in')}`);
  assert.equal(inside.status, 0, inside.report);
  assert.deepEqual(readdirSync(scratch.path('in')).sort(), ['beside', 'tree']);
  // Where a protected directory stands in the way of a file, rsync removes it; this does not.
  mkdirSync(scratch.path('in/tree/name'));
  writeFileSync(scratch.path('in/tree/name/protected'), 'stays');
  writeFileSync(`${tree}/name`, 'a file');
  const refused = await on(`put ${tree}; get --delete --exclude=name/ tree ${scratch.path('in')}`);
  assert.equal(refused.status, 3, refused.report);
  assert.equal(readFileSync(scratch.path('in/tree/name/protected'), 'utf8'), 'stays');
  for (const line of ['get --delete tree/both/file .', 'get --delete --keep tree .', "get --filter='dir-merge x' tree ."])
    assert.equal((await on(line)).status, 2, line);
});

it('get --delete removes nothing where a Dir of the tree is damaged, and goes on with what can be read', async (t) => {
  const scratch = makeScratch(t);
  const tree = scratch.mkdir('tree');
  for (const dir of ['one', 'two']) {
    mkdirSync(`${tree}/${dir}`);
    for (let i = 0; i < 40; i++) writeFileSync(`${tree}/${dir}/name-${dir}-${i}`, `${dir} ${i}`);
  }
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${tree}; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  const [file = ''] = readdirSync(`${store}/data`).filter((name) => name.endsWith('.vtd'));
  const octets = readFileSync(`${store}/data/${file}`);
  const at = octets.indexOf('name-two-11');
  assert.ok(at > 0);
  octets[at] = 0x6d;
  writeFileSync(`${store}/data/${file}`, octets);
  const target = scratch.mkdir('target');
  mkdirSync(`${target}/two`);
  writeFileSync(`${target}/extraneous`, 'stays');
  const got = await vtftp(['-S', store, '-c', `get --delete tree/. ${target}`], { env: scratch.env });
  assert.equal(got.status, 13, got.report);
  assert.match(got.stderr, /get: --delete \/tree: nothing was removed: /);
  assert.ok(existsSync(`${target}/extraneous`) && existsSync(`${target}/one/name-one-1`), got.report);
});
