import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_OWNER_NAMES } from '../../core/base/system/owner-names.ts';
import { storeContent } from '../../core/blockify/store-content.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import { MemoryStore } from '../../core/store/memory.ts';
import type { Store } from '../../core/store/store.ts';
import type { LiveTree } from '../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import { FileClock } from '../../fuse/live/file-clock.ts';
import type { LiveFilesystem } from '../../fuse/live/live-filesystem.ts';
import { liveFilesystem } from '../../fuse/live/live-filesystem.ts';
import { FilesystemCaller } from './posix/filesystem-caller.ts';

/** A filesystem over a live tree in memory, and somebody who makes calls on it without a mount. */
export class LiveHarness implements AsyncDisposable {
  readonly store: Store;
  /** What went wrong behind the calls. */
  readonly faults: unknown[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'vtftp-live-'));
  #clockNs = BigInt(Date.now()) * 1_000_000n;
  tree: LiveTree;
  live: LiveFilesystem;
  caller: FilesystemCaller;

  /** @param store - left open; default one in memory */
  constructor(store: Store = new MemoryStore()) {
    this.store = store;
    const meta = { mode: 0o755, uid: 0, gid: 0, mtimeNs: this.#nowNs(), ctimeNs: this.#nowNs() };
    this.tree = this.#openTree(undefined);
    this.tree.nodes.root.dirent = { ...this.tree.nodes.root.dirent, meta };
    this.live = this.#serve();
    this.caller = new FilesystemCaller(this.live.filesystem);
  }

  /** Stores everything, forgets the tree, and opens it again by what is stored. */
  async reopen(): Promise<void> {
    await this.caller.leave();
    const root = await this.sync();
    this.live.mount.contents[Symbol.dispose]();
    await this.tree[Symbol.asyncDispose]();
    this.tree = this.#openTree(root);
    this.live = this.#serve();
    this.caller = new FilesystemCaller(this.live.filesystem);
  }

  /** Stores everything. */
  async sync(): Promise<DirDirent> {
    await this.live.settle();
    const root = await this.tree.sync();
    if (root.kind !== 'dir') throw new Error('the root is no Dir');
    return root;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.live.mount.contents[Symbol.dispose]();
    await this.tree[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Each look at the clock is a microsecond later. */
  readonly #nowNs = (): bigint => {
    this.#clockNs += 1000n;
    return this.#clockNs;
  };

  #openTree(root: DirDirent | undefined): LiveTree {
    return openLiveTree(this.store, root, { nowNs: this.#nowNs });
  }

  #serve(): LiveFilesystem {
    const { tree, store } = this;
    return liveFilesystem({
      store,
      nodes: tree.nodes,
      frontFolder: this.#folder,
      storeContent: (content, options) => storeContent(store, content, options),
      syncTree: async () => void (await tree.sync()),
      clock: new FileClock(this.#nowNs),
      owners: NO_OWNER_NAMES,
      owner: { uid: 0, gid: 0 },
      onTrouble: (error) => void this.faults.push(error),
    });
  }
}
