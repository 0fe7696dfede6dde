import { join } from 'node:path';
import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashFunction } from '../block/hash.ts';
import { Filecache } from '../datadir/filecache/filecache.ts';
import type { AddTally } from '../store/add-tally.ts';
import { packRecords } from '../store/records/record-batch.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import { BucketAdds } from './bucket-adds.ts';
import { BucketIndex } from './bucket-index.ts';
import { BucketReads } from './bucket-reads.ts';
import type { IndexedPack } from './index-segment.ts';
import { SessionSigns } from './live-sessions.ts';
import { LocalIndex } from './local-index.ts';
import { readPackIndex } from './pack-index.ts';
import type { PackName } from './pack-names.ts';
import { kindOfPack } from './pack-names.ts';
import { PackUploads } from './pack-uploads.ts';
import type { S3Client } from './s3-client.ts';

/** Octets of metadata that this machine keeps of one Store. */
const MAX_KEPT = 256 * 1024 * 1024;
const KEPT_FILES = 8;

export interface OpenBucketParts {
  readonly client: S3Client;
  readonly hash: HashFunction;
  readonly storeId: string;
  /** What this machine keeps of the Store lies there. */
  readonly folder: string;
  readonly clock: () => Date;
  readonly tally: AddTally;
  /** How Blocks are stored. */
  readonly compression: StoredCompression;
  /** Whether this session may write. */
  readonly isWritable: boolean;
}

/** The inside of a Store in a bucket that is there. */
export class OpenBucket {
  readonly local: LocalIndex;
  readonly index: BucketIndex;
  readonly uploads: PackUploads;
  readonly reads: BucketReads;
  /** What this machine keeps of the Store lies there. */
  readonly folder: string;
  readonly #parts: OpenBucketParts;
  readonly #kept: Filecache;
  readonly #signs: SessionSigns | undefined;
  /** Blocks that are there but damaged. */
  readonly #damaged = new Set<string>();
  #adds: BucketAdds | undefined;
  #readying: Promise<void> | undefined;

  constructor(parts: OpenBucketParts) {
    const { client, hash, storeId, folder, clock } = parts;
    this.#parts = parts;
    this.folder = folder;
    this.local = new LocalIndex(folder, { storeId, hashName: hash.name });
    this.index = new BucketIndex(client, hash, this.local);
    this.uploads = new PackUploads(client, hash, storeId, clock);
    this.#kept = new Filecache({
      folder: join(folder, 'metadata'),
      name: `${client.name} (metadata)`,
      hashName: hash.name,
      maxBytes: MAX_KEPT,
      files: KEPT_FILES,
      readOnly: false,
      clock,
    });
    this.#signs = parts.isWritable ? new SessionSigns(client) : undefined;
    const { local, index, uploads } = this;
    this.reads = new BucketReads({
      client,
      hash,
      local,
      index,
      uploads,
      kept: this.#kept,
      onDamage: (digest) => void this.#damaged.add(digestKey(digest)),
    });
  }

  /** Whether all that the bucket has is known, as it is for whoever adds. */
  get isReady(): boolean {
    return this.#adds !== undefined;
  }

  /** Learns all that the bucket has. */
  async ready(options: OpOptions = {}): Promise<void> {
    if (this.#adds !== undefined) return;
    this.#readying ??= this.#ready(options).finally(() => {
      this.#readying = undefined;
    });
    await this.#readying;
  }

  async #ready(options: OpOptions): Promise<void> {
    await this.index.read(true, options);
    const { local, index, uploads } = this;
    const { hash, tally } = this.#parts;
    this.#adds = new BucketAdds({
      hash,
      local,
      index,
      uploads,
      tally,
      damaged: this.#damaged,
      rescue: async (pack, isCountedOn, rescueOptions) => await this.copyOut(pack, isCountedOn, rescueOptions),
    });
  }

  /** What adds, once it is ready. */
  get adds(): BucketAdds {
    if (this.#adds === undefined) throw new TypeError('add to a bucket that is not ready');
    return this.#adds;
  }

  /**
   * Adds Blocks of a pack again, into other packs, whether or not they are there already. Each is verified.
   *
   * @returns false where the pack is not there, or a Block of it
   */
  async copyOut(pack: PackName, isWanted: (digest: Uint8Array) => boolean, options: OpOptions): Promise<boolean> {
    const { client, hash } = this.#parts;
    const index = await readPackIndex(client, pack, hash, options);
    return index !== undefined && (await this.copyBlocks({ name: pack, index }, isWanted, options));
  }

  /** The same, where the pack's index is at hand. @returns false where a Block is not there */
  async copyBlocks(
    { name, index }: Pick<IndexedPack, 'name' | 'index'>,
    isWanted: (digest: Uint8Array) => boolean,
    options: OpOptions,
  ): Promise<boolean> {
    const { hash } = this.#parts;
    for (const [digest] of index.entries()) {
      if (!isWanted(digest)) continue;
      const data = await this.reads.get({ hashName: hash.name, digest }, options);
      if (data === undefined) return false;
      this.uploads.add(kindOfPack(name), packRecords([{ digest, data }], hash, this.#parts.compression), 0, 0);
      await this.adds.room();
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#signs?.end();
    await this.#kept[Symbol.asyncDispose]();
    this.local.close();
  }
}
