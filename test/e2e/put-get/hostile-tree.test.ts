import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

// Dirs are made here by hand, octet by octet, since our own encoder refuses what these hold. @see vt(5), "Dirents"

const FILE = 0;
const DIR = 1;
const SYMLINK = 2;
const NAME = 1;
const BLOCK = 2;
const TARGET = 6;

function octets(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Length-prefixed bytes, of fewer than 128 octets. */
function prefixed(data: Buffer): Buffer {
  assert.ok(data.length < 128);
  return Buffer.concat([Buffer.from([data.length]), data]);
}

function dirent(kind: number, fields: readonly (readonly [tag: number, value: Buffer])[]): Buffer {
  const body = fields.flatMap(([tag, value]) => [Buffer.from([tag]), prefixed(value)]);
  return prefixed(Buffer.concat([Buffer.from([0x76, 1, kind, fields.length]), ...body]));
}

/** A literal Block reference, without its own length: flags typed, span, type literal, the octets. */
function literal(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x02, data.length, 0x02]), data]);
}

function file(name: string): Buffer {
  return dirent(FILE, [
    [NAME, octets(name)],
    [BLOCK, literal(octets('owned'))],
  ]);
}

function symlink(name: string, target: string): Buffer {
  return dirent(SYMLINK, [
    [NAME, octets(name)],
    [TARGET, octets(target)],
  ]);
}

/** Stores the octets of a Dir as a file's, and gives the text of a Dir over them. */
async function storeDir(scratch: Scratch, name: string, entries: readonly Buffer[]): Promise<string> {
  // Filled up with good entries, so that the Dir is a Block of its own rather than a literal.
  const data = Buffer.concat([...entries, file('z-good-1'), file('z-good-2')]);
  const path = scratch.path('dir-octets');
  writeFileSync(path, data);
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${path} raw/${name}`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  return `D{name:"${name}",block:B{hash:H{sha3-256:${hash('sha3-256', data)}},span:${data.length}}}`;
}

interface Attack {
  readonly name: string;
  readonly entries: readonly Buffer[];
}

/** `link` points out of the target in two of them: to a folder beside it. */
const ATTACKS: readonly Attack[] = [
  { name: 'dot-dot', entries: [file('..'), file('a')] },
  { name: 'dot', entries: [file('.')] },
  { name: 'parent', entries: [file('../escaped')] },
  { name: 'absolute', entries: [file('/tmp/vtftp-escaped')] },
  { name: 'slash', entries: [file('a/b')] },
  { name: 'nul', entries: [file('a\0b')] },
  { name: 'empty', entries: [file('')] },
  { name: 'twice', entries: [file('a'), file('a')] },
  { name: 'unsorted', entries: [file('b'), file('a')] },
  {
    name: 'link-then-dir',
    entries: [
      symlink('link', '../../outside'),
      dirent(DIR, [
        [NAME, octets('link')],
        [BLOCK, literal(file('owned'))],
      ]),
    ],
  },
  { name: 'link-then-file', entries: [symlink('link', '../../outside/precious'), file('link')] },
];

for (const { name, entries } of ATTACKS) {
  test(`GET of a Dir with a hostile entry (${name}) writes nothing outside its target and says so`, async (t) => {
    const scratch = makeScratch(t);
    const outside = scratch.mkdir('outside');
    writeFileSync(`${outside}/precious`, 'mine\n');
    const made = await vtftp(['-S', scratch.path('store'), '-c', 'mkdir raw; mkdir tree; mkdir tree/good; touch tree/good/file'], {
      env: scratch.env,
    });
    assert.equal(made.status, 0, made.report);
    const evil = await storeDir(scratch, name, entries);

    const target = scratch.path('target');
    const get = await vtftp(['-S', scratch.path('store'), '-c', `bind tree/evil ${evil}; get tree ${target}; quit`], { env: scratch.env });
    assert.notEqual(get.status, 0, get.report);
    assert.doesNotMatch(get.stderr, /^\s+at .*:\d+:\d+/m, get.report);
    assert.deepEqual(
      readdirSync(scratch.folder).filter((entry) => !['home', 'outside', 'store', 'dir-octets', 'target'].includes(entry)),
      [],
    );
    assert.deepEqual(readdirSync(outside), ['precious']);
    assert.equal(readFileSync(`${outside}/precious`, 'utf8'), 'mine\n');
    assert.ok(!existsSync('/tmp/vtftp-escaped'));
  });
}

test('GET does not follow a symlink that stands in its target already', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.path('source');
  mkdirSync(`${source}/sub/deeper`, { recursive: true });
  writeFileSync(`${source}/sub/file`, 'new\n');
  writeFileSync(`${source}/sub/deeper/file`, 'new\n');
  writeFileSync(`${source}/plain`, 'new\n');
  const outside = scratch.mkdir('outside');
  mkdirSync(`${outside}/deeper`);
  writeFileSync(`${outside}/file`, 'mine\n');
  writeFileSync(`${outside}/plain`, 'mine\n');
  const target = scratch.mkdir('target');
  symlinkSync('../outside', `${target}/sub`);
  symlinkSync('../outside/plain', `${target}/plain`);

  const get = await vtftp(
    [
      '-S',
      scratch.path('store'),
      '-c',
      `put ${source} tree; -get tree/sub ${target}; -get tree/plain ${target}; -get tree/* ${target}; -get tree/. ${target}`,
    ],
    { env: scratch.env },
  );
  assert.equal(readFileSync(`${outside}/file`, 'utf8'), 'mine\n', get.report);
  assert.equal(readFileSync(`${outside}/plain`, 'utf8'), 'mine\n', get.report);
  assert.deepEqual(readdirSync(outside).sort(), ['deeper', 'file', 'plain'], get.report);
  assert.deepEqual(readdirSync(`${outside}/deeper`), [], get.report);
});

test('names that differ in case alone are two files', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source');
  writeFileSync(`${source}/Name`, 'upper\n');
  writeFileSync(`${source}/name`, 'lower\n');
  const target = scratch.path('target');
  const get = await vtftp(['-S', scratch.path('store'), '-c', `put ${source} tree; get tree ${target}`], { env: scratch.env });
  assert.equal(get.status, 0, get.report);
  assert.deepEqual([readFileSync(`${target}/Name`, 'utf8'), readFileSync(`${target}/name`, 'utf8')], ['upper\n', 'lower\n']);
});
