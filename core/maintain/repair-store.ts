import { throwIfCancelled, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Store } from '../store/store.ts';
import type { Finding } from './findings.ts';
import { NeededStore } from './needed-store.ts';
import type { StoreView } from './store-view.ts';

export interface RepairOptions {
  /** The Store whose Blocks are in the one that is repaired; default: that one itself. */
  readonly view?: StoreView;
  readonly signal?: AbortSignal | undefined;
  /** Other Stores that may have what is missing. */
  readonly sources: readonly Store[];
  /** Local files and directories that may still hold it. */
  readonly files: readonly Octets[];
  readonly moreArchives?: readonly string[];
  /** Called with what is harmed after all. */
  readonly onFinding: (finding: Finding) => void;
  /** Called with each Block that was brought back, and from where. */
  readonly onRepaired: (hashcode: HashCode, from: string) => void;
  /** A source that could not be read. */
  readonly onFailure: (where: string, error: unknown) => void;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number }) => void;
}

/** What repair came to. */
export interface RepairCounts {
  readonly repaired: number;
  /** Paths still harmed, once for each Block. */
  readonly harmed: number;
  /** Blocks still missing or damaged, as far as is known: what those would lead to is not. */
  readonly missing: number;
}

/** Blocks that are needed, by {@link digestKey}. */
export type Needed = ReadonlyMap<string, HashCode>;
/** Called with a Block that was brought back. */
export type Found = (hashcode: HashCode, from: string) => void;

/** A Store that is repaired. */
export interface RepairedStore {
  readonly view: StoreView;
  /** Walks every root, and reports what is harmed. */
  readonly walk: (onFinding: (finding: Finding) => void) => Promise<unknown>;
  /** From now on what is damaged counts as absent, so that it is stored when it is added. */
  readonly setAside: (needed: Needed) => Promise<void>;
  /** Looks in the Store itself. */
  readonly fromOwn?: (needed: Needed, found: Found) => Promise<void>;
  readonly flush: () => Promise<void>;
}

/**
 * Brings back Blocks that roots need and that are missing or damaged, whatever Store it is. Each is verified and added again. What an
 * inner Block leads to is looked for in its turn.
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
