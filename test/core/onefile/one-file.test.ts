import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { readBlockBytes } from '../../../core/block/read-range.ts';
import { RawDatafile } from '../../../core/datadir/raw-datafile.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { OneFileWriter } from '../../../core/onefile/one-file-writer.ts';
import { verifyFile } from '../../../core/onefile/verify-file.ts';
import { writeState } from '../../../core/onefile/write-state.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { readTrailer } from '../../../core/store/records/trailer.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { walkDirent } from '../../../core/tree/walk.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { at, contentOf } from '../../support/tree-lines.ts';

const NOW = new Date('2026-11-22T16:17:01Z');

/** A tree with Dirs, a hard link, and files of several Blocks. */
async function sampleTree(store: MemoryStore, seed: number): Promise<DirDirent> {
  const random = makeRandom(seed);
  const tree = openLiveTree(store, undefined);
  for (const path of ['/a', '/a/b', '/c']) await tree.mkdir(at(path), { mode: 0o755 });
  for (const path of ['/a/one', '/a/b/two', '/c/three', '/four'])
    await tree.write(at(path), contentOf(random.bytes(40 + random.below(300)).toString('latin1')), { mode: 0o644 });
  await tree.write(at('/c/large'), contentOf(random.bytes(9000).toString('latin1')), {});
  await tree.link(at('/a/one'), at('/c/linked'));
  return (await tree.sync()) as DirDirent;
}

async function fileOf(store: MemoryStore, dirent: DirDirent, compression: 'none' | 'zlib' = 'none'): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new OneFileWriter('test', hashByName(store.hashName), async (data) => void chunks.push(Buffer.from(data)), {
    compression,
  });
  await writeState(writer, store, dirent, { now: NOW });
  return Buffer.concat(chunks);
}

/** Contents by path, and what could not be read. */
interface Read {
  readonly contents: Map<string, string>;
  readonly failed: string[];
  /** Something was told as damaged: a notice, or an error. */
  readonly isToldOf: boolean;
}

async function readAll(path: string): Promise<Read> {
  const contents = new Map<string, string>();
  const failed: string[] = [];
  let isToldOf = false;
  const note = (): void => {
    isToldOf = true;
  };
  try {
    await using store = new RawDatafile(path, { name: 'file', onNotice: note });
    const root = await archiveOf(store, 'default')?.last({ onDamage: note });
    if (root === undefined) return { contents, failed, isToldOf: true };
    for await (const item of walkDirent(store, root.dirent, { damage: true })) {
      if (item.kind === 'damage') {
        note();
        failed.push(item.path);
      }
      if (item.kind !== 'node' || item.dirent.kind !== 'file') continue;
      try {
        contents.set(item.path, Buffer.from(await readBlockBytes(store, item.dirent.block)).toString('latin1'));
      } catch (error) {
        if (!(error instanceof VtError)) throw error;
        note();
        failed.push(item.path);
      }
    }
  } catch (error) {
    if (!(error instanceof VtError)) throw error;
    note();
  }
  return { contents, failed, isToldOf };
}

describe('S63: a one-file Store', () => {
  it('of version 1, as another program wrote it, gives its two states', async () => {
    const path = join(PROJECT_ROOT, 'test/golden/vtftp/one-file.vtd');
    const notices: string[] = [];
    await using store = new RawDatafile(path, { name: 'golden', onNotice: (notice) => notices.push(notice) });
    const states: string[] = [];
    for await (const { number, whenNs, dirent } of archiveOf(store, 'default')?.entries() ?? [])
      states.push(`${number} ${whenNs} ${formatDirent(dirent).slice(0, 20)}`);
    assert.deepEqual(states, ['1 1795364221123456789 F{name:"hello.txt",b', '2 1795364222000000000 D{block:B{hash:H{sha']);
    assert.deepEqual(await readAll(path), {
      contents: new Map([
        ['/hello.txt', 'A content that is longer than thirty-two octets.\n'],
        ['/other.txt', 'hi'],
      ]),
      failed: [],
      isToldOf: false,
    });
    assert.deepEqual(notices, []);
  });

  it('has Dirs before contents, and every Block once; its index tells where each is', async (t) => {
    const scratch = makeScratch(t);
    for (const compression of ['none', 'zlib'] as const) {
      const store = new MemoryStore();
      const dirent = await sampleTree(store, 1);
      const data = await fileOf(store, dirent, compression);
      const path = scratch.path(`${compression}.vtd`);
      writeFileSync(path, data);
      const trailer = readTrailer((offset, size) => data.subarray(offset, offset + size), data.length, 32);
      assert.ok(trailer !== undefined && trailer.states.length === 1);
      await using opened = new RawDatafile(path, { name: 'file', onNotice: assert.fail });
      const verdict = await verifyFile(path, data.length, opened, [dirent]);
      assert.deepEqual(
        { ...verdict, bytes: 0, blocks: 0 },
        { blocks: 0, bytes: 0, damage: [], isHeaderWhole: true, isIndexWhole: true, harmed: [] },
      );
      const digests: string[] = [];
      for await (const { digest } of opened.hashcodes()) digests.push(Buffer.from(digest).toString('hex'));
      assert.equal(digests.length, trailer.index.count);
      // What is before the contents opens the tree: all names are there.
      const cut = scratch.path('cut.vtd');
      writeFileSync(cut, data.subarray(0, trailer.footer.metadataEnd));
      const { failed } = await readAll(cut);
      assert.deepEqual(failed, ['/a/b/two', '/a/one', '/c/large', '/c/linked', '/c/three', '/four']);
    }
  });

  it('that was cut anywhere gives what is there, and tells of the rest', async (t) => {
    const scratch = makeScratch(t);
    const store = new MemoryStore();
    const dirent = await sampleTree(store, 2);
    const data = await fileOf(store, dirent);
    const path = scratch.path('cut.vtd');
    writeFileSync(path, data);
    const whole = await readAll(path);
    assert.equal(whole.failed.length, 0);
    assert.equal(whole.contents.size, 6);
    const random = makeRandom(3);
    let most = 0;
    const cuts = Array.from({ length: 120 }, () => random.below(data.length)).sort((a, b) => a - b);
    for (const cut of cuts) {
      writeFileSync(path, data.subarray(0, cut));
      const { contents, failed, isToldOf } = await readAll(path);
      for (const [name, content] of contents) assert.equal(content, whole.contents.get(name), `cut at ${cut}: ${name}`);
      assert.ok(isToldOf, `cut at ${cut}`);
      // More octets give more of it.
      assert.ok(contents.size >= most, `cut at ${cut}: ${contents.size} contents after ${most}`);
      most = contents.size;
      if (contents.size > 0) assert.equal(contents.size + failed.length, whole.contents.size, `cut at ${cut}`);
    }
    assert.equal(most, whole.contents.size, 'some cuts lie behind the contents');
  });

  it('with any bit flipped gives what it gave, or tells of damage', async (t) => {
    const scratch = makeScratch(t);
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    await tree.write(at('/f'), contentOf('a content of more than thirty-two octets'), {});
    await tree.write(at('/g'), contentOf('another content of more than thirty-two octets'), {});
    const dirent = (await tree.sync()) as DirDirent;
    const data = await fileOf(store, dirent);
    const path = scratch.path('flipped.vtd');
    const random = makeRandom(4);
    for (let octet = 0; octet < data.length; octet++) {
      const bit = random.below(8);
      const flipped = Buffer.from(data);
      flipped[octet] = (flipped[octet] as number) ^ (1 << bit);
      writeFileSync(path, flipped);
      const { contents, isToldOf } = await readAll(path);
      for (const [name, content] of contents)
        assert.match(content, /^a(?:nother)? content of more than thirty-two octets$/, `bit ${bit} of octet ${octet}: ${name}`);
      assert.ok(isToldOf || contents.size === 2, `bit ${bit} of octet ${octet}`);
    }
  });

  it('takes another state behind its end; a torn one leaves those before', async (t) => {
    const scratch = makeScratch(t);
    const store = new MemoryStore();
    const first = await sampleTree(store, 5);
    const data = await fileOf(store, first);
    const tree = openLiveTree(store, first);
    await tree.write(at('/more'), contentOf('more of it, in a Block of its own, surely'), {});
    const second = (await tree.sync()) as DirDirent;
    const trailer = readTrailer((offset, size) => data.subarray(offset, offset + size), data.length, 32);
    assert.ok(trailer !== undefined);
    const chunks: Buffer[] = [data];
    const start = { size: data.length, index: trailer.index, footerStart: trailer.footerStart };
    const writer = new OneFileWriter('test', hashByName(store.hashName), async (more) => void chunks.push(Buffer.from(more)), {
      compression: 'none',
      start,
    });
    await writeState(writer, store, second, { now: NOW, index: trailer.index });
    const both = Buffer.concat(chunks);
    const path = scratch.path('both.vtd');
    const states = async (octets: Buffer): Promise<string[]> => {
      writeFileSync(path, octets);
      await using opened = new RawDatafile(path, { name: 'file', onNotice: () => undefined });
      const found: string[] = [];
      for await (const { dirent } of archiveOf(opened, 'default')?.entries() ?? []) found.push(formatDirent(dirent));
      return found;
    };
    assert.deepEqual(await states(both), [formatDirent(first), formatDirent(second)]);
    assert.equal((await readAll(path)).contents.size, 7);
    await using opened = new RawDatafile(path, { name: 'file', onNotice: assert.fail });
    const verdict = await verifyFile(path, statSync(path).size, opened, [first, second]);
    assert.ok(verdict.isIndexWhole && verdict.harmed.length === 0 && verdict.damage.length === 0, JSON.stringify(verdict));
    for (const cut of [data.length + 10, both.length - 1]) {
      const [oldest] = await states(both.subarray(0, cut));
      assert.equal(oldest, formatDirent(first), `cut at ${cut}`);
    }
    assert.ok(both.length < 2 * data.length, 'what the file has is not written again');
    assert.equal(readFileSync(path).length, both.length - 1);
  });
});
