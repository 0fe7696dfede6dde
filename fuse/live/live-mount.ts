import { availableParallelism } from 'node:os';
import type { Octets } from '../../core/base/octets.ts';
import type { OwnerNames } from '../../core/base/system/owner-names.ts';
import { threadsAtMost } from '../../core/base/system/thread-room.ts';
import type { StoreSplicedContent } from '../../core/blockify/splice-content.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import type { Store } from '../../core/store/store.ts';
import type { LiveDir } from '../../core/tree/live/live-node.ts';
import type { LiveNodes } from '../../core/tree/live/live-nodes.ts';
import type { LiveNode } from '../../core/tree/live/live-state.ts';
import type { Attributes, Instant, Maybe } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import type { MountJournalOptions } from '../journal/mount-journal.ts';
import { MountJournal } from '../journal/mount-journal.ts';
import type { DefaultOwner } from './attributes.ts';
import { attributesOf, sizeOf } from './attributes.ts';
import type { FileClock } from './file-clock.ts';
import { FileLocks } from './file-locks.ts';
import type { Inode, LeafInode } from './inode-table.ts';
import { InodeTable } from './inode-table.ts';
import { instantOf, nanosecondsOf } from './instant.ts';
import { ContentReader } from './read/content-reader.ts';
import { DataSizes } from './read/data-sizes.ts';
import { Neighbours } from './read/neighbours.ts';
import type { FrontContext } from './write/front-file.ts';
import { FrontFolder } from './write/front-storage.ts';

/** Octets of a Dir's entries, at most, that are read to count its links: some 10,000 entries. */
const MAX_COUNTED_SIZE = 1024 * 1024;

/** The same for a Dir in a listing: it will be read anyway if a program walks down the tree. */
const MAX_LISTED_SIZE = 16 * 1024;

/** Parameters of a live filesystem. */
export interface LiveMountOptions {
  readonly store: Store;
  readonly nodes: LiveNodes;
  /** Whether the content of a file is not to be stored; undefined where the sync of the tree decides. Default: all is stored. */
  readonly isLeftOut?: (node: LiveNode) => boolean | undefined;
  /** Local folder for content that is not stored yet; it needs enough space. */
  readonly frontFolder: string;
  readonly storeContent: StoreSplicedContent;
  /** Makes every change durable and records the root. */
  readonly syncTree: () => Promise<void>;
  /** Holds synced changes until a root is recorded; without it, an fsync waits for the root. */
  readonly journal?: MountJournalOptions | undefined;
  /** Detected MIME types are kept for files without one. */
  readonly keepsTypes?: boolean;
  readonly clock: FileClock;
  readonly owners: OwnerNames;
  /** Owner of nodes whose metadata has none. */
  readonly owner: DefaultOwner;
  /** Called if storing in the background failed; it is retried. */
  readonly onTrouble: (error: unknown) => void;
}

/** Threads that read ahead, at most. */
const MAX_READERS = 4;

/** What the operations of one live filesystem share. */
export class LiveMount {
  readonly store: Store;
  readonly nodes: LiveNodes;
  readonly inodes: InodeTable;
  readonly front: FrontContext;
  /** Stored contents. */
  readonly contents: ContentReader;
  readonly options: LiveMountOptions;
  readonly locks = new FileLocks();
  /** Small files that are read one after the other. */
  readonly neighbours: Neighbours | undefined;
  readonly journal: MountJournal | undefined;
  readonly #dataSizes: DataSizes;
  readonly #began: Instant;

  constructor(options: LiveMountOptions) {
    this.options = options;
    this.#began = instantOf(options.clock.nowNs());
    this.store = options.store;
    this.nodes = options.nodes;
    this.inodes = new InodeTable(options.nodes);
    this.#dataSizes = new DataSizes(options.store);
    this.contents = new ContentReader(options.store, { workers: threadsAtMost(Math.min(MAX_READERS, availableParallelism())) });
    const { small } = this.contents;
    this.neighbours = small === undefined ? undefined : new Neighbours(options.nodes, small);
    options.nodes.readBy((block) => joined(this.contents.readNow(block, 0, block.span)));
    const { store, frontFolder, storeContent, journal } = options;
    this.front = { source: store, folder: new FrontFolder(frontFolder), storeContent, isLogged: journal !== undefined };
    this.journal = journal === undefined ? undefined : new MountJournal(this, journal);
  }

  /** The Dir with this ino. @throws FilesystemError ENOTDIR */
  dir(ino: number): LiveDir {
    const { node } = this.inodes.get(ino);
    if (node.sort !== 'dir') throw new FilesystemError('ENOTDIR');
    return node;
  }

  /** The file with this ino. @throws FilesystemError EISDIR; EINVAL for another node that is not a regular file */
  file(ino: number): LeafInode {
    const inode = this.inodes.get(ino);
    if (inode.node.sort === 'dir') throw new FilesystemError('EISDIR');
    if (inode.node.dirent.kind !== 'file') throw new FilesystemError('EINVAL');
    return inode as LeafInode;
  }

  /** The size of a non-empty file and its last octet; undefined if that is not known without waiting. */
  endNow(ino: number): { readonly size: number; readonly last: number } | undefined {
    const inode = this.inodes.find(ino);
    if (inode?.node.sort !== 'leaf' || inode.node.dirent.kind !== 'file') return undefined;
    const size = sizeOf(inode.node);
    if (size === 0) return undefined;
    const pieces =
      inode.front === undefined ? this.contents.readNow(inode.node.dirent.block, size - 1, size) : inode.front.readNow(size - 1, size);
    const last = pieces?.at(-1)?.at(-1);
    return last === undefined ? undefined : { size, last };
  }

  /** See {@link LiveMountOptions.isLeftOut}. */
  isLeftOut({ node }: Inode): boolean | undefined {
    return this.options.isLeftOut === undefined ? false : this.options.isLeftOut(node);
  }

  attributes(inode: Inode): Attributes {
    this.settleTime(inode);
    const { node, atime } = inode;
    // A new tree has no metadata of its top Dir, and a mount alone changes nothing.
    const mtime = node === this.nodes.root ? this.#began : undefined;
    return attributesOf(node, this.options.owner, { atime, mtime, dataSize: this.#dataSizeNow(inode) });
  }

  /** Sets the time of the last write in the Dirent. */
  settleTime(inode: Inode): void {
    const { writtenNs, node } = inode;
    if (writtenNs === undefined) return;
    inode.writtenNs = undefined;
    const times = { mtimeNs: writtenNs, ctimeNs: writtenNs };
    this.nodes.changeNow(node, (dirent) => ({ ...dirent, meta: { ...dirent.meta, ...times } }), 'content', this);
  }

  /** As {@link LiveMount.countedAttributes}; for a file also its data size without holes, which may require reading superblocks. */
  wholeAttributes(inode: Inode): Maybe<Attributes> {
    const { node, front } = inode;
    if (node.sort === 'dir') return this.countedAttributes(inode);
    if (node.dirent.kind !== 'file' || this.#dataSizeNow(inode) !== undefined) return this.attributes(inode);
    const blocks = front === undefined ? [node.dirent.block] : front.blocks();
    return Promise.all(blocks.map((block) => this.#dataSizes.count(block))).then(() => this.attributes(inode));
  }

  #dataSizeNow({ node, front }: Inode): number | undefined {
    if (node.dirent.kind !== 'file') return undefined;
    return front === undefined ? this.#dataSizes.now(node.dirent.block) : front.dataSize((block) => this.#dataSizes.now(block));
  }

  /** As {@link LiveMount.attributes}, of a Dir with the number of its links. */
  countedAttributes(inode: Inode): Maybe<Attributes> {
    const { node } = inode;
    if (node.sort !== 'dir' || node.subdirs !== undefined || node.gone) return this.attributes(inode);
    this.nodes.countDirsNow(node, MAX_COUNTED_SIZE);
    if (node.subdirs !== undefined) return this.attributes(inode);
    return this.nodes.countDirs(node, MAX_COUNTED_SIZE).then(() => this.attributes(inode));
  }

  /** Attributes for a listing: as {@link LiveMount.attributes}, of a small Dir with the number of its links. */
  listedAttributes(inode: Inode): Attributes {
    const { node } = inode;
    if (node.sort === 'dir' && node.subdirs === undefined && !node.gone) this.nodes.countDirsNow(node, MAX_LISTED_SIZE);
    return this.attributes(inode);
  }

  /** Changes the metadata of a node. @param ctime - default now */
  changeMeta(inode: Inode, change: (meta: Meta) => Meta, ctime?: Instant): Maybe<void> {
    this.settleTime(inode);
    const ctimeNs = ctime === undefined ? this.options.clock.nowNs() : nanosecondsOf(ctime);
    return this.nodes.change(inode.node, (dirent) => ({ ...dirent, meta: { ...change(dirent.meta), ctimeNs } }), 'meta', this);
  }

  /** Numbers and names of an owner. */
  ownerMeta(uid: number | undefined, gid: number | undefined): Meta {
    const { owners } = this.options;
    const user: Octets | undefined = uid === undefined ? undefined : owners.userName(uid);
    const group: Octets | undefined = gid === undefined ? undefined : owners.groupName(gid);
    return {
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
    };
  }
}

/** A joined copy of pieces, which are valid only until the next read. */
function joined(pieces: readonly Uint8Array[] | undefined): Uint8Array | undefined {
  return pieces === undefined ? undefined : Buffer.concat(pieces);
}
