import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { hashByName } from '../../../core/block/hash.ts';
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
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { ONE_FILE_DATE, oneFileOf, oneFileTree, readOneFile } from '../../support/stores/one-file.ts';
import { at, contentOf } from '../../support/trees/tree-lines.ts';

describe('a one-file Store', () => {
  it('of version 1, as another program wrote it, gives its two states', async () => {
    const path = join(PROJECT_ROOT, 'test/golden/vtftp/one-file.vtd');
    const notices: string[] = [];
    await using store = new RawDatafile(path, { name: 'golden', onNotice: (notice) => notices.push(notice) });
    const states: string[] = [];
    for await (const { number, whenNs, dirent } of archiveOf(store, 'default')?.entries() ?? [])
      states.push(`${number} ${whenNs} ${formatDirent(dirent).slice(0, 20)}`);
    assert.deepEqual(states, ['1 1795364221123456789 F{name:"hello.txt",b', '2 1795364222000000000 D{block:B{hash:H{sha']);
    assert.deepEqual(await readOneFile(path), {
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
    for (const isCompressed of [false, true]) {
      const store = new MemoryStore();
      const dirent = await oneFileTree(store, 1);
      const data = await oneFileOf(store, dirent, isCompressed);
      const path = scratch.path(`${isCompressed}.vtd`);
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
      const { failed } = await readOneFile(cut);
      assert.deepEqual(failed, ['/a/b/two', '/a/one', '/a/text', '/c/large', '/c/linked', '/c/text', '/c/texts', '/c/three', '/four']);
    }
  });

  it('that was cut anywhere gives what is there, and tells of the rest', async (t) => {
    const scratch = makeScratch(t);
    const store = new MemoryStore();
    const dirent = await oneFileTree(store, 2);
    const data = await oneFileOf(store, dirent, true);
    assert.ok(data.length < (await oneFileOf(store, dirent)).length, 'some of it stands in frames');
    const path = scratch.path('cut.vtd');
    writeFileSync(path, data);
    const whole = await readOneFile(path);
    assert.equal(whole.failed.length, 0);
    assert.equal(whole.contents.size, 9);
    const random = makeRandom(3);
    let most = 0;
    const cuts = Array.from({ length: 120 }, () => random.below(data.length)).sort((a, b) => a - b);
    for (const cut of cuts) {
      writeFileSync(path, data.subarray(0, cut));
      const { contents, failed, isToldOf } = await readOneFile(path);
      for (const [name, content] of contents) assert.equal(content, whole.contents.get(name), `cut at ${cut}: ${name}`);
      assert.ok(isToldOf, `cut at ${cut}`);
      // More octets give more of it.
      assert.ok(contents.size >= most, `cut at ${cut}: ${contents.size} contents after ${most}`);
      most = contents.size;
      if (contents.size > 0) assert.equal(contents.size + failed.length, whole.contents.size, `cut at ${cut}`);
    }
    assert.equal(most, whole.contents.size, 'some cuts lie behind the contents');
  });

  for (const isCompressed of [false, true])
    it(`with any bit flipped gives what it gave, or tells of damage; ${isCompressed ? 'compressed' : 'plain'}`, async (t) => {
      const scratch = makeScratch(t);
      const store = new MemoryStore();
      const tree = openLiveTree(store, undefined);
      const content = 'a content of more than thirty-two octets, and octets, and octets ';
      for (const [path, text] of [
        ['/f', content],
        ['/g', content.repeat(3)],
      ] as const)
        await tree.write(at(path), contentOf(text), {});
      const dirent = (await tree.sync()) as DirDirent;
      const data = await oneFileOf(store, dirent, isCompressed);
      const path = scratch.path('flipped.vtd');
      for (let bit = 0; bit < 8 * data.length; bit++) {
        const octet = bit >>> 3;
        const flipped = Buffer.from(data);
        flipped[octet] = (flipped[octet] as number) ^ (1 << (bit & 7));
        writeFileSync(path, flipped);
        const { contents, isToldOf } = await readOneFile(path);
        for (const [name, found] of contents)
          assert.equal(found, name === '/f' ? content : content.repeat(3), `bit ${bit & 7} of octet ${octet}: ${name}`);
        assert.ok(isToldOf || contents.size === 2, `bit ${bit & 7} of octet ${octet}`);
      }
    });

  it('takes another state behind its end; a torn one leaves those before', async (t) => {
    const scratch = makeScratch(t);
    const store = new MemoryStore();
    const first = await oneFileTree(store, 5);
    const data = await oneFileOf(store, first);
    const tree = openLiveTree(store, first);
    await tree.write(at('/more'), contentOf('more of it, in a Block of its own, surely'), {});
    const second = (await tree.sync()) as DirDirent;
    const trailer = readTrailer((offset, size) => data.subarray(offset, offset + size), data.length, 32);
    assert.ok(trailer !== undefined);
    const chunks: Buffer[] = [data];
    const start = { size: data.length, index: trailer.index, footerStart: trailer.footerStart };
    const writer = new OneFileWriter('test', hashByName(store.hashName), async (more) => void chunks.push(Buffer.from(more)), { start });
    await writeState(writer, store, second, { now: ONE_FILE_DATE, index: trailer.index });
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
    assert.equal((await readOneFile(path)).contents.size, 10);
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
