import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { ByteWriter } from '../../../core/base/byte-writer.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { getXattr } from '../../../core/base/system/libc.ts';
import type { Block } from '../../../core/block/block.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import type { ExportOptions } from '../../../core/export/export.ts';
import { exportDirent } from '../../../core/export/export.ts';
import type { ExportCounts, ExportFailure } from '../../../core/export/export-report.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

const o = (text: string): Octets => Buffer.from(text).toString('latin1') as Octets;
const TARGET = 6; // tags of fields, by hand: what our own encoder refuses has to be made without it
const NAME = 1;
const BLOCK = 2;
const KIND = { file: 0, dir: 1, symlink: 2 } as const;

/** A Dirent in bytes, whatever its name is. @see vt(5), "Dirents" */
function rawDirent(kind: keyof typeof KIND, name: string, more: readonly (readonly [tag: number, value: Uint8Array])[] = []): Buffer {
  const fields = [[NAME, Buffer.from(name)] as const, ...more].sort(([a], [b]) => a - b);
  const inner = new ByteWriter();
  for (const octet of [0x76, 1, KIND[kind], fields.length]) inner.octet(octet);
  for (const [tag, value] of fields) {
    inner.bsuint(tag);
    inner.bsdata(value);
  }
  const outer = new ByteWriter();
  outer.bsdata(inner.view());
  return outer.take();
}

/** A block reference, without its length, of literal bytes: flags typed, span, type literal. */
function rawLiteral(data: Uint8Array): Buffer {
  const writer = new ByteWriter();
  writer.bsuint(2);
  writer.bsuint(data.length);
  writer.bsuint(2);
  writer.bytes(data);
  return writer.take();
}

const rawFile = (name: string, content: string): Buffer => rawDirent('file', name, [[BLOCK, rawLiteral(Buffer.from(content))]]);
const rawSymlink = (name: string, target: string): Buffer => rawDirent('symlink', name, [[TARGET, Buffer.from(target)]]);
const rawDir = (name: string, ...entries: readonly Buffer[]): Buffer =>
  rawDirent('dir', name, [[BLOCK, rawLiteral(Buffer.concat(entries))]]);

function dirOf(...entries: readonly Buffer[]): DirDirent {
  const data = Buffer.concat(entries);
  const block: Block = { kind: 'literal', span: data.length, data };
  return { kind: 'dir', name: o('top'), meta: {}, block };
}

interface Outcome {
  readonly counts: ExportCounts;
  readonly failures: readonly string[];
}

async function exportTo(scratch: Scratch, dirent: Dirent, options: ExportOptions = {}): Promise<Outcome> {
  const failures: ExportFailure[] = [];
  const counts = await exportDirent(new MemoryStore(), dirent, o(scratch.path('target')), {
    ...options,
    onFailure: (failure) => failures.push(failure),
  });
  return { counts, failures: failures.map(({ path, error }) => `${path}: ${error.message}`) };
}

/** What lies in the scratch folder besides what the test put there. */
function others(scratch: Scratch): string[] {
  return readdirSync(scratch.folder)
    .filter((name) => name !== 'home' && name !== 'target')
    .sort();
}

for (const [says, entry] of [
  ['a name of ..', rawFile('..', 'x')],
  ['a Dir of ..', rawDir('..', rawFile('escaped', 'x'))],
  ['a name of .', rawFile('.', 'x')],
  ['an absolute name', rawFile('/tmp/vtftp-escaped', 'x')],
  ['a name with a slash', rawFile('../escaped', 'x')],
  ['a name with a slash to a folder within', rawFile('a/b', 'x')],
  ['a name with NUL', rawFile('a\0b', 'x')],
  ['an empty name', rawFile('', 'x')],
] as const) {
  test(`GET refuses an entry with ${says} as damage, and writes nothing outside its target`, async (t: TestContext) => {
    const scratch = makeScratch(t);
    const { counts, failures } = await exportTo(scratch, dirOf(rawDir('a'), entry));
    assert.equal(counts.damaged, 1, failures.join('\n'));
    assert.deepEqual(others(scratch), []);
    assert.ok(!readdirSync('/tmp').includes('vtftp-escaped'));
    assert.deepEqual(
      readdirSync(scratch.path('target')).filter((name) => name !== 'a'),
      [],
    );
  });
}

test('GET of a symlink and then a Dir, file or symlink of the same name never goes through the symlink', async (t: TestContext) => {
  for (const second of [rawDir('x', rawFile('escaped', 'x')), rawFile('x', 'x'), rawSymlink('x', '/')]) {
    const scratch = makeScratch(t);
    scratch.mkdir('outside');
    const { counts } = await exportTo(scratch, dirOf(rawSymlink('x', '../outside'), second));
    assert.equal(counts.damaged, 1);
    assert.deepEqual(readdirSync(scratch.path('outside')), []);
  }
});

test('symlinks that stand in the target are not followed: one in place of a Dir is an error, one in place of a file is replaced', async (t: TestContext) => {
  const scratch = makeScratch(t);
  scratch.mkdir('outside');
  writeFileSync(scratch.path('outside/file'), 'mine');
  scratch.mkdir('target');
  symlinkSync('../outside', scratch.path('target/dir'));
  symlinkSync('../outside/file', scratch.path('target/file'));
  symlinkSync('../outside/file', scratch.path('target/link'));
  const { counts, failures } = await exportTo(
    scratch,
    dirOf(rawDir('dir', rawFile('file', 'theirs')), rawFile('file', 'theirs'), rawSymlink('link', 'elsewhere')),
  );
  assert.deepEqual(failures, ['dir: write a Dir over a local symlink: not followed']);
  assert.equal(counts.files, 1);
  assert.equal(readFileSync(scratch.path('outside/file'), 'utf8'), 'mine');
  assert.deepEqual(readdirSync(scratch.path('outside')), ['file']);
  assert.ok(lstatSync(scratch.path('target/file')).isFile());
  assert.equal(readFileSync(scratch.path('target/file'), 'utf8'), 'theirs');
  assert.equal(readlinkSync(scratch.path('target/link')), 'elsewhere');
});

test('a target that is itself a symlink is not followed', async (t: TestContext) => {
  const scratch = makeScratch(t);
  scratch.mkdir('outside');
  symlinkSync('outside', scratch.path('target'));
  const { failures } = await exportTo(scratch, dirOf(rawFile('file', 'x')));
  assert.deepEqual(failures, [': write a Dir over a local symlink: not followed']);
  assert.deepEqual(readdirSync(scratch.path('outside')), []);
});

test('a Dir over a file and a file over a directory are errors that name it, and the rest is written', async (t: TestContext) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('target/b'), { recursive: true });
  writeFileSync(scratch.path('target/a'), 'mine');
  writeFileSync(scratch.path('target/b/mine'), 'mine');
  const { counts, failures } = await exportTo(scratch, dirOf(rawDir('a', rawFile('x', 'x')), rawFile('b', 'x'), rawFile('c', 'x')));
  assert.deepEqual(failures, ['a: write a Dir over a local file: in the way', 'b: write over a local directory: in the way']);
  assert.equal(counts.damaged, 0);
  assert.equal(readFileSync(scratch.path('target/a'), 'utf8'), 'mine');
  assert.equal(readFileSync(scratch.path('target/b/mine'), 'utf8'), 'mine');
  assert.equal(readFileSync(scratch.path('target/c'), 'utf8'), 'x');
});

test('a directory that is swapped for a symlink while GET writes into it is not followed', async (t: TestContext) => {
  const scratch = makeScratch(t);
  scratch.mkdir('outside');
  const { renameSync } = await import('node:fs');
  const entries = Array.from({ length: 40 }, (_, i) => rawFile(`f${String(i).padStart(3, '0')}`, 'x'));
  let swapped = false;
  await exportTo(scratch, dirOf(rawDir('a', ...entries), rawFile('z', 'x')), {
    onProgress() {
      if (swapped) return;
      swapped = true;
      renameSync(scratch.path('target/a'), scratch.path('target/moved'));
      symlinkSync(scratch.path('outside'), scratch.path('target/a'));
    },
  });
  assert.ok(swapped);
  assert.deepEqual(readdirSync(scratch.path('outside')), []);
});

test('on a filesystem that does not tell case apart the second of two such names is refused', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const tree = dirOf(rawDir('Sub', rawFile('x', '1')), rawFile('a', '1'), rawFile('b', '1'), rawDir('sub', rawFile('x', '2')));
  const upper = dirOf(rawFile('É', '1'), rawFile('é', '2'));
  const { counts, failures } = await exportTo(scratch, tree, { foldsCase: true });
  assert.equal(counts.failures, 1);
  assert.match(failures[0] ?? '', /^sub: .*only in case/);
  assert.equal(readFileSync(scratch.path('target/Sub/x'), 'utf8'), '1');
  assert.equal((await exportTo(scratch, upper, { foldsCase: true })).counts.failures, 1);
  assert.equal((await exportTo(scratch, tree)).counts.failures, 0, 'this filesystem tells them apart');
});

test('local names that the tree does not have stay, and files that differ are replaced', async (t: TestContext) => {
  const scratch = makeScratch(t);
  scratch.mkdir('target/sub');
  writeFileSync(scratch.path('target/sub/other'), 'mine');
  writeFileSync(scratch.path('target/sub/file'), 'mine');
  const { counts } = await exportTo(scratch, dirOf(rawDir('sub', rawFile('file', 'theirs'))));
  assert.equal(counts.failures, 0);
  assert.equal(readFileSync(scratch.path('target/sub/other'), 'utf8'), 'mine');
  assert.equal(readFileSync(scratch.path('target/sub/file'), 'utf8'), 'theirs');
  const kept = await exportTo(scratch, dirOf(rawDir('sub', rawFile('new', 'theirs'), rawFile('other', 'theirs'))), { existing: 'keep' });
  assert.equal(kept.counts.skipped, 1);
  assert.equal(readFileSync(scratch.path('target/sub/other'), 'utf8'), 'mine');
  assert.equal(readFileSync(join(scratch.path('target'), 'sub/new'), 'utf8'), 'theirs');
});

test('extended attributes of read-only files and Dirs are restored, whoever runs it', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const xattrs = new Map([[o('user.a'), Buffer.from('value')]]);
  const block: Block = { kind: 'literal', span: 1, data: Buffer.from('x') };
  const file = encodeDirent({ kind: 'file', name: o('f'), meta: { mode: 0o400, xattrs }, block });
  const { failures } = await exportTo(scratch, { ...dirOf(file), meta: { mode: 0o500, xattrs } });
  assert.deepEqual(failures, []);
  for (const path of [scratch.path('target'), scratch.path('target/f')]) {
    assert.equal(getXattr(Buffer.from(path), o('user.a'))?.toString(), 'value');
    assert.equal(lstatSync(path).mode & 0o333, path.endsWith('f') ? 0 : 0o100);
  }
  chmodSync(scratch.path('target'), 0o700);
});

test('setuid of a file that would change hands is not restored', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const block: Block = { kind: 'literal', span: 1, data: Buffer.from('x') };
  const other = { kind: 'file', name: o('f'), meta: { mode: 0o6755, uid: 4242, gid: 4242 }, block } as const;
  await exportTo(scratch, other, { owner: 'none' });
  assert.equal(lstatSync(scratch.path('target')).mode & 0o7777, 0o755);
  await exportTo(
    scratch,
    { ...other, meta: { ...other.meta, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 } },
    { owner: 'none' },
  );
  assert.equal(lstatSync(scratch.path('target')).mode & 0o7777, 0o6755);
  assert.ok(encodeDirent(other).length > 0);
});
