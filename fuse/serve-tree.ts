import { PathError, VtError } from '../core/base/errors.ts';
import { fileTimeNs } from '../core/base/libc.ts';
import type { OwnerNames } from '../core/base/owner-names.ts';
import type { NameFilter } from '../core/filter/name-filter.ts';
import type { LiveDir } from '../core/tree/live-node.ts';
import type { LiveTree } from '../core/tree/live-tree.ts';
import { splitPath } from '../core/tree/path.ts';
import type { TreePath } from '../core/tree/tree.ts';
import type { Mount, MountOptions } from './driver.ts';
import { mountBy } from './driver.ts';
import { appendOnly } from './live/append-only.ts';
import { tellChanges } from './live/change-notices.ts';
import { type ControlXattrs, withControlXattrs } from './live/control-xattrs.ts';
import { FileClock } from './live/file-clock.ts';
import type { LiveFilesystem } from './live/live-filesystem.ts';
import { liveFilesystem } from './live/live-filesystem.ts';
import type { LiveMountOptions } from './live/live-mount.ts';
import type { View } from './live/view.ts';
import { viewOf } from './live/view.ts';
import { Views } from './live/views.ts';
import { withBothXattrNames } from './live/xattr-names.ts';

/** How a live tree is served, whatever mounts it has. */
export interface ServeOptions {
  /** Seconds between two syncs while something changes; 0: only when somebody asks, and at the end. */
  readonly syncSeconds: number;
  readonly frontFolder: string;
  readonly storeContent: LiveMountOptions['storeContent'];
  /** Whether the tree is another than the one that is recorded. */
  readonly isChanged: () => boolean;
  /** Stores what changed and records the root. */
  readonly syncTree: () => Promise<void>;
  readonly owners: OwnerNames;
  /** What went wrong and clients saw as EIO. */
  readonly onFault: (error: unknown) => void;
  /** A mount is to go and is in use: it goes once nobody uses it. */
  readonly onBusy: (error: VtError) => void;
}

/** One mount of a live tree. */
export interface TreeMountOptions extends Omit<MountOptions, 'onFault'> {
  /** The Dir at its top. */
  readonly subpath: TreePath;
  /** Nothing is lost: new names, and octets at the ends of files. */
  readonly appendOnly: boolean;
  /** Names in it that are never stored; of the first mount alone, for the tree is one. */
  readonly leftOut?: NameFilter | undefined;
  /** What `user.x-vt-control` on its top Dir acts on. */
  readonly control: ControlXattrs | undefined;
}

/** A live tree with its mounts: all show the same nodes, each from a top and by rules of its own. */
export class TreeServer {
  readonly #tree: LiveTree;
  readonly #options: ServeOptions;
  readonly #live: LiveFilesystem;
  readonly #views = new Views();
  readonly #mounts = new Map<Mount, Promise<void>>();
  readonly #watching = new AbortController();
  readonly #told: Promise<void>;
  readonly #ticker: NodeJS.Timeout | undefined;
  readonly #running = { sync: undefined as Promise<void> | undefined, again: undefined as Promise<void> | undefined };
  #isLeaving = false;

  constructor(tree: LiveTree, options: ServeOptions) {
    this.#tree = tree;
    this.#options = options;
    const clock = new FileClock(fileTimeNs);
    // Changes by path are stamped by the same clock.
    tree.nodes.timeBy(() => clock.nowNs());
    this.#live = liveFilesystem({
      store: tree.store,
      nodes: tree.nodes,
      isLeftOut: (node) => tree.isLeftOut(node),
      frontFolder: options.frontFolder,
      storeContent: options.storeContent,
      syncTree: () => this.#sync(),
      clock,
      owners: options.owners,
      owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
      onFault: options.onFault,
    });
    const { mount } = this.#live;
    this.#told = tellChanges(mount, tree.watchOthers(mount, { signal: this.#watching.signal }), this.#views);
    this.#ticker = options.syncSeconds === 0 ? undefined : setInterval(() => void this.#tick(), options.syncSeconds * 1000);
  }

  /**
   * Mounts the tree at one place more.
   *
   * @throws {PathError} ENOENT, ENOTDIR where the subpath is no Dir
   * @throws {VtError} EOPEN where it cannot be mounted
   */
  async mount(options: TreeMountOptions): Promise<Mount> {
    if (this.#isLeaving) throw new VtError('ECLOSED', `mount "${options.mountPoint}": the process that serves the tree is about to end`);
    // A kernel that collects writes keeps its own sizes of files, whatever others do to them; and its pages hold what stood before an end, too.
    const isFirst = this.#mounts.size === 0;
    const writeback = options.writeback && isFirst && !options.appendOnly && !options.readOnly;
    const top = await this.#top(options.subpath);
    if (isFirst && options.leftOut !== undefined) this.#tree.leaveOut(options.leftOut, top);
    const view = viewOf(this.#live, { top, views: this.#views, keepsSizes: writeback, writes: !options.readOnly });
    const bounded = options.appendOnly ? appendOnly(view.filesystem, (ino) => view.refresh(ino)) : view.filesystem;
    const filesystem = withBothXattrNames(options.control === undefined ? bounded : withControlXattrs(bounded, options.control));
    try {
      const mount = await mountBy(filesystem, { ...options, writeback, onFault: this.#options.onFault });
      view.hear(mount.notices);
      this.#mounts.set(mount, this.#follow(mount, view));
      return mount;
    } catch (error) {
      view.end();
      throw error;
    }
  }

  /** How many mounts it has. */
  get size(): number {
    return this.#mounts.size;
  }

  /** Takes all mounts away, lazily those that are in use; no new one can be made. */
  leave(): void {
    this.#isLeaving = true;
    for (const mount of this.#mounts.keys()) {
      mount.unmount().catch((error: unknown) => {
        if (error instanceof VtError) this.#options.onBusy(error);
        // Whoever is inside may finish; nobody new comes in.
        mount.unmount({ lazy: true }).catch(this.#options.onFault);
      });
    }
  }

  /**
   * Resolves when the last mount has gone, by whomever it was taken away. All that was written is in the tree and its Store then, and recorded.
   *
   * @returns how many names go with the mount, since they are left out of what is stored
   */
  async ended(): Promise<number> {
    while (this.#mounts.size > 0) await Promise.all(this.#mounts.values());
    this.#isLeaving = true;
    clearInterval(this.#ticker);
    this.#watching.abort();
    await this.#told;
    await this.#live.settle();
    this.#live.mount.contents[Symbol.dispose]();
    await (this.#running.again ?? this.#running.sync ?? Promise.resolve()).catch(() => undefined);
    // What is left out of hard links is known to the sync alone, which stores the others: as long as contents can be stored.
    await this.#sync();
    return await this.#tree.countLeftOut();
  }

  /** One of several that goes leaves its changes stored and recorded. */
  async #follow(mount: Mount, view: View): Promise<void> {
    await mount.ended;
    view.end();
    this.#mounts.delete(mount);
    if (this.#mounts.size > 0) await this.#tick();
  }

  /** The Dir of a subpath, held; undefined for the tree's own. */
  async #top(subpath: TreePath): Promise<LiveDir | undefined> {
    const { nodes } = this.#tree;
    let dir: LiveDir | undefined;
    for (const name of splitPath(subpath)) {
      const node = await nodes.child(dir ?? nodes.root, name);
      if (dir !== undefined) nodes.release(dir);
      if (node?.sort !== 'dir') {
        if (node !== undefined) nodes.release(node);
        throw new PathError(node === undefined ? 'ENOENT' : 'ENOTDIR', 'mount', subpath);
      }
      dir = node;
    }
    return dir;
  }

  async #tick(): Promise<void> {
    try {
      await this.#live.settle();
      if (this.#options.isChanged()) await this.#sync();
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  /** Those who ask while a sync is under way share the next one. */
  #sync(): Promise<void> {
    const running = this.#running;
    if (running.sync === undefined) {
      running.sync = this.#options.syncTree().finally(() => {
        running.sync = undefined;
      });
      return running.sync;
    }
    running.again ??= running.sync
      .catch(() => undefined)
      .then(() => {
        running.again = undefined;
        return this.#sync();
      });
    return running.again;
  }
}
