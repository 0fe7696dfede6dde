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

/** Operations on roots that the process serving the tree performs. */
export interface ServedRoots {
  /** As `Session.become`. */
  become(action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal: AbortSignal | undefined): Promise<void>;
  /** As `Session.refresh`. */
  refresh(signal: AbortSignal | undefined): Promise<void>;
  /** As `Session.recordBefore`. */
  recordBefore(path: TreePath, signal: AbortSignal | undefined): Promise<void>;
  /** As `Session.keep`. */
  keep(signal: AbortSignal | undefined): Promise<void>;
  /** As `Session.sync` with a {@link RecordAs}. */
  record(as: RecordAs, signal: AbortSignal | undefined): Promise<Dirent>;
}

/** An opened tree, with its Store, archive and other properties. */
export interface OpenedSource {
  readonly tree: Tree;
  /** The Store of new Blocks. */
  readonly store: Store;
  /** The archive of synced roots. */
  readonly archive: Archive | undefined;
  /** The archive's name in its Store. */
  readonly archiveName?: string | undefined;
  /** The number of its state in the archive, if a past one was named. */
  readonly number?: number | undefined;
  /** Whether the named Store does not exist, so nothing can be read. */
  readonly lacksStore?: boolean;
  /** Name of its archive that does not exist: nothing can be read. */
  readonly lacksArchive?: string;
  /** The root that the tree started from; undefined for an empty one and for an ordinary directory. */
  readonly base: Dirent | undefined;
  /** A second archive for its roots, so that gc keeps their Blocks: the first archive, if any, is outside the Store. */
  readonly keptIn?: Archive | undefined;
  /** Whether it was opened by a Dirref. */
  readonly isReference?: boolean;
  /** Whether it was opened by an unrecorded Dirref, so that some Blocks may be missing. */
  readonly mayLackBlocks?: boolean;
  /** The specification of the host's Store, for a URI with a host. Blocks that are missing here come from it. */
  readonly host?: string | undefined;
  /** For the live tree of a mount: operations of the serving process, which records the roots. */
  readonly served?: ServedRoots;
  /** For the live tree of a mount: the mount itself. */
  readonly mount?: ServedMount;
  /** Whether it is an ordinary directory. */
  readonly isDirectory?: boolean;
  /** The first working path, if not the root: the Dir that a mount shows at its top. */
  readonly start?: TreePath;
}

export interface SourceOptions extends StoreOpener {
  /** `-S`, or undefined for the default Store. */
  readonly storeSpecification: string | undefined;
  readonly localCwd: Octets;
  readonly now: () => Date;
  /** Wraps a Store; `-n` uses it to keep added Blocks in memory. */
  readonly wrapStore: (store: Store) => Promise<Store>;
  /** `-n`: nothing may be changed. */
  readonly plan?: boolean;
  /** Whether ordinary directories may be changed, with a notice, are read-only (default), or are opened beside a tree, to read. */
  readonly directories?: 'changed' | 'read' | 'beside';
  /** Whether it is opened through a bookmark; bookmarks cannot refer to other bookmarks. */
  readonly isBookmark?: boolean;
  /** Called if an opened live mount ends while no request is pending. */
  readonly onGone?: ((error: VtError) => void) | undefined;
}
