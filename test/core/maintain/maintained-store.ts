import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Datadir } from '../../../core/datadir/datadir-store.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { type Finding, isFault } from '../../../core/maintain/findings.ts';
import { fsck } from '../../../core/maintain/fsck.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath } from '../datadir/store-folder.ts';

/** What the files of the Store hold. */
export const CONTENT = makeRandom(1).bytes(60_000);

/** A Store with one recorded root: two files of several Blocks, which they share. */
export async function makeStore(path = newStorePath()): Promise<{ datadir: Datadir; path: string; root: Dirent }> {
  const datadir = await openDatadir(path, { create: true });
  const root = await record(datadir, [CONTENT, CONTENT]);
  return { datadir, path, root };
}

/** Records a root with the contents as files of `/dir`. */
export async function record(datadir: Datadir, contents: readonly Uint8Array[]): Promise<Dirent> {
  const tree = openLiveTree(datadir, undefined);
  await tree.mkdir('/dir' as TreePath, {});
  for (const [i, content] of contents.entries()) {
    const blocks = [];
    for (let at = 0; at < content.length; at += 8000) {
      const part = content.subarray(at, at + 8000);
      const { hashcode } = await datadir.add(part);
      blocks.push({ kind: 'hash' as const, span: part.length, hashcode });
    }
    const pending = new PendingBlocks(datadir.hashName);
    const builder = new BlockTreeBuilder(pending);
    for (const block of blocks) builder.add(block);
    const block = builder.finish();
    await pending.flushTo(datadir);
    await tree.bind(`/dir/file-${i}` as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block });
  }
  const root = await tree.sync({});
  await openArchiveFile(datadir.archivePath('default')).append(() => Promise.resolve({ whenNs: 1n, dirent: root }));
  return root;
}

/** What fsck finds wrong. */
export async function faultsOf(datadir: Datadir): Promise<Finding[]> {
  const found: Finding[] = [];
  await fsck(datadir, { onFinding: (finding) => void (isFault(finding) && found.push(finding)) });
  return found;
}

/** Paths of a Store's data files. */
export function dataFiles(path: string): string[] {
  return readdirSync(join(path, 'data')).map((name) => join(path, 'data', name));
}

/** Changes octets of the content, from `at` on, wherever they are stored. */
export function harm(path: string, at: number, change: (octet: number) => number, count: number): void {
  for (const file of dataFiles(path)) {
    const data = readFileSync(file);
    const found = data.indexOf(CONTENT.subarray(at, at + 32));
    if (found < 0) continue;
    for (let i = 0; i < count; i++) data[found + i] = change(data[found + i] ?? 0);
    writeFileSync(file, data);
  }
}

/** A gc that waits for nobody: what is written now is past its grace. */
export const GC = { graceMs: 0, plan: false, now: () => new Date(Date.now() + 10_000) };
