import { VtError } from '../core/base/errors.ts';
import type { OwnerNames } from '../core/base/owner-names.ts';
import type { LiveTree } from '../core/tree/live-tree.ts';
import { mountKernel } from './kernel/kernel-mount.ts';
import { tellChanges } from './live/change-notices.ts';
import { liveFilesystem } from './live/live-filesystem.ts';
import type { LiveMountOptions } from './live/live-mount.ts';

/** How a live tree is mounted and served. */
export interface ServeOptions {
  readonly mountPoint: string;
  /** What `mount` lists as the source. */
  readonly source: string;
  readonly readOnly: boolean;
  readonly allowOther: boolean;
  /** The kernel collects small writes before it hands them on. */
  readonly writeback: boolean;
  /** Seconds between two syncs while something changes; 0: only when somebody asks, and at the end. */
  readonly syncSeconds: number;
  readonly frontFolder: string;
  readonly storeContent: LiveMountOptions['storeContent'];
  /** Stores what changed and records the root. */
  readonly syncTree: () => Promise<void>;
  readonly owners: OwnerNames;
  /** Is told once the mount can be used. */
  readonly onReady: () => void;
  /** What went wrong and clients saw as EIO. */
  readonly onFault: (error: unknown) => void;
  readonly onBusy: (error: VtError) => void;
  /** Fires when the mount is to be taken away. */
  readonly signal: AbortSignal;
}

/**
 * Mounts a live tree and serves it until the mount is taken away, by whomever, or the signal fires. All that was
 * written is in the tree and its Store then; the caller records the root.
 */
export async function serveTree(tree: LiveTree, options: ServeOptions): Promise<void> {
  const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;
  const running = { sync: undefined as Promise<void> | undefined, again: undefined as Promise<void> | undefined };
  // Those who ask while a sync is under way share the next one.
  const syncTree = (): Promise<void> => {
    if (running.sync === undefined) {
      running.sync = options.syncTree().finally(() => {
        running.sync = undefined;
      });
      return running.sync;
    }
    running.again ??= running.sync
      .catch(() => undefined)
      .then(() => {
        running.again = undefined;
        return syncTree();
      });
    return running.again;
  };
  const live = liveFilesystem({
    store: tree.store,
    nodes: tree.nodes,
    frontFolder: options.frontFolder,
    storeContent: options.storeContent,
    syncTree,
    nowNs,
    owners: options.owners,
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    onFault: options.onFault,
  });
  const mount = await mountKernel(live.filesystem, options);
  const watching = new AbortController();
  const told = tellChanges(live.mount, tree.watchOthers(live.mount, { signal: watching.signal }), mount.notifier);
  const ticker = options.syncSeconds === 0 ? undefined : setInterval(() => void tick(), options.syncSeconds * 1000);
  const tick = async (): Promise<void> => {
    try {
      await live.settle();
      if (tree.changed) await syncTree();
    } catch (error) {
      options.onFault(error);
    }
  };
  const leave = (): void => {
    mount.unmount().catch((error: unknown) => {
      if (error instanceof VtError) options.onBusy(error);
      // Whoever is inside may finish; nobody new comes in.
      mount.unmount({ lazy: true }).catch(options.onFault);
    });
  };
  try {
    if (options.signal.aborted) leave();
    else options.signal.addEventListener('abort', leave, { once: true });
    options.onReady();
    await mount.ended;
  } finally {
    options.signal.removeEventListener('abort', leave);
    clearInterval(ticker);
    watching.abort();
    await told;
    await live.settle();
    live.mount.contents[Symbol.dispose]();
    await (running.again ?? running.sync ?? Promise.resolve()).catch(() => undefined);
  }
}
