import { join } from 'node:path';
import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashFunction } from '../block/hash.ts';
import { Filecache } from '../datadir/filecache/filecache.ts';
import type { AddTally } from '../store/add-tally.ts';
import { packRecords } from '../store/records/record-batch.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import { BlockLayout } from './blocks/block-layout.ts';
import { BlockUploads } from './blocks/block-uploads.ts';
import { BucketAdds } from './bucket-adds.ts';
import { BucketIndex } from './bucket-index.ts';
import type { BucketLayout, LayoutName } from './bucket-layout.ts';
import { BucketReads } from './bucket-reads.ts';
import { SessionSigns } from './live-sessions.ts';
import { LocalIndex } from './local-index.ts';
import { PackLayout } from './pack-layout.ts';
import type { PackName } from './pack-names.ts';
import { kindOfPack } from './pack-names.ts';
import { PackUploads } from './pack-uploads.ts';
import type { S3Client } from './s3-client.ts';

/** Maximum octets of metadata that this machine caches for one Store. */
const MAX_KEPT = 256 * 1024 * 1024;
const KEPT_FILES = 8;

/** The parts of {@link OpenBucket}. */
export interface OpenBucketParts {
  readonly client: S3Client;
  readonly hash: HashFunction;
  readonly storeId: string;
  readonly layout: LayoutName;
  /** The folder of this machine's cache of the Store. */
  readonly folder: string;
  readonly clock: () => Date;
  readonly tally: AddTally;
  /** The compression of new Blocks. */
  readonly compression: StoredCompression;
  /** Whether this session may write. */
  readonly isWritable: boolean;
}

/** The components of an existing Store in a bucket. */
export class OpenBucket {
  readonly local: LocalIndex;
  readonly index: BucketIndex;
  readonly layout: BucketLayout;
  readonly reads: BucketReads;
  /** The folder of this machine's cache of the Store. */
  readonly folder: string;
  readonly #parts: OpenBucketParts;
  readonly #kept: Filecache;
  readonly #signs: SessionSigns | undefined;
  /** Keys of Blocks that are stored but damaged. */
  readonly #damaged = new Set<string>();
  #adds: BucketAdds | undefined;
  #readying: Promise<void> | undefined;

  constructor(parts: OpenBucketParts) {
    const { client, hash, storeId, folder, clock } = parts;
    this.#parts = parts;
    this.folder = folder;
    this.local = new LocalIndex(folder, { storeId, hashName: hash.name });
    this.index = new BucketIndex(client, hash, this.local);
    this.layout = this.#layoutOf(parts);
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
    const { local, index, layout } = this;
    this.reads = new BucketReads({
      client,
      hash,
      local,
      index,
      layout,
      kept: this.#kept,
      onDamage: (digest) => void this.#damaged.add(digestKey(digest)),
    });
  }

  /** Whether the whole index is loaded, as adding requires. */
  get isReady(): boolean {
    return this.#adds !== undefined;
  }

  /** Loads the whole index of the bucket. */
  async ready(options: OpOptions = {}): Promise<void> {
    if (this.#adds !== undefined) return;
    this.#readying ??= this.#ready(options).finally(() => {
      this.#readying = undefined;
    });
    await this.#readying;
  }

  async #ready(options: OpOptions): Promise<void> {
    await this.index.read(options);
    const { local, index, layout } = this;
    const { hash, tally } = this.#parts;
    this.#adds = new BucketAdds({
      hash,
      local,
      index,
      layout,
      tally,
      damaged: this.#damaged,
    });
  }

  /** The component for adds, once `ready` has resolved. */
  get adds(): BucketAdds {
    if (this.#adds === undefined) throw new TypeError('add to a bucket that is not ready');
    return this.#adds;
  }

  #layoutOf({ client, hash, storeId, clock, layout }: OpenBucketParts): BucketLayout {
    const { local, index } = this;
    if (layout === 'blocks') return new BlockLayout({ client, hash, local, index, uploads: new BlockUploads(client, hash, local) });
    const uploads = new PackUploads(client, hash, storeId, clock);
    const addAgain = async (digest: Uint8Array, pack: PackName, options: OpOptions): Promise<boolean> => {
      const data = await this.reads.get({ hashName: hash.name, digest }, options);
      if (data === undefined) return false;
      uploads.add(kindOfPack(pack), packRecords([{ digest, data }], hash, this.#parts.compression), 0, 0);
      await this.adds.room();
      return true;
    };
    return new PackLayout({ client, hash, uploads, addAgain });
  }

  async close(): Promise<void> {
    await this.#signs?.end();
    await this.#kept[Symbol.asyncDispose]();
    this.local.close();
  }
}
