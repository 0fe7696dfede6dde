import { PathError } from '../../core/base/errors.ts';
import { NO_OWNER_NAMES } from '../../core/base/system/owner-names.ts';
import { Ingest } from '../../core/blockify/ingest/ingest.ts';
import { ingestContent } from '../../core/blockify/ingest/ingest-content.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import type { Store } from '../../core/store/store.ts';
import type { LiveDir } from '../../core/tree/live/live-node.ts';
import type { LiveNodes } from '../../core/tree/live/live-nodes.ts';
import type { LiveNode } from '../../core/tree/live/live-state.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName, parentPath, splitPath } from '../../core/tree/path.ts';
import { FileClock } from '../live/file-clock.ts';
import type { Inode } from '../live/inode-table.ts';
import { LiveMount } from '../live/live-mount.ts';
import { SyncQueue } from '../live/write/sync-queue.ts';
import { writableFront } from '../live/write/write-front.ts';
import type { ContentChange, JournalChange } from './journal-records.ts';
import type { LeftChanges } from './left-changes.ts';

/** Files whose content is kept in memory or in open files, two descriptors each, at most. */
const MAX_FRONTS = 64;

/** A tree after the changes of a journal. */
export interface Replayed {
  /** Stored and durable. */
  readonly root: DirDirent;
  /** Paths of changes that could not be applied: none, unless the tree is not the journal's. */
  readonly refused: readonly TreePath[];
}

/** Applies the changes of a journal to its base tree. @param frontFolder - local folder for contents until they are stored */
export async function replay(store: Store, { base, changes }: LeftChanges, frontFolder: string): Promise<Replayed> {
  let nowNs = 0n;
  await using ingest = new Ingest(store);
  await using tree = openLiveTree(store, base, { nowNs: () => nowNs });
  const mount = new LiveMount({
    store,
    nodes: tree.nodes,
    frontFolder,
    storeContent: (content, how) => ingestContent(ingest, content, how),
    syncTree: async () => await Promise.resolve(),
    clock: new FileClock(() => nowNs),
    owners: NO_OWNER_NAMES,
    owner: { uid: 0, gid: 0 },
    onTrouble: () => undefined,
  });
  const refused: TreePath[] = [];
  const fronts = new Fronts(mount);
  try {
    for (const change of changes) {
      ({ nowNs } = change);
      try {
        await make(mount, fronts, change);
      } catch (error) {
        if (!(error instanceof PathError)) throw error;
        refused.push(change.path);
      }
    }
    const root = await tree.sync();
    if (root.kind !== 'dir') throw new Error(`the root is a ${root.kind}`);
    return { root, refused };
  } finally {
    for (const { front } of mount.inodes.all()) front?.close();
    mount.contents[Symbol.dispose]();
  }
}

async function make(mount: LiveMount, fronts: Fronts, change: JournalChange): Promise<void> {
  const { nodes } = mount;
  const place = async (path: TreePath): Promise<{ readonly dir: LiveDir; readonly name: ReturnType<typeof baseName> }> => ({
    dir: await dirAt(nodes, parentPath(path)),
    name: baseName(path),
  });
  const { dir, name } = await place(change.path);
  switch (change.kind) {
    case 'make':
      await nodes.create(dir, name, { ...change.dirent, name }, mount);
      break;
    case 'remove':
      await nodes.remove(dir, name, change.sort, mount);
      break;
    case 'rename':
      await nodes.rename({ dir, name }, await place(change.to), change.manner, mount, { leave: change.leave });
      break;
    case 'link': {
      const node = await nodeAt(nodes, change.path);
      const to = await place(change.to);
      if (node.sort === 'dir') throw new PathError('EPERM', 'link', change.path);
      await nodes.link(node, to.dir, to.name, mount);
      break;
    }
    case 'meta': {
      const { meta } = change;
      await nodes.change(await nodeAt(nodes, change.path), (dirent) => ({ ...dirent, meta }), 'meta', mount);
      break;
    }
    case 'content':
      await write(mount, fronts, change);
      break;
  }
}

async function write(mount: LiveMount, fronts: Fronts, { path, meta, minSize, size, ranges }: ContentChange): Promise<void> {
  const inode = mount.inodes.give(await nodeAt(mount.nodes, path));
  const { node } = inode;
  if (node.sort === 'dir' || node.dirent.kind !== 'file') throw new PathError('EISDIR', 'write', path);
  const front = writableFront(mount, mount.file(node.id));
  if (minSize < front.size) front.truncate(minSize);
  for (const { start, data } of ranges) front.write(data, start);
  front.truncate(size);
  await mount.nodes.change(node, (dirent) => ({ ...dirent, meta }), 'meta', mount);
  await fronts.use(inode);
}

/** Files whose content is not in Blocks. If there are too many, the least recently written one is stored. */
class Fronts {
  readonly #mount: LiveMount;
  readonly #queue: SyncQueue;
  readonly #inodes = new Set<Inode>();

  constructor(mount: LiveMount) {
    this.#mount = mount;
    this.#queue = new SyncQueue(mount);
  }

  async use(inode: Inode): Promise<void> {
    this.#inodes.delete(inode);
    this.#inodes.add(inode);
    const [first] = this.#inodes.size > MAX_FRONTS ? this.#inodes : [];
    if (first === undefined) return;
    this.#inodes.delete(first);
    if (!this.#mount.nodes.isRemoved(first.node)) await this.#queue.settle(first);
  }
}

async function dirAt(nodes: LiveNodes, path: TreePath): Promise<LiveDir> {
  const node = await nodeAt(nodes, path);
  if (node.sort !== 'dir') throw new PathError('ENOTDIR', 'look up', path);
  return node;
}

async function nodeAt(nodes: LiveNodes, path: TreePath): Promise<LiveNode> {
  let node: LiveNode = nodes.root;
  for (const name of splitPath(path)) {
    const next: LiveNode | undefined = node.sort === 'dir' ? await nodes.child(node, name) : undefined;
    if (next === undefined) throw new PathError('ENOENT', 'look up', path);
    node = next;
  }
  return node;
}
