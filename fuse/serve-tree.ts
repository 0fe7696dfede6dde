import { setTimeout as delay } from 'node:timers/promises';
import { PathError, VtError } from '../core/base/errors.ts';
import { type Octets, octetsToText } from '../core/base/octets.ts';
import { fileTimeNs } from '../core/base/system/libc.ts';
import type { OwnerNames } from '../core/base/system/owner-names.ts';
import { errorText } from '../core/base/system/system-error.ts';
import type { NameFilter } from '../core/filter/name-filter.ts';
import type { LiveDir } from '../core/tree/live/live-node.ts';
import type { LiveTree } from '../core/tree/live/live-tree.ts';
import type { TreePath } from '../core/tree/path.ts';
import { splitPath } from '../core/tree/path.ts';
import type { FaultyRequest, Mount, MountOptions } from './driver.ts';
import { ROOT_INO } from './filesystem.ts';
import type { MountJournalOptions } from './journal/mount-journal.ts';
import { appendOnly } from './live/append-only.ts';
import { type ControlXattrs, withControlXattrs } from './live/control-xattrs.ts';
import { FileClock } from './live/file-clock.ts';
import type { LiveFilesystem } from './live/live-filesystem.ts';
import { liveFilesystem } from './live/live-filesystem.ts';
import type { LiveMountOptions } from './live/live-mount.ts';
import { tellChanges } from './live/views/change-notices.ts';
import type { View } from './live/views/view.ts';
import { viewOf } from './live/views/view.ts';
import { Views } from './live/views/views.ts';
import { withBothXattrNames } from './live/xattr-names.ts';
import { mountBy } from './mount-by.ts';

/** Options of a served live tree, for all its mounts. */
export interface ServeOptions {
  /** Seconds between two syncs while something changes; 0: only on request and at the end. */
  readonly syncSeconds: number;
  readonly frontFolder: string;
  readonly storeContent: LiveMountOptions['storeContent'];
  readonly keepsTypes: boolean;
  readonly journal: MountJournalOptions | undefined;
  /** Whether the tree differs from the recorded one. */
  readonly isChanged: () => boolean;
  /** Stores all changes and records the root. */
  readonly syncTree: () => Promise<void>;
  readonly owners: OwnerNames;
  /** Called for each request that fails with EIO: the request, as `read "/docs/a"`, and why it failed. */
  readonly onFault: (error: unknown, request: string) => void;
  /** Called if storing or recording failed; it is retried. */
  readonly onTrouble: (error: unknown) => void;
  /** Called if a mount that is to end is in use: it ends once no process uses it. */
  readonly onBusy: (error: VtError) => void;
}

/** One mount of a live tree. */
export interface TreeMountOptions extends Omit<MountOptions, 'onFault'> {
  /** The Dir at its top. */
  readonly subpath: TreePath;
  /** Allows only new names, and new octets at the ends of files. */
  readonly appendOnly: boolean;
  /** Names that are never stored. Only the first mount sets them, as they hold for the whole tree. */
  readonly leftOut?: NameFilter | undefined;
  /** The target of `user.x-vt-control` on its top Dir. */
  readonly control: ControlXattrs | undefined;
}

/** What is not stored and recorded because the Store fails. */
export interface Unsaved {
  /** Files whose content is not stored; empty where only the root could not be recorded. */
  readonly paths: readonly Octets[];
  readonly error: unknown;
}

/** Paths that an error names, at most. */
const MAX_NAMED = 20;

/** Milliseconds between retries at the end. */
const RETRY_MS = 1000;

/** Milliseconds for which a process retries after a signal told it to end. */
const MAX_LEAVING_MS = 10_000;

/** A live tree with its mounts: all show the same nodes, each with its own top Dir and options. */
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
  #discarding = new AbortController();
  /** Why the last save failed. */
  #trouble: string | undefined;
  #isLeaving = false;
  #leaving: NodeJS.Timeout | undefined;

  constructor(tree: LiveTree, options: ServeOptions) {
    this.#tree = tree;
    this.#options = options;
    const clock = new FileClock(fileTimeNs);
    // Changes by path get their times from the same clock.
    tree.nodes.timeBy(() => clock.nowNs());
    this.#live = liveFilesystem({
      store: tree.store,
      nodes: tree.nodes,
      isLeftOut: (node) => tree.isLeftOut(node),
      frontFolder: options.frontFolder,
      storeContent: options.storeContent,
      keepsTypes: options.keepsTypes,
      journal: options.journal,
      syncTree: () => this.#sync(),
      clock,
      owners: options.owners,
      owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
      onTrouble: options.onTrouble,
    });
    const { mount } = this.#live;
    if (mount.journal !== undefined) tree.logTo(mount.journal);
    this.#told = tellChanges(mount, tree.watchOthers(mount, { signal: this.#watching.signal }), this.#views);
    this.#ticker = options.syncSeconds === 0 ? undefined : setInterval(() => void this.#tick(), options.syncSeconds * 1000);
  }

  /**
   * Mounts the tree at another place.
   *
   * @throws {PathError} ENOENT, ENOTDIR if the subpath is not a Dir
   * @throws {VtError} EOPEN if it cannot be mounted, ECLOSED if the process is ending
   */
  async mount(options: TreeMountOptions): Promise<Mount> {
    if (this.#isLeaving) throw new VtError('ECLOSED', `mount "${options.mountPoint}": the process that serves the tree is ending`);
    // A kernel with a write cache tracks file sizes itself, whatever others change, and writes whole pages, even in append-only files.
    const isFirst = this.#mounts.size === 0;
    const writeback = options.writeback && isFirst && !options.appendOnly && !options.readOnly;
    const top = await this.#top(options.subpath);
    if (isFirst && options.leftOut !== undefined) this.#tree.leaveOut(options.leftOut, top);
    const writes = !options.readOnly;
    // A single read-only mount needs no shared locks: each lock and each close would be a request.
    const sharesLocks = writes || this.#views.write;
    const view = viewOf(this.#live, { top, views: this.#views, keepsSizes: writeback, writes, sharesLocks });
    const bounded = options.appendOnly ? appendOnly(view.filesystem, (ino) => view.refresh(ino)) : view.filesystem;
    const filesystem = withBothXattrNames(options.control === undefined ? bounded : withControlXattrs(bounded, options.control));
    try {
      const mount = await mountBy(filesystem, { ...options, writeback, onFault: (error, request) => this.#fault(error, request, top) });
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

  /** Stores and records everything written. @returns what could not be stored, or undefined */
  async save(): Promise<Unsaved | undefined> {
    return await this.#save(() => this.#options.isChanged());
  }

  async #save(isSynced: () => boolean): Promise<Unsaved | undefined> {
    try {
      await this.#live.settle();
      if (isSynced()) await this.#sync();
      return undefined;
    } catch (error) {
      return { paths: this.#live.unsaved(), error };
    }
  }

  /** Paths of the files whose content could not be stored so far. */
  unsaved(): readonly Octets[] {
    return this.#live.unsaved();
  }

  /** Gives up what cannot be stored when the last mount ends. */
  discard(): void {
    this.#discarding.abort();
  }

  /** Revokes `discard`: the unmount was refused. */
  keep(): void {
    if (this.#discarding.signal.aborted && !this.#isLeaving) this.#discarding = new AbortController();
  }

  /** Unmounts all mounts, lazily if they are in use, and refuses new ones. After MAX_LEAVING_MS, gives up what cannot be stored. */
  leave(): void {
    this.#isLeaving = true;
    this.#leaving ??= setTimeout(() => this.discard(), MAX_LEAVING_MS).unref();
    for (const mount of this.#mounts.keys()) {
      mount.unmount().catch((error: unknown) => {
        if (error instanceof VtError) this.#options.onBusy(error);
        // Running requests may finish; no new ones are accepted.
        mount.unmount({ lazy: true }).catch((failure: unknown) => this.#options.onFault(failure, 'unmount'));
      });
    }
  }

  /**
   * Resolves when the last mount has ended, for any reason, and everything written is stored and recorded. If the Store fails,
   * storing is retried until it succeeds, or until `discard`.
   *
   * @throws {VtError} EFAILED that names what was given up
   * @returns how many names are lost with the mount, since they are excluded from storing
   */
  async ended(): Promise<number> {
    while (this.#mounts.size > 0) await Promise.all(this.#mounts.values());
    this.#isLeaving = true;
    clearInterval(this.#ticker);
    this.#watching.abort();
    await this.#told;
    try {
      await this.#saveAll();
      await this.#live.mount.journal?.end();
    } finally {
      await this.#live.mount.journal?.leave();
      clearTimeout(this.#leaving);
      this.#live.end();
      this.#live.mount.contents[Symbol.dispose]();
    }
    return await this.#tree.countLeftOut();
  }

  async #saveAll(): Promise<void> {
    const { signal } = this.#discarding;
    let told: string | undefined;
    for (let unsaved = await this.#saveRest(); unsaved !== undefined; unsaved = await this.#saveRest()) {
      const text = errorText(unsaved.error);
      if (signal.aborted) {
        const { paths } = unsaved;
        const names = paths.slice(0, MAX_NAMED).map((path) => `"${octetsToText(path)}"`);
        const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
        const what = paths.length === 0 ? 'what changed since the last root' : `${names.join(', ')}${more}`;
        throw new VtError('EFAILED', `not stored, and lost with the mount: ${what}: ${text}`, { cause: unsaved.error });
      }
      if (text !== told) this.#options.onTrouble(unsaved.error);
      told = text;
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #saveRest(): Promise<Unsaved | undefined> {
    await (this.#running.again ?? this.#running.sync ?? Promise.resolve()).catch(() => undefined);
    // Only the sync knows which hard links are excluded; it stores the others.
    return await this.#save(() => true);
  }

  /** Stores and records changes when one of several mounts ends. */
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

  /** Reports a request that fails with EIO. @param top - top Dir of the mount that it came through */
  #fault(error: unknown, { operation, subject }: FaultyRequest, top: LiveDir | undefined): void {
    const octets =
      typeof subject === 'string' ? undefined : this.#live.pathOf(subject === ROOT_INO && top !== undefined ? top.id : subject);
    const path = typeof subject === 'string' ? subject : octets && octetsToText(octets);
    this.#options.onFault(error, path === undefined ? operation : `${operation} "${path}"`);
  }

  async #tick(): Promise<void> {
    const unsaved = await this.save();
    const text = unsaved === undefined ? undefined : errorText(unsaved.error);
    if (text !== undefined && text !== this.#trouble) this.#options.onTrouble(unsaved?.error);
    this.#trouble = text;
  }

  /** Calls during a running sync share the next one. */
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
