import type { OpOptions } from '../base/op-options.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { Ingest } from '../blockify/ingest/ingest.ts';
import type { ImportMemory } from '../store/capabilities.ts';
import { importMemoryOf } from '../store/import-memory.ts';
import type { Store } from '../store/store.ts';
import { CachedDir, CacheWriter, cacheKey } from './import-cache.ts';
import type { EntryOutcome } from './import-dir.ts';
import type { FoundNode } from './import-node.ts';
import type { ImportOptions } from './import-options.ts';

/** Flags of cache keys. This one: owners are recorded by number only. */
const PROFILE_NUMERIC = 1;
/** The value is that of a single imported file, not of a directory. */
const PROFILE_SINGLE = 2;
/** MIME types of contents are stored. */
const PROFILE_TYPES = 4;

/** The options on which cached directories depend. */
type RememberedOptions = Pick<ImportOptions, 'numericOwners' | 'keepsTypes' | 'parser' | 'plan'> & OpOptions;

/** The import cache: reads values of earlier imports, and keeps new ones once the Blocks to which they refer are added. */
export class RememberedDirs {
  readonly #store: Store;
  readonly #memory: ImportMemory | undefined;
  readonly #ingest: Ingest;
  readonly #owners: OwnerNames;
  readonly #options: RememberedOptions;
  readonly #profile: number;
  readonly #waiting: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: Store, ingest: Ingest, owners: OwnerNames, options: RememberedOptions) {
    this.#store = store;
    this.#memory = importMemoryOf(store);
    this.#ingest = ingest;
    this.#owners = owners;
    this.#options = options;
    this.#profile = (options.numericOwners === true ? PROFILE_NUMERIC : 0) | (options.keepsTypes === true ? PROFILE_TYPES : 0);
  }

  /** Opens the cache. Call this first. */
  async open(): Promise<void> {
    await this.#memory?.open(this.#options);
  }

  /** The cached value of a directory, and its key. */
  find(stat: NodeStat): { readonly key: Uint8Array; readonly cached: CachedDir | undefined } {
    return this.#find(stat, this.#profile);
  }

  /** Caches a value once all Blocks given to the ingest so far are added. */
  remember(key: Uint8Array, value: Uint8Array): void {
    if (this.#options.plan !== true) this.#waiting.push({ key, value });
  }

  /** Prepares the import of a single file. It is cached as the only entry of a directory. */
  single(top: Omit<FoundNode, 'cached'>): FoundNode {
    const { stat, name } = top;
    const { key, cached } = this.#find(stat, this.#profile | PROFILE_SINGLE);
    const entry = cached?.entryAt(cached.start);
    const settle = (outcome: EntryOutcome): void => {
      const { record, signature, same } = outcome;
      if (record !== undefined && signature !== undefined && same !== true) {
        const writer = new CacheWriter();
        writer.add(name, signature, record, undefined);
        const uid = Number(stat.uid);
        const gid = Number(stat.gid);
        const pairs = { users: new Map([[uid, this.#owners.userName(uid)]]), groups: new Map([[gid, this.#owners.groupName(gid)]]) };
        this.remember(key, writer.finish(EMPTY_BLOCK, 0, pairs));
      }
      top.settle(outcome);
    };
    return { ...top, cached: entry?.name === name ? entry : undefined, settle };
  }

  /** Adds the pending Blocks of Dirs and superblocks, then caches the values that refer to them. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      const puts = this.#waiting.splice(0);
      await this.#ingest.flushPending();
      for (const { key, value } of puts) this.#memory?.put(key, value);
      if (this.#memory?.isFull === true) await this.#store.flush(this.#options);
    });
    return this.#flushing;
  }

  #find(stat: NodeStat, profile: number): { readonly key: Uint8Array; readonly cached: CachedDir | undefined } {
    const key = cacheKey(stat, profile, this.#options.parser);
    return { key, cached: CachedDir.load(this.#memory, key, this.#owners) };
  }
}
