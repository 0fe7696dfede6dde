import type { LiveDir } from '../../../core/tree/live/live-node.ts';
import { baseName, ROOT_PATH, splitPath } from '../../../core/tree/path.ts';
import type { TreeChange } from '../../../core/tree/tree.ts';
import type { Notices } from '../../notices.ts';
import type { LiveMount } from '../live-mount.ts';

/** Notifies the kernel of changes that did not come through this mount, until there are no more. */
export async function tellChanges(mount: LiveMount, changes: AsyncIterable<TreeChange>, notices: Notices): Promise<void> {
  for await (const change of changes) {
    if (change.path === ROOT_PATH) tellAll(mount, notices);
    else tellChange(mount, change, notices);
    // A caller that waits until the kernel knows waits for this.
    await notices.idle();
  }
}

function tellChange(mount: LiveMount, { kind, path }: TreeChange, notices: Notices): void {
  if (kind === 'names') tellLost(mount, notices);
  const dir = heldDir(mount, splitPath(path).slice(0, -1));
  // The kernel cannot cache a Dir that it was never given.
  if (dir === undefined) return;
  const name = baseName(path);
  const node = dir.overlay.get(name);
  const parent = mount.inodes.of(dir);
  if (kind === 'names' && parent !== undefined) {
    notices.name(dir.id, name);
    notices.node(dir.id, true);
  }
  if (node?.sort === 'leaf' || node?.sort === 'dir') {
    const inode = mount.inodes.of(node);
    if (inode !== undefined) notices.node(node.id, kind !== 'meta');
  } else if (node?.sort === 'link') {
    for (const inode of mount.inodes.all()) {
      if (inode.node.sort === 'leaf' && inode.node.hard?.uuid === node.uuid) notices.node(inode.node.id, kind !== 'meta');
    }
  } else if (node === undefined && kind !== 'names') {
    // The name of a hard link in the Dir's Block: its node is not known here.
    for (const inode of mount.inodes.all())
      if (inode.node.sort === 'leaf' && inode.node.hard !== undefined) notices.node(inode.node.id, kind !== 'meta');
  }
}

/** A node that lost one of its names has fewer links at its other names, wherever they are. */
function tellLost(mount: LiveMount, notices: Notices): void {
  for (const { node } of mount.inodes.all()) {
    if (node.sort !== 'leaf' || node.hasLost !== true) continue;
    node.hasLost = false;
    notices.node(node.id, false);
  }
}

/** The Dir at a path, if it is in use. */
function heldDir(mount: LiveMount, names: readonly string[]): LiveDir | undefined {
  let dir = mount.nodes.root;
  for (const name of names) {
    const next = dir.overlay.get(name as Parameters<typeof dir.overlay.get>[0]);
    if (next?.sort !== 'dir') return undefined;
    dir = next;
  }
  return dir;
}

/** Notifies of everything, as anything may have changed. */
function tellAll(mount: LiveMount, notices: Notices): void {
  notices.node(mount.nodes.root.id, true);
  for (const { node } of mount.inodes.all()) {
    notices.node(node.id, true);
    if (node.sort === 'dir') {
      if (node.parent !== undefined) notices.name(node.parent.id, node.name);
    } else if (node.home !== undefined) notices.name(node.home.dir.id, node.home.name);
  }
}
