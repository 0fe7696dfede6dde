import type { HashCode } from '../block/hashcode.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { readLocatedBlock } from '../datadir/datafiles/located-block.ts';
import type { Location } from '../datadir/index/index-types.ts';
import type { Store } from '../store/store.ts';
import type { Finding } from './findings.ts';
import type { BlockFault } from './reach.ts';
import { Reach } from './reach.ts';
import type { Root, RootsOptions } from './roots.ts';
import { archiveRoots } from './roots.ts';
import type { StoreView } from './store-view.ts';
import { viewOf } from './store-view.ts';

/** Bytes of a data file without a whole record. */
export interface DamagedPart {
  readonly start: number;
  readonly end: number;
}

export interface HarmWalkOptions extends Omit<RootsOptions, 'onDamage'> {
  /** The Store through which trees are read; default: the datadir itself. */
  readonly view?: StoreView | undefined;
  readonly onFinding: (finding: Finding) => void;
  /** Known damage of the data files, by name. */
  readonly damagedParts?: ReadonlyMap<string, readonly DamagedPart[]>;
  /** Sizes of the data files in bytes: Blocks beyond the end are missing. */
  readonly sizes?: ReadonlyMap<string, number>;
  readonly onProgress?: (counts: { readonly roots: number; readonly entries: number }) => void;
}

/** Counts of a walk over every root. */
export interface HarmWalkCounts {
  readonly roots: number;
  readonly dirs: number;
  readonly entries: number;
  /** Blocks that list others or entries; each was read and verified. */
  readonly innerBlocks: number;
  /** References to content Blocks that were looked up in the index. */
  readonly lookups: number;
}

/**
 * Walks every root of a datadir and reports the paths with missing or damaged Blocks. Inner Blocks are read and verified. Content Blocks
 * are only looked up in the index, and read if it marks them as damaged.
 */
export async function walkHarm(datadir: Datadir, options: HarmWalkOptions): Promise<HarmWalkCounts> {
  const { index, readers, hash } = datadir.internals();
  const { damagedParts, sizes, view = viewOf(datadir) } = options;
  let lookups = 0;
  const isAmong = (location: Location): boolean => {
    const size = sizes?.get(location.file);
    if (sizes !== undefined && (size === undefined || location.offset + location.storedSize > size)) return true;
    const parts = damagedParts?.get(location.file) ?? [];
    return parts.some(({ start, end }) => location.offset < end && location.offset + location.storedSize > start);
  };
  const leaf = ({ digest }: HashCode): BlockFault | undefined => {
    lookups++;
    const name = view.nameOf(digest);
    const location = index.get(name);
    if (location === undefined) return 'missing';
    if (location.isDamaged !== true && !isAmong(location)) return undefined;
    // The index also marks Blocks that gc set aside, and the damage may be next to the Block: read it to be sure.
    const found = readLocatedBlock(readers, location, name, hash);
    return found.kind === 'block' ? undefined : found.kind === 'gone' ? 'missing' : 'damaged';
  };
  const counts = await walkRoots(
    {
      store: view.store,
      roots: (rootsOptions) => archiveRoots(view.store, { ...options, ...rootsOptions }),
      leaf,
      locate: (digest) => index.get(view.nameOf(digest)),
    },
    options,
  );
  return { ...counts, lookups };
}

/** A Store to walk: its roots, and the places of its Blocks. */
export interface WalkedStore {
  readonly store: Pick<Store, 'get' | 'name' | 'hashName'>;
  readonly roots: (options: RootsOptions) => AsyncIterable<Root>;
  /** The fault of a content Block, if any. */
  readonly leaf: (hashcode: HashCode) => BlockFault | undefined;
  readonly locate: (digest: Uint8Array) => Pick<Location, 'file' | 'offset'> | undefined;
}

/** Walks every root of any kind of Store and reports the harmed paths. */
export async function walkRoots(
  { store, roots, leaf, locate }: WalkedStore,
  { signal, onFinding, onProgress }: Pick<HarmWalkOptions, 'signal' | 'onFinding' | 'onProgress'>,
): Promise<Omit<HarmWalkCounts, 'lookups'>> {
  let archive = '';
  let number = 0;
  const reach = new Reach(store, {
    leaf,
    inner: () => undefined,
    signal,
    harm({ path, hashcode, fault, reason }) {
      const location = hashcode === undefined ? undefined : locate(hashcode.digest);
      onFinding({
        kind: 'harm',
        path,
        archive,
        number,
        hashcode,
        fault,
        ...(location === undefined ? {} : { file: location.file, offset: location.offset }),
        ...(reason === undefined ? {} : { reason }),
      });
    },
  });
  let count = 0;
  const onDamage = (damage: { readonly archive: string; readonly line: number; readonly reason: string }): void =>
    onFinding({ kind: 'archive', ...damage });
  for await (const root of roots({ signal, onDamage })) {
    ({ archive, number } = root);
    await reach.walk(root.dirent);
    onProgress?.({ roots: ++count, entries: reach.entries });
  }
  return { roots: count, dirs: reach.dirs, entries: reach.entries, innerBlocks: reach.innerBlocks };
}
