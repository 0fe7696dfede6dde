import { namedError } from '../../base/error-parts.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { findXattrs } from '../../base/system/find-xattrs.ts';
import { holdBelow } from '../../base/system/hold-node.ts';
import type { OwnerNames } from '../../base/system/owner-names.ts';
import { reachPath } from '../../base/system/reach-path.ts';
import { isSystemError, pathBytes, systemError } from '../../base/system/system-error.ts';
import type { Block } from '../../block/block.ts';
import type { LocalNode } from '../local/local-node.ts';
import { localDirent, localEntries } from '../local/local-node.ts';
import { readLocal } from '../local/local-write.ts';
import type { TreePath } from '../path.ts';
import type { DiffSide, NodeDirent } from './diff.ts';

/** Makes a side of a comparison from a local file or directory; follows no symlinks and stores nothing. */
export function localSide(path: Octets, top: LocalNode, owners: OwnerNames): DiffSide {
  const place = (at: TreePath): Octets => (at === '/' ? path : `${path === '/' ? '' : path}${at}`) as Octets;
  const held = (at: TreePath) => holdBelow(path, top.stat, at.slice(1) as Octets);
  return {
    top: sideDirent(top, '' as Octets, owners),
    source: { name: path, get: async () => await Promise.resolve(undefined) },
    async *list(at: TreePath) {
      try {
        const dirents = localEntries(
          () => held(at),
          (node, name) => sideDirent(node, name, owners),
        );
        for (const dirent of dirents) yield await Promise.resolve(dirent);
      } catch (error) {
        throw errorAt(error, place(at));
      }
    },
    async *read(at: TreePath, start: number, { signal }: OpOptions) {
      try {
        yield* readLocal(() => held(at), start, Number.MAX_SAFE_INTEGER, signal);
      } catch (error) {
        throw errorAt(error, place(at));
      }
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

/** Replaces the path in an error by the user's path, since open nodes are reached by another path. */
function errorAt(error: unknown, path: Octets): unknown {
  if (!(error instanceof Error) || !isSystemError(error)) return namedError(error, octetsToText(path));
  return systemError(-error.errno, error.syscall, pathBytes(path));
}

/** A placeholder for an unread content: it only has a size, and equals no other Block. */
function unreadBlock(span: number): Block {
  return { kind: 'hash', span, hashcode: { hashName: 'sha3-256', digest: new Uint8Array(0) } };
}
