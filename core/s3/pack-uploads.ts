import { LostAddsError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashFunction } from '../block/hash.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordPlace } from '../store/records/datafile-index.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { PendingBlock, Uploads } from './bucket-layout.ts';
import type { IndexedPack } from './index-segment.ts';
import type { Pack } from './pack-builder.ts';
import { PackBuilder } from './pack-builder.ts';
import type { PackKind } from './pack-names.ts';
import { packKey } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';

/** Maximum number of concurrent uploads of packs: a further add waits for one of them. */
const MAX_UNDER_WAY = 4;
/** After this many milliseconds, the existence of an unpublished pack is checked: half of gc's grace period. */
const DOUBTED_MS = 12 * 3_600_000;

/** With this many uploaded packs, publication in the index is due. */
const MAX_UNPUBLISHED = 32;

interface PendingPlace extends RecordPlace {
  readonly builder: PackBuilder;
}

interface UploadedPack extends IndexedPack {
  /** When it was uploaded, by the service's clock. gc removes unpublished packs after a day. */
  readonly whenMs: number;
}

/** Fills packs, and uploads complete ones while others are being filled. */
export class PackUploads implements Uploads {
  readonly #client: S3Client;
  readonly #hash: HashFunction;
  readonly #storeId: string;
  readonly #clock: () => Date;
  readonly #open = new Map<PackKind, PackBuilder>();
  /** Unpublished Blocks, by digest. */
  readonly #pending = new Map<string, PendingPlace>();
  readonly #underWay = new Set<Promise<void>>();
  /** Complete packs that are being uploaded, or whose upload failed. */
  readonly #waiting = new Map<Pack, PackBuilder>();
  #uploaded: UploadedPack[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(client: S3Client, hash: HashFunction, storeId: string, clock: () => Date) {
    this.#client = client;
    this.#hash = hash;
    this.#storeId = storeId;
    this.#clock = clock;
  }

  find(digest: Uint8Array): PendingBlock | undefined {
    return this.#pending.get(digestKey(digest));
  }

  async record(digest: Uint8Array, options: OpOptions): Promise<Buffer | undefined> {
    const place = this.#pending.get(digestKey(digest));
    if (place === undefined) return undefined;
    const { builder, offset, storedSize } = place;
    const [start, end] = [offset - RECORD_FIXED_SIZE - this.#hash.digestSize, offset + storedSize];
    // An uploaded pack is not in memory any more.
    return (
      builder.read(start, end) ?? (await this.#client.get(packKey(builder.name), { ...options, range: [start, end], maxSize: end - start }))
    );
  }

  get isDue(): boolean {
    return this.#uploaded.length >= MAX_UNPUBLISHED;
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  add(kind: PackKind, batch: RecordBatch, i: number, at: number): void {
    let builder = this.#open.get(kind);
    if (builder?.isFull === true) {
      this.#complete(kind, builder);
      builder = undefined;
    }
    builder ??= new PackBuilder(kind, this.#storeId, this.#hash, this.#clock());
    this.#open.set(kind, builder);
    const place = builder.add(batch, i, at);
    const { digestSize } = this.#hash;
    this.#pending.set(digestKey(batch.digests.subarray(i * digestSize, (i + 1) * digestSize)), { ...place, builder });
  }

  #complete(kind: PackKind, builder: PackBuilder): void {
    this.#open.delete(kind);
    const pack = builder.complete();
    this.#waiting.set(pack, builder);
    this.#start(pack, builder);
  }

  #start(pack: Pack, builder: PackBuilder): void {
    const upload = this.#client
      .put(packKey(pack.name), pack.body, { isForever: true })
      .then(
        () => {
          this.#waiting.delete(pack);
          builder.release();
          this.#uploaded.push({ name: pack.name, size: pack.body.length, index: pack.index, whenMs: this.#client.serverMs });
        },
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => this.#underWay.delete(upload));
    this.#underWay.add(upload);
  }

  async room(): Promise<void> {
    while (this.#underWay.size >= MAX_UNDER_WAY && this.#failure === undefined) await Promise.race(this.#underWay);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async drain(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) {
      this.#failure = undefined;
      for (const [pack, builder] of this.#waiting) this.#start(pack, builder);
    }
    for (const [kind, builder] of this.#open) this.#complete(kind, builder);
    await Promise.all(this.#underWay);
    this.#throwFailure();
  }

  async uploaded(options: OpOptions): Promise<readonly IndexedPack[]> {
    const packs = [...this.#uploaded];
    for (const { name, whenMs } of packs) {
      if (this.#client.serverMs - whenMs < DOUBTED_MS) continue;
      if (!(await this.#client.has(packKey(name), options)))
        throw new LostAddsError(this.#client.name, 'packs that this session stored long ago were removed', {
          remedy: 'run the command again',
        });
    }
    return packs;
  }

  /** Needs no lock: pack names are unique, so gc cannot confuse a new pack with a retired one. */
  async guarded(_packs: readonly IndexedPack[], publish: () => Promise<void>): Promise<void> {
    await publish();
  }

  noteIndexed(packs: readonly IndexedPack[]): void {
    const names = new Set(packs.map(({ name }) => name));
    this.#uploaded = this.#uploaded.filter(({ name }) => !names.has(name));
    for (const [key, { builder }] of this.#pending) if (names.has(builder.name)) this.#pending.delete(key);
  }
}
