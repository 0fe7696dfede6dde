import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { compareOctets, type Octets } from '../../../core/base/octets.ts';
import { getXattr, listXattrs } from '../../../core/base/system/libc.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import type { Block } from '../../../core/block/block.ts';
import { leafBlock, PendingBlocks } from '../../../core/block/block-sink.ts';
import { isRun } from '../../../core/block/run-bytes.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { kindOfMode, metaOf, rdevOf } from '../../../core/import/import-meta.ts';
import type { Store } from '../../../core/store/store.ts';

/** Octets of a leaf. */
const LEAF_SIZE = 16 * 1024;

/**
 * Stores a local tree the plain way, for tests of what reads trees: leaves of fixed size, one hard-link table at the
 * top, no pipeline and no cache.
 */
export async function storeTree(store: Store, path: string): Promise<Exclude<Dirent, { kind: 'indirect' }>> {
  const pending = new PendingBlocks(store.hashName);
  const names = systemOwnerNames();
  const nodes = new Map<string, { dirent: Exclude<Dirent, DirDirent | { kind: 'indirect' }>; count: number }>();

  const nodeOf = (at: string, name: Octets): Dirent => {
    const stat = lstatSync(Buffer.from(at, 'latin1'), { bigint: true });
    const kind = kindOfMode(stat.mode) ?? 'file';
    const isLinked = kind !== 'dir' && stat.nlink > 1n;
    const key = `${stat.dev}:${stat.ino}`;
    const uuid = `00000000-0000-4000-8000-${stat.ino.toString(16).padStart(12, '0')}`;
    if (isLinked) {
      const known = nodes.get(key);
      if (known !== undefined) {
        known.count++;
        return { kind: 'indirect', name, uuid, meta: {} };
      }
    }
    const bytes = Buffer.from(at, 'latin1');
    const xattrs = new Map(
      listXattrs(bytes)
        .sort(compareOctets)
        .map((xattr) => [xattr, getXattr(bytes, xattr) ?? Buffer.alloc(0)]),
    );
    const meta = {
      ...metaOf(stat, names, xattrs.size === 0 ? undefined : xattrs),
      ...(kind === 'char' || kind === 'block' ? { rdev: rdevOf(stat) } : {}),
    };
    if (kind === 'dir') return { kind, name, meta, block: dirBlock(at) };
    const dirent =
      kind === 'file'
        ? { kind, name, meta, block: fileBlock(readFileSync(bytes)) }
        : kind === 'symlink'
          ? { kind, name, meta, target: readlinkSync(bytes, 'latin1') as Octets }
          : { kind, name, meta };
    if (!isLinked) return dirent;
    nodes.set(key, { dirent: { ...dirent, name: uuid as Octets, uuid }, count: 1 });
    return { kind: 'indirect', name, uuid, meta: {} };
  };

  const dirBlock = (at: string): Block => {
    const entries = (readdirSync(Buffer.from(at, 'latin1'), { encoding: 'latin1' }) as string[]).sort();
    return storeDir(
      pending,
      entries.map((name) => nodeOf(`${at}/${name}`, name as Octets)),
    );
  };

  const fileBlock = (data: Buffer): Block => {
    const builder = new BlockTreeBuilder(pending);
    for (let offset = 0; offset < data.length; offset += LEAF_SIZE) {
      const leaf = data.subarray(offset, offset + LEAF_SIZE);
      builder.add(leaf.length >= 4096 && isRun(leaf) ? { kind: 'run', span: leaf.length, octet: leaf[0] ?? 0 } : leafBlock(pending, leaf));
    }
    return builder.finish();
  };

  const top = nodeOf(path, path.slice(path.lastIndexOf('/') + 1) as Octets);
  if (top.kind === 'indirect') throw new Error('store tree: a single hard-linked file');
  const table = [...nodes.values()].map(({ dirent, count }) => ({ ...dirent, nlink: count })).sort((a, b) => compareOctets(a.name, b.name));
  const inodes = table.length === 0 || top.kind !== 'dir' ? {} : { inodes: storeDir(pending, table) };
  await pending.flushTo(store);
  await store.flush();
  return { ...top, ...inodes };
}
