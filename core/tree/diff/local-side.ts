import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { findXattrs } from '../../base/system/find-xattrs.ts';
import type { OwnerNames } from '../../base/system/owner-names.ts';
import { reachPath } from '../../base/system/reach-path.ts';
import type { Block } from '../../block/block.ts';
import type { LocalNode } from '../local/local-node.ts';
import { localChildPath, localDirent, localNames, localNode } from '../local/local-node.ts';
import { readLocal } from '../local/local-write.ts';
import type { TreePath } from '../path.ts';
import type { DiffSide, NodeDirent } from './diff.ts';

/** A local file or directory as one side of a comparison: no symlink is followed, and nothing is stored. */
export function localSide(path: Octets, top: LocalNode, owners: OwnerNames): DiffSide {
  const place = (at: TreePath): Octets => (at === '/' ? path : `${path === '/' ? '' : path}${at}`) as Octets;
  return {
    top: sideDirent(top, '' as Octets, owners),
    source: { name: path, get: async () => await Promise.resolve(undefined) },
    async *list(at: TreePath) {
      const dir = place(at);
      for (const name of localNames(dir)) {
        const node = localNode(localChildPath(dir, name));
        // What is gone since the listing is no entry.
        if (node !== undefined) yield await Promise.resolve(sideDirent(node, name, owners));
      }
    },
    async *read(at: TreePath, start: number, { signal }: OpOptions) {
      yield* readLocal(place(at), start, Number.MAX_SAFE_INTEGER, signal);
    },
  };
}

function sideDirent(node: LocalNode, name: Octets, owners: OwnerNames): NodeDirent {
  const dirent = localDirent(node, name, owners, false);
  using reached = reachPath(node.path);
  const { xattrs } = node.kind === 'symlink' ? { xattrs: undefined } : findXattrs(reached.bytes);
  const meta = xattrs === undefined ? dirent.meta : { ...dirent.meta, xattrs };
  return dirent.kind === 'file' ? { ...dirent, meta, block: unreadBlock(Number(node.stat.size)) } : { ...dirent, meta };
}

/** What stands for a content that was not read: only its size is known, and it equals no other. */
function unreadBlock(span: number): Block {
  return { kind: 'hash', span, hashcode: { hashName: 'sha3-256', digest: new Uint8Array(0) } };
}
