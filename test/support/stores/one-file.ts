import { VtError } from '../../../core/base/errors.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { readBlockBytes } from '../../../core/block/read-range.ts';
import { RawDatafile } from '../../../core/datadir/raw-datafile.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { OneFileWriter } from '../../../core/onefile/one-file-writer.ts';
import { writeState } from '../../../core/onefile/write-state.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import type { MemoryStore } from '../../../core/store/memory.ts';
import { frameLayout } from '../../../core/store/records/frame-layout.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { walkDirent } from '../../../core/tree/walk.ts';
import { makeRandom } from '../random.ts';
import { at, contentOf } from '../trees/tree-lines.ts';

// One-file Stores for tests, and what can be read of one that is damaged.

/** When they are made. */
export const ONE_FILE_DATE = new Date('2026-11-22T16:17:01Z');

/** A tree with Dirs, a hard link, files of several Blocks, and some that compress. */
export async function oneFileTree(store: MemoryStore, seed: number): Promise<DirDirent> {
  const random = makeRandom(seed);
  const tree = openLiveTree(store, undefined);
  for (const path of ['/a', '/a/b', '/c']) await tree.mkdir(at(path), { mode: 0o755 });
  for (const path of ['/a/one', '/a/b/two', '/c/three', '/four'])
    await tree.write(at(path), contentOf(random.bytes(40 + random.below(300)).toString('latin1')), { mode: 0o644 });
  await tree.write(at('/c/large'), contentOf(random.bytes(9000).toString('latin1')), {});
  for (const path of ['/a/text', '/c/text', '/c/texts']) {
    const words = Array.from({ length: 30 + random.below(1200) }, () => random.pick(['a few', 'words', 'over', 'and', 'over again']));
    await tree.write(at(path), contentOf(words.join(' ')), {});
  }
  await tree.link(at('/a/one'), at('/c/linked'));
  return (await tree.sync()) as DirDirent;
}

/** A one-file Store of a tree. @param isCompressed - Blocks stand in frames */
export async function oneFileOf(store: MemoryStore, dirent: DirDirent, isCompressed = false): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const hash = hashByName(store.hashName);
  const layOut = isCompressed ? frameLayout(hash.digestSize, 3) : undefined;
  const writer = new OneFileWriter('test', hash, async (data) => void chunks.push(Buffer.from(data)), { layOut });
  await writeState(writer, store, dirent, { now: ONE_FILE_DATE });
  return Buffer.concat(chunks);
}

/** Contents by path, and what could not be read. */
export interface OneFileRead {
  readonly contents: Map<string, string>;
  readonly failed: string[];
  /** Something was told as damaged: a notice, or an error. */
  readonly isToldOf: boolean;
}

/** Reads all of a one-file Store that can be read. */
export async function readOneFile(path: string): Promise<OneFileRead> {
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
