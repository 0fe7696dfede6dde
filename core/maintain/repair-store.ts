import { throwIfCancelled, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Store } from '../store/store.ts';
import type { Finding } from './findings.ts';
import { NeededStore } from './needed-store.ts';
import type { StoreView } from './store-view.ts';

export interface RepairOptions {
  /** The Store through which trees are read; default: the repaired Store itself. */
  readonly view?: StoreView;
  readonly signal?: AbortSignal | undefined;
  /** Other Stores that may have the missing Blocks. */
  readonly sources: readonly Store[];
  /** Local files and directories that may still have the same bytes. */
  readonly files: readonly Octets[];
  readonly moreArchives?: readonly string[];
  /** Called with the harm that remains. */
  readonly onFinding: (finding: Finding) => void;
  /** Called with each restored Block, and its source. */
  readonly onRepaired: (hashcode: HashCode, from: string) => void;
  /** Called with each source that could not be read. */
  readonly onFailure: (where: string, error: unknown) => void;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number }) => void;
}

/** The result of a repair. */
export interface RepairCounts {
  readonly repaired: number;
  /** Paths still harmed, counted once per Block. */
  readonly harmed: number;
  /** Blocks still missing or damaged, as far as known: those below a missing inner Block are unknown. */
  readonly missing: number;
}

/** Needed Blocks, by {@link digestKey}. */
export type Needed = ReadonlyMap<string, HashCode>;
/** Called with a restored Block, and its source. */
export type Found = (hashcode: HashCode, from: string) => void;

/** A Store to repair. */
export interface RepairedStore {
  readonly view: StoreView;
  /** Walks every root and reports the harm. */
  readonly walk: (onFinding: (finding: Finding) => void) => Promise<unknown>;
  /** Makes damaged Blocks count as absent, so that they are stored when they are added. */
  readonly setAside: (needed: Needed) => Promise<void>;
  /** Searches the Store itself for good copies. */
  readonly fromOwn?: (needed: Needed, found: Found) => Promise<void>;
  readonly flush: () => Promise<void>;
}

/**
 * Restores missing or damaged Blocks that roots need, for any kind of Store. Each is verified and added again. Rounds repeat while they
 * restore something, since a restored inner Block may name further missing ones.
 */
export async function repairStore(store: RepairedStore, options: RepairOptions): Promise<RepairCounts> {
  const { view } = store;
  let repaired = 0;
  for (;;) {
    throwIfCancelled(options.signal);
    const findings: Finding[] = [];
    const needed = new Map<string, HashCode>();
    await store.walk((finding) => {
      findings.push(finding);
      if (finding.kind === 'harm' && finding.hashcode?.hashName === view.store.hashName)
        needed.set(digestKey(finding.hashcode.digest), finding.hashcode);
    });
    const before = needed.size;
    if (before > 0) {
      await store.setAside(needed);
      const found: Found = (hashcode, from) => {
        if (!needed.delete(digestKey(hashcode.digest))) return;
        repaired++;
        options.onRepaired(hashcode, from);
      };
      await store.fromOwn?.(needed, found);
      for (const source of options.sources) await fromStore(view.store, source, needed, found, options);
      if (needed.size > 0) await fromFiles(view.store, needed, found, options);
      await store.flush();
    }
    if (needed.size < before) continue;
    for (const finding of findings) options.onFinding(finding);
    return { repaired, harmed: findings.filter(({ kind }) => kind === 'harm').length, missing: before };
  }
}

async function fromStore(store: Store, source: Store, needed: Needed, found: Found, options: RepairOptions): Promise<void> {
  const { signal } = options;
  let done = 0;
  for (const hashcode of [...needed.values()]) {
    throwIfCancelled(signal);
    let data: Uint8Array | undefined;
    try {
      data = await source.get(hashcode, { signal });
    } catch (error) {
      if (error instanceof VtError && error.code === 'ECANCELLED') throw error;
      if (!(error instanceof VtError) || error.code !== 'ECORRUPT') options.onFailure(source.name, error);
      continue;
    }
    if (data === undefined) continue;
    await store.addBatch([{ digest: hashcode.digest, data }], { signal });
    found(hashcode, source.name);
    options.onProgress?.({ doing: source.name, done: ++done });
  }
}

async function fromFiles(store: Store, needed: Needed, found: Found, options: RepairOptions): Promise<void> {
  if (options.files.length === 0) return;
  const { importLocal } = await import('../import/import.ts');
  const { octetsToText } = await import('../base/octets.ts');
  for (const path of options.files) {
    const sieve = new NeededStore(store, needed, (digest) => {
      const hashcode = needed.get(digestKey(digest));
      if (hashcode !== undefined) found(hashcode, octetsToText(path));
    });
    try {
      await importLocal(sieve, path, {
        signal: options.signal,
        reread: true,
        onFailure: (failed, error) => options.onFailure(octetsToText(failed), error),
        onProgress: ({ bytes }) => options.onProgress?.({ doing: 'local files', done: bytes }),
      });
    } catch (error) {
      if (error instanceof VtError && error.code === 'ECANCELLED') throw error;
      options.onFailure(octetsToText(path), error);
    }
  }
}
