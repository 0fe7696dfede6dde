import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { contentHint } from '../../../core/blockify/content-hint.ts';
import type { LiveLeaf } from '../../../core/tree/live/live-node.ts';
import type { LeafInode } from '../inode-table.ts';
import type { LiveMount } from '../live-mount.ts';
import { FrontFile } from './front-file.ts';

/** The front of a file that is about to be written to; from now on the tree knows that it has to be stored. */
export function writableFront(mount: LiveMount, inode: LeafInode): FrontFile {
  const { node } = inode;
  if (inode.front === undefined) {
    // A change by path may have set another content.
    const base = node.dirent.kind === 'file' ? node.dirent.block : EMPTY_BLOCK;
    inode.front = new FrontFile(mount.front, base, () => contentHint(nameOf(node), node.dirent.meta.xattrs));
    node.unsynced = undefined;
    // The journal lacks the previous content, so all of it counts as changed.
    if (mount.journal?.isStale(node) === true) {
      inode.front.unlogged?.cutOff(0);
      inode.front.unlogged?.wrote(0, inode.front.size);
    }
  }
  const isKnown = node.unsynced === inode.front && (node.hard?.scope.changed ?? node.home?.dir.stale ?? true);
  if (!isKnown) mount.nodes.attach(node, inode.front, mount);
  return inode.front;
}

/** The name that a file has now; of several the one that it is kept by first. */
export function nameOf({ home, hard, dirent }: LiveLeaf): Octets {
  return home?.name ?? hard?.known?.[0]?.name ?? dirent.name;
}
