import { constants } from 'node:fs';
import type { Octets } from '../../../core/base/octets.ts';
import type { LiveDir } from '../../../core/tree/live/live-node.ts';
import type { Attributes, Caller, EntrySink, Filesystem, LockOperations, Maybe, Opened } from '../../filesystem.ts';
import { ROOT_INO, whenThere } from '../../filesystem.ts';
import { FilesystemError } from '../../filesystem-error.ts';
import type { Notices } from '../../notices.ts';
import type { LiveFilesystem } from '../live-filesystem.ts';
import { KnownNames } from './known-names.ts';
import type { Views } from './views.ts';

/** How one mount sees a live filesystem that it shares with others. */
export interface ViewOptions {
  /** The Dir at the top, held once for this view, which releases it at its end; undefined: the tree's own. */
  readonly top: LiveDir | undefined;
  /** The other mounts of the tree. */
  readonly views: Views;
  /** The kernel collects writes in its page cache, and trusts its own size of a file as long as it knows the file. */
  readonly keepsSizes: boolean;
  /** Files can be written through it. */
  readonly writes: boolean;
  /** Locks are shared: they hold for all mounts of the tree. */
  readonly sharesLocks: boolean;
}

/** One mount's view of a live filesystem. */
export interface View {
  readonly filesystem: Filesystem;
  /** Sets this mount's kernel, which is then notified of changes through other mounts. */
  hear(kernel: Notices): void;
  /** Makes its kernel forget its cached content of a file. */
  refresh(ino: number): void;
  /** Releases nodes that its kernel was given and has not forgotten. */
  end(): void;
}

/**
 * A view of a live filesystem with its own top Dir. It tracks the nodes given to its kernel: the kernel is notified only of nodes
 * that it knows, and no hold is left if it ends without notice. The view notifies the other views of each change.
 */
export function viewOf(live: LiveFilesystem, { top, views, keepsSizes, writes, sharesLocks }: ViewOptions): View {
  const inner = live.filesystem;
  const topIno = top?.id ?? ROOT_INO;
  const known = new Map<number, number>();
  const names = new KnownNames(live);
  const files = new Map<number, number>();
  /** Handles through which this kernel may write, each with the function that ends that. */
  const writers = new Map<number, () => void>();
  const dirs = new Map<number, number>();
  let kernel: Notices | undefined;
  if (top !== undefined) live.mount.inodes.give(top);

  const inward = (ino: number): number => (ino === ROOT_INO ? topIno : ino);
  const outward = (ino: number): number => (ino === topIno ? ROOT_INO : ino);
  const shown = (attributes: Attributes): Attributes =>
    attributes.ino === topIno && topIno !== ROOT_INO ? { ...attributes, ino: ROOT_INO } : attributes;
  const given = (attributes: Attributes): Attributes => {
    known.set(attributes.ino, (known.get(attributes.ino) ?? 0) + 1);
    return attributes;
  };
  const givenName = (attributes: Attributes, parent: number, name: Octets): Attributes => {
    if (keepsSizes) names.given(attributes.ino, { parent, name });
    return given(attributes);
  };
  const opened = <T extends Opened>(handles: Map<number, number>, ino: number, open: T): T => {
    handles.set(open.handle, ino);
    return open;
  };
  /** Notes an open file. If another mount may write it too, this kernel caches neither size nor content, and refuses shared mappings. */
  const openedFile = <T extends Opened>(ino: number, open: T, flags: number): T => {
    const isWriter = isWriting(flags);
    const direct = views.othersWrite(notices) && (isWriter || (keepsSizes && views.writers.has(ino)));
    if (isWriter) writers.set(open.handle, views.writers.open(notices, ino, keepsSizes && !direct));
    return opened(files, ino, direct ? { ...open, direct } : open);
  };
  /** EBUSY if another kernel still has collected writes from before this mount: they would later overwrite writes made here. */
  const requireFree = (ino: number): void => {
    if (views.writers.isCollectedElsewhere(notices, ino)) throw new FilesystemError('EBUSY');
  };
  const mayHoldWrites = (ino: number): boolean => views.writers.isCollectedBy(notices, ino);
  const knows = (ino: number): boolean => ino === topIno || known.has(ino);

  const notices: Notices = {
    node(ino, content) {
      if (kernel === undefined || !knows(ino)) return;
      kernel.node(outward(ino), content);
      // A kernel also uses its own size to compute the file position after an append.
      if (!content || !(keepsSizes || views.writers.isOpenBy(notices, ino))) return;
      // Without a name the kernel forgets the file once it is closed, together with its size.
      if (keepsSizes) for (const { parent, name } of names.of(ino)) kernel.name(outward(parent), name);
      const end = mayHoldWrites(ino) ? undefined : live.mount.endNow(ino);
      if (end !== undefined) kernel.grown(outward(ino), end.size, end.last);
    },
    grown(ino, size, last) {
      if (knows(ino)) kernel?.grown(outward(ino), size, last);
    },
    name(parent, name) {
      if (knows(parent)) kernel?.name(outward(parent), name);
    },
    async idle() {
      await kernel?.idle();
    },
  };

  /** Notifies the other mounts, if any, and answers once they know. */
  const telling = <T>(done: Maybe<T>, tell: (view: Notices, value: T) => void): Maybe<T> => {
    if (views.size < 2) return done;
    const told = async (value: T): Promise<T> => {
      views.tellOthers(notices, (view) => tell(view, value));
      await views.othersIdle(notices);
      return value;
    };
    return done instanceof Promise ? done.then(told) : told(done);
  };
  const nodeChanged =
    (ino: number, content: boolean) =>
    (view: Notices): void =>
      view.node(ino, content);
  const nameChanged = (view: Notices, parent: number, name: Octets): void => {
    view.name(parent, name);
    view.node(parent, true);
  };
  const made = (done: Maybe<Attributes>, parent: number, name: Octets): Maybe<Attributes> =>
    telling(
      whenThere(done, (attributes) => givenName(attributes, parent, name)),
      (view, { ino, nlink }) => {
        nameChanged(view, parent, name);
        if (nlink > 1) view.node(ino, false);
      },
    );
  /** Performs a change of names that also changes their nodes: links and times. */
  const withNodes = (
    places: readonly (readonly [parent: number, name: Octets])[],
    caller: Caller,
    work: () => Maybe<void>,
  ): Maybe<void> => {
    if (views.size < 2) return work();
    return (async () => {
      const inos: number[] = [];
      for (const [parent, name] of places) {
        const found = await inner.lookup(parent, name, caller);
        if (found !== undefined) inos.push(found.ino);
      }
      try {
        await work();
        views.tellOthers(notices, (view) => {
          for (const [parent, name] of places) nameChanged(view, parent, name);
          for (const ino of inos) view.node(ino, false);
        });
      } finally {
        for (const ino of inos) inner.forget(ino, 1);
      }
      await views.othersIdle(notices);
    })();
  };
  const sinkOf = (parent: number, sink: EntrySink): EntrySink => {
    return (entry) => {
      const isTaken = sink(entry.ino === topIno && topIno !== ROOT_INO ? { ...entry, ino: ROOT_INO } : entry);
      if (isTaken && entry.attributes !== undefined) givenName(entry.attributes, parent, entry.name);
      return isTaken;
    };
  };
  const forget = (ino: number, lookups: number): void => {
    const held = known.get(ino) ?? 0;
    if (held <= lookups) {
      known.delete(ino);
      names.forget(ino);
    } else known.set(ino, held - lookups);
    inner.forget(ino, Math.min(held, lookups));
  };

  const locks = inner.locks === undefined || !sharesLocks ? {} : { locks: locksOf(inner.locks, views.nextNumber()) };

  const filesystem: Filesystem = {
    ...locks,
    lookup: (parent, name, caller) => {
      const dir = inward(parent);
      return whenThere(inner.lookup(dir, name, caller), (found) => (found === undefined ? undefined : givenName(found, dir, name)));
    },
    forget,
    getattr: (ino, handle) => whenThere(inner.getattr(inward(ino), handle), shown),
    birthTime: (ino) => inner.birthTime(inward(ino)),
    setattr(ino, change, caller) {
      const node = inward(ino);
      if (change.size !== undefined) requireFree(node);
      return telling(whenThere(inner.setattr(node, change, caller), shown), nodeChanged(node, change.size !== undefined));
    },
    readlink: (ino) => inner.readlink(ino),
    symlink: (parent, name, target, caller) => made(inner.symlink(inward(parent), name, target, caller), inward(parent), name),
    mknod: (parent, name, mode, umask, rdev, caller) =>
      made(inner.mknod(inward(parent), name, mode, umask, rdev, caller), inward(parent), name),
    mkdir: (parent, name, mode, umask, caller) => made(inner.mkdir(inward(parent), name, mode, umask, caller), inward(parent), name),
    unlink: (parent, name, caller) => withNodes([[inward(parent), name]], caller, () => inner.unlink(inward(parent), name, caller)),
    rmdir: (parent, name, caller) => withNodes([[inward(parent), name]], caller, () => inner.rmdir(inward(parent), name, caller)),
    rename(parent, name, newParent, newName, flags, caller) {
      const [from, to] = [inward(parent), inward(newParent)];
      const places = [[from, name] as const, [to, newName] as const];
      const done = withNodes(places, caller, () => inner.rename(from, name, to, newName, flags, caller));
      if (!keepsSizes) return done;
      return whenThere(done, () => {
        names.renamed({ parent: from, name }, { parent: to, name: newName });
      });
    },
    link: (ino, parent, name, caller) => made(inner.link(ino, inward(parent), name, caller), inward(parent), name),

    open(ino, flags, killSuidGid, caller) {
      if (isWriting(flags)) requireFree(ino);
      return telling(
        whenThere(inner.open(ino, flags, killSuidGid, caller), (open) => openedFile(ino, open, flags)),
        (view) => {
          if ((flags & constants.O_TRUNC) !== 0 || killSuidGid) view.node(ino, true);
        },
      );
    },
    create: (parent, name, mode, umask, flags, caller) =>
      telling(
        whenThere(inner.create(inward(parent), name, mode, umask, flags, caller), (open) => {
          givenName(open.attributes, inward(parent), name);
          return openedFile(open.attributes.ino, open, flags);
        }),
        (view) => nameChanged(view, inward(parent), name),
      ),
    tmpfile: (parent, mode, umask, flags, caller) =>
      whenThere(inner.tmpfile(inward(parent), mode, umask, flags, caller), (open) => {
        given(open.attributes);
        return openedFile(open.attributes.ino, open, flags);
      }),
    read: (ino, handle, offset, size, caller) => inner.read(ino, handle, offset, size, caller),
    write(ino, handle, offset, data, how, caller) {
      const done = telling(inner.write(ino, handle, offset, data, how, caller), nodeChanged(ino, true));
      // The data may be at another offset than in this kernel's pages.
      return how.append && views.size > 1
        ? whenThere(done, (count) => {
            notices.node(ino, true);
            return count;
          })
        : done;
    },
    release(ino, handle) {
      files.delete(handle);
      writers.get(handle)?.();
      writers.delete(handle);
      return inner.release(ino, handle);
    },
    fsync: (ino, handle, dataOnly) => inner.fsync(ino, handle, dataOnly),
    fallocate: (ino, handle, mode, offset, length, caller) =>
      telling(inner.fallocate(ino, handle, mode, offset, length, caller), nodeChanged(ino, true)),
    async seek(ino, handle, offset, whence) {
      if (kernel !== undefined && mayHoldWrites(ino)) {
        // Linux asks for data and holes without writing its pages first (fuse_lseek), but does so when it is to forget them.
        kernel.node(outward(ino), true);
        await kernel.idle();
      }
      return await inner.seek(ino, handle, offset, whence);
    },
    copyRange: (from, to, caller) => telling(inner.copyRange(from, to, caller), nodeChanged(to.ino, true)),

    opendir: (ino, caller) => whenThere(inner.opendir(inward(ino), caller), (open) => opened(dirs, inward(ino), open)),
    readdir: (ino, handle, offset, plus, sink, caller) =>
      inner.readdir(inward(ino), handle, offset, plus, sinkOf(inward(ino), sink), caller),
    releasedir(ino, handle) {
      dirs.delete(handle);
      return inner.releasedir(inward(ino), handle);
    },
    fsyncdir: (ino, handle) => inner.fsyncdir(inward(ino), handle),
    statfs: (ino) => inner.statfs(inward(ino)),
    syncfs: () => inner.syncfs(),
    getxattr: (ino, name, caller) => inner.getxattr(inward(ino), name, caller),
    listxattr: (ino, caller) => inner.listxattr(inward(ino), caller),
    setxattr: (ino, name, value, flags, caller) =>
      telling(inner.setxattr(inward(ino), name, value, flags, caller), nodeChanged(inward(ino), false)),
    removexattr: (ino, name, caller) => telling(inner.removexattr(inward(ino), name, caller), nodeChanged(inward(ino), false)),
  };

  return {
    filesystem,
    hear(theirs) {
      kernel = theirs;
      views.add(notices, writes);
    },
    refresh: (ino) => notices.node(inward(ino), true),
    end() {
      views.delete(notices);
      kernel = undefined;
      for (const [handle, ino] of files) void inner.release(ino, handle);
      for (const [handle, ino] of dirs) void inner.releasedir(ino, handle);
      for (const [ino, lookups] of known) inner.forget(ino, lookups);
      if (top !== undefined) inner.forget(topIno, 1);
      files.clear();
      for (const ended of writers.values()) ended();
      writers.clear();
      dirs.clear();
      known.clear();
      names.clear();
    },
  };
}

/** Makes lock owners unique: each kernel has its own names for them. */
function locksOf(locks: LockOperations, view: number): LockOperations {
  const named = (owner: string): string => `${view}:${owner}`;
  return {
    test: (ino, wanted) => locks.test(ino, { ...wanted, owner: named(wanted.owner) }),
    set: (ino, handle, wanted, waits, caller) => locks.set(ino, handle, { ...wanted, owner: named(wanted.owner) }, waits, caller),
    flush: (ino, owner) => locks.flush(ino, () => named(owner())),
  };
}

function isWriting(flags: number): boolean {
  return (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
}
