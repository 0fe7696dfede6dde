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

/** Of the keys of what is remembered: owners are recorded by number alone. */
const PROFILE_NUMERIC = 1;
/** The value is not of a directory, but of one file that was imported by itself. */
const PROFILE_SINGLE = 2;
/** MIME types that were found are kept. */
const PROFILE_TYPES = 4;

/** What remembered directories depend on. */
type RememberedOptions = Pick<ImportOptions, 'numericOwners' | 'keepsTypes' | 'parser' | 'plan'> & OpOptions;

/** What earlier imports remembered of directories, and what this one will. It is kept once the Blocks that it promises are added. */
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

  /** To be called first. */
  async open(): Promise<void> {
    await this.#memory?.open(this.#options);
  }

  /** What is remembered of a directory, and under which key. */
  find(stat: NodeStat): { readonly key: Uint8Array; readonly cached: CachedDir | undefined } {
    return this.#find(stat, this.#profile);
  }

  /** Keeps a value once all Blocks that were given to the ingest before are added. */
  remember(key: Uint8Array, value: Uint8Array): void {
    if (this.#options.plan !== true) this.#waiting.push({ key, value });
  }

  /** A file that is imported by itself: it is remembered as the one entry of a directory. */
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

  /** Adds the Blocks of Dirs and superblocks that wait, and keeps what is remembered of the directories whose Blocks are then all added. */
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
