import type { Octets } from '../../base/octets.ts';
import { compareOctets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { PendingBlocks } from '../../block/block-sink.ts';
import { DirWriter } from '../../dirent/dir-codec.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import type { Store } from '../../store/store.ts';
import type { DirReader } from '../dir-reader.ts';
import { tableDirent } from './inode-scope.ts';
import { outerLinks } from './live-links.ts';
import type { HardLeaf, LiveDir } from './live-node.ts';
import { withoutSingles } from './without-singles.ts';

/**
 * Makes the Dirent of a stored live Dir self-contained: adds to its inode table those nodes of the tables above
 * that names below refer to. Nodes count only their names below. Costs nothing if there are no such names.
 *
 * New Blocks are added to the Store, not flushed.
 */
export async function liftDir(store: Store, reader: DirReader, dir: LiveDir, options: OpOptions = {}): Promise<DirDirent> {
  if (dir.parent === undefined) return dir.dirent;
  const outer = await outerLinks(reader, dir, options);
  if (outer.size === 0) return dir.dirent;
  const own = dir.scope === undefined ? [] : [...(await dir.scope.load(reader, options)).values()];
  const dirents = own.map(tableDirent);
  for (const [node, nlink] of outer) dirents.push({ ...tableDirent(await settled(node, options)), nlink });
  dirents.sort((a, b) => compareOctets(a.name as Octets, b.name as Octets));
  const pending = new PendingBlocks(store.hashName);
  const writer = new DirWriter(pending, { salt: dir.dirent.salt });
  for (const dirent of dirents) writer.add(dirent);
  const inodes = writer.finish();
  await pending.flushTo(store, options);
  return await withoutSingles(store, { ...dir.dirent, inodes }, options);
}

async function settled(node: HardLeaf, options: OpOptions): Promise<HardLeaf> {
  if (node.unsynced === undefined || node.dirent.kind !== 'file') return node;
  node.dirent = { ...node.dirent, block: await node.unsynced.settle(options) };
  return node;
}
