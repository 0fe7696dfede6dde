import { LostAddsError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import type { HashFunction } from '../../block/hash.ts';
import { RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { RecordBatch } from '../../store/records/record-batch.ts';
import { packRecords } from '../../store/records/record-batch.ts';
import { atOnce } from '../at-once.ts';
import type { PendingBlock, Uploads } from '../bucket-layout.ts';
import type { IndexedPack } from '../index-segment.ts';
import type { LocalIndex } from '../local-index.ts';
import type { PackKind } from '../pack-names.ts';
import { withPrefixLock } from '../prefix-lock.ts';
import type { S3Client } from '../s3-client.ts';
import type { BlockObject } from './block-groups.ts';
import { packsOf } from './block-groups.ts';
import { blockKey } from './block-keys.ts';

/** Maximum number and octets of concurrent uploads: an add waits until there are fewer. */
const MAX_UNDER_WAY = 64;
const MAX_BYTES_UNDER_WAY = 32 * 1024 * 1024;
/** With this many uploaded Blocks, publication in the index is due. */
const MAX_UNPUBLISHED = 65_536;
/** After this many milliseconds, the existence of an unpublished Block is checked: half of gc's grace period. */
const DOUBTED_MS = 12 * 3_600_000;
/** The prefix of the lock's key: the holder may remove Blocks, or publish retired ones. */
const LOCK = 'gc/';

/** Runs an action while no other session removes Blocks or publishes retired ones. */
export async function withBlocksLocked<T>(client: S3Client, run: (check: () => void) => Promise<T>, options: OpOptions): Promise<T> {
  return await withPrefixLock(client, { prefix: LOCK, action: 'change' }, async ({ check }) => await run(check), options);
}

interface Pending extends PendingBlock, BlockObject {
  /** Its record, until the object is uploaded. */
  record: Buffer | undefined;
  /** When the object was stored, in milliseconds since 1970 by the service's clock. */
  whenMs: number;
  /** The Block was retired before, so a gc may be about to remove its object. */
  readonly isRisky: boolean;
}

/** Uploads each Block as an object of its own, some dozens concurrently. */
export class BlockUploads implements Uploads {
  readonly #client: S3Client;
  readonly #hash: HashFunction;
  readonly #local: LocalIndex;
  readonly #pending = new Map<string, Pending>();
  /** Blocks that are being uploaded, or whose upload failed. */
  readonly #waiting = new Set<Pending>();
  #underWay = 0;
  #bytesUnderWay = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void)[] = [];

  constructor(client: S3Client, hash: HashFunction, local: LocalIndex) {
    this.#client = client;
    this.#hash = hash;
    this.#local = local;
  }

  find(digest: Uint8Array): PendingBlock | undefined {
    return this.#pending.get(digestKey(digest));
  }

  async record(digest: Uint8Array, options: OpOptions): Promise<Buffer | undefined> {
    const pending = this.#pending.get(digestKey(digest));
    if (pending?.record !== undefined || pending === undefined) return pending?.record;
    const data = await this.#client.get(blockKey(digest, this.#hash), { ...options, maxSize: pending.size });
    return data === undefined ? undefined : (packRecords([{ digest, data }], this.#hash, 'none').image as Buffer);
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  get isDue(): boolean {
    return this.#pending.size - this.#waiting.size >= MAX_UNPUBLISHED;
  }

  add(kind: PackKind, batch: RecordBatch, i: number, at: number): void {
    const { digestSize } = this.#hash;
    const size = batch.sizes[i] as number;
    const record = Buffer.from(batch.image.subarray(at, at + RECORD_FIXED_SIZE + digestSize + size));
    const digest = record.subarray(RECORD_FIXED_SIZE, RECORD_FIXED_SIZE + digestSize);
    const pending = this.#note(kind, digest, size, record);
    this.#waiting.add(pending);
    this.#start(pending);
  }

  /** Notes a Block whose object exists, to publish it again. */
  declare(kind: PackKind, digest: Uint8Array, size: number): void {
    if (!this.#pending.has(digestKey(digest))) this.#note(kind, digest, size, undefined);
  }

  #note(kind: PackKind, digest: Uint8Array, size: number, record: Buffer | undefined): Pending {
    const isRisky = this.#local.get(digest)?.isDamaged === true;
    const whenMs = this.#client.serverMs;
    const key = digestKey(digest);
    const pending: Pending = { kind, digest: digestOfKey(key), size, storedSize: size, codec: 'none', record, whenMs, isRisky };
    this.#pending.set(key, pending);
    return pending;
  }

  #start(pending: Pending): void {
    const { record, size, digest } = pending;
    if (record === undefined) return;
    this.#underWay++;
    this.#bytesUnderWay += size;
    this.#client
      .put(blockKey(digest, this.#hash), record.subarray(record.length - size), { isForever: true })
      .then(
        () => {
          pending.record = undefined;
          pending.whenMs = this.#client.serverMs;
          this.#waiting.delete(pending);
        },
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => {
        this.#underWay--;
        this.#bytesUnderWay -= size;
        for (const wake of this.#wake.splice(0)) wake();
      });
  }

  /** Resolves when the next upload has ended. */
  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  async room(): Promise<void> {
    while ((this.#underWay >= MAX_UNDER_WAY || this.#bytesUnderWay >= MAX_BYTES_UNDER_WAY) && this.#failure === undefined)
      await this.#turn();
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async drain(): Promise<void> {
    while (this.#underWay > 0) await this.#turn();
    if (this.#failure !== undefined) {
      this.#failure = undefined;
      for (const pending of this.#waiting) this.#start(pending);
    }
    while (this.#underWay > 0) await this.#turn();
    this.#throwFailure();
  }

  async uploaded(): Promise<readonly IndexedPack[]> {
    return await Promise.resolve([...packsOf(this.#there(), this.#hash)]);
  }

  *#there(): Generator<Pending> {
    for (const pending of this.#pending.values()) if (!this.#waiting.has(pending)) yield pending;
  }

  /** Takes the lock if a Block was retired before, since a gc may be about to remove its object; then checks that it exists. */
  async guarded(packs: readonly IndexedPack[], publish: () => Promise<void>, options: OpOptions): Promise<void> {
    const doubted: Uint8Array[] = [];
    for (const { index } of packs)
      for (const [digest] of index.entries()) {
        const pending = this.#pending.get(digestKey(digest));
        if (pending !== undefined && (pending.isRisky || this.#client.serverMs - pending.whenMs >= DOUBTED_MS)) doubted.push(digest);
      }
    if (doubted.length === 0) {
      await publish();
      return;
    }
    const look = async (check: () => void): Promise<void> => {
      await atOnce(doubted, async (digest) => {
        if (await this.#client.has(blockKey(digest, this.#hash), options)) return;
        // It is missing: forget it, so that another add uploads it again.
        this.#pending.delete(digestKey(digest));
        throw new LostAddsError(this.#client.name, 'gc has removed Blocks that this session relied on', {
          remedy: 'run the command again',
        });
      });
      check();
      await publish();
    };
    await withBlocksLocked(this.#client, look, options);
  }

  noteIndexed(packs: readonly IndexedPack[]): void {
    for (const { index } of packs) for (const [digest] of index.entries()) this.#pending.delete(digestKey(digest));
  }
}
