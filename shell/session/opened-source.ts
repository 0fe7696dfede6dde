import type { Archive, RecordedDir } from '../../core/archive/archive.ts';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import type { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import type { Dirent } from '../../core/dirent/dirent.ts';
import type { RecordAs } from '../../core/history/ancestry.ts';
import type { ServedMount } from '../../core/store/capabilities.ts';
import type { Store } from '../../core/store/store.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { StoreOpener } from './stores.ts';

/** The roots of a tree that another process serves. */
export interface ServedRoots {
  /** As `Session.become`. */
  become(action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal: AbortSignal | undefined): Promise<void>;
  /** As `Session.refresh`. */
  refresh(signal: AbortSignal | undefined): Promise<void>;
  /** As `Session.recordBefore`. */
  recordBefore(path: TreePath, signal: AbortSignal | undefined): Promise<void>;
  /** As `Session.keep`. */
  keep(signal: AbortSignal | undefined): Promise<void>;
  /** As `Session.sync` with a way to be recorded. */
  record(as: RecordAs, signal: AbortSignal | undefined): Promise<Dirent>;
}

/** A tree that was opened, and what belongs to it. */
export interface OpenedSource {
  readonly tree: Tree;
  /** The Store of new Blocks. */
  readonly store: Store;
  /** The archive of synced roots. */
  readonly archive: Archive | undefined;
  /** The archive's name in its Store. */
  readonly archiveName?: string | undefined;
  /** The number of its state in the archive, where one that is past was named. */
  readonly number?: number | undefined;
  /** Its named Store does not exist: nothing can be read. */
  readonly lacksStore?: boolean;
  /** Name of its archive that does not exist: nothing can be read. */
  readonly lacksArchive?: string;
  /** The root that the tree started from; undefined for an empty one and for an ordinary directory. */
  readonly base: Dirent | undefined;
  /** Where its roots are recorded besides, so that gc keeps them: the archive, if any, is none of the Store's. */
  readonly keptIn?: Archive | undefined;
  /** It was opened by its Dirref, which opens it as it was. */
  readonly isReference?: boolean;
  /** It was opened by its Dirref: nobody has recorded it, and perhaps not all of it is in the Store. */
  readonly mayLackBlocks?: boolean;
  /** It was opened by a URI with a host: the specification of that host's Store, where Blocks are that are not here. */
  readonly host?: string | undefined;
  /** Of the live tree of a mount: what the process does that serves it, where the roots are recorded. */
  readonly served?: ServedRoots;
  /** Of the same: the mount, for code that reaches it through this session. */
  readonly mount?: ServedMount;
  /** It is an ordinary directory. */
  readonly isDirectory?: boolean;
  /** Where the working path starts, if not at the root: what a mount has at its top. */
  readonly start?: TreePath;
}

export interface SourceOptions extends StoreOpener {
  /** `-S`, or undefined for the default Store. */
  readonly storeSpecification: string | undefined;
  readonly localCwd: Octets;
  readonly now: () => Date;
  /** Puts a Store on top that keeps what is added to itself: for `-n`. */
  readonly wrapStore: (store: Store) => Promise<Store>;
  /** `-n`: nothing may be changed. */
  readonly plan?: boolean;
  /** Whether ordinary directories may be changed, with a notice, are read-only (default), or are opened beside a tree, to read. */
  readonly directories?: 'changed' | 'read' | 'beside';
  /** It is opened through a bookmark; bookmarks cannot refer to other bookmarks. */
  readonly isBookmark?: boolean;
  /** Called if an opened live mount ends while no request is pending. */
  readonly onGone?: ((error: VtError) => void) | undefined;
}
