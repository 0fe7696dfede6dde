import { LostAddsError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashFunction } from '../block/hash.ts';
import { DigestFilter } from '../datadir/digest-filter.ts';
import type { AddTally } from '../store/add-tally.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { BucketIndex } from './bucket-index.ts';
import type { BucketLayout } from './bucket-layout.ts';
import type { LocalIndex } from './local-index.ts';
import type { PackKind, PackName } from './pack-names.ts';

/** The parts of {@link BucketAdds}. */
export interface BucketAddsParts {
  readonly hash: HashFunction;
  readonly local: LocalIndex;
  readonly index: BucketIndex;
  readonly layout: BucketLayout;
  readonly tally: AddTally;
  /** Keys of Blocks that are stored but damaged: they may be added again. */
  readonly damaged: Set<string>;
}

/** Adds Blocks to packs, and publishes the packs in the index. */
export class BucketAdds {
  readonly #parts: BucketAddsParts;
  /** Blocks that this session added, or found in the Store: it relies on all of them. */
  #countedOn: DigestFilter | undefined;
  /** The number of additions to `#countedOn`, and that number when the presence of all was last confirmed. */
  #counted = 0;
  #confirmed = 0;
  /** Retired packs that need no rescue: they were retired before this session began, or were handled since. */
  readonly #dealtWith: Set<PackName>;
  /** The local index when this session began. If it was rebuilt since, it may lack Blocks of removed packs. */
  readonly #indexId: string;
  #publishing: Promise<void> = Promise.resolve();

  constructor(parts: BucketAddsParts) {
    this.#parts = parts;
    this.#dealtWith = new Set(parts.index.retired);
    this.#indexId = parts.local.id;
  }

  /** Whether a Block is stored, or waits for upload. From now on this session relies on it. */
  has(digest: Uint8Array): boolean {
    const { layout, local, damaged } = this.#parts;
    if (layout.uploads.find(digest) !== undefined) return true;
    if (!local.has(digest) || (damaged.size > 0 && damaged.has(digestKey(digest)))) return false;
    this.#countOn(digest);
    return true;
  }

  #countOn(digest: Uint8Array): void {
    this.#counted++;
    this.#countedOn ??= new DigestFilter();
    this.#countedOn.add(digest, 0);
  }

  /** Adds copies of records. @returns for each 1 if it was new, else 0 */
  add(kind: PackKind, batch: RecordBatch): Uint8Array {
    const { hash, layout, tally, damaged } = this.#parts;
    const headerSize = RECORD_FIXED_SIZE + hash.digestSize;
    const isNew = new Uint8Array(batch.count);
    for (let i = 0, at = 0; i < batch.count; i++) {
      const digest = batch.digests.subarray(i * hash.digestSize, (i + 1) * hash.digestSize);
      const size = batch.sizes[i] as number;
      const recordSize = headerSize + (batch.storedSizes[i] as number);
      if (this.has(digest)) tally.addExisting(size);
      else {
        layout.uploads.add(kind, batch, i, at);
        // A pack with new Blocks can be retired before an archive entry refers to them.
        this.#countOn(digest);
        if (damaged.size > 0) damaged.delete(digestKey(digest));
        tally.addNew(size, recordSize);
        isNew[i] = 1;
      }
      at += recordSize;
    }
    return isNew;
  }

  /** Notes packs that this session retires itself, after it has copied their undamaged Blocks. */
  noteRetired(packs: Iterable<PackName>): void {
    for (const pack of packs) this.#dealtWith.add(pack);
  }

  /** Resolves when more may be added. */
  async room(): Promise<void> {
    const { uploads } = this.#parts.layout;
    await uploads.room();
    if (uploads.isDue) await this.#publish({});
  }

  /**
   * Makes all added Blocks durable and publishes them. Adds Blocks again that this session relies on and gc has retired.
   *
   * @param options - `again`: check retired packs even if nothing was added since the last check, as before a root is recorded
   * @throws {LostAddsError} if gc has already removed such Blocks
   */
  async flush(options: OpOptions & { readonly again?: boolean }): Promise<void> {
    if (options.again === true) this.#confirmed = -1;
    do {
      await this.#parts.layout.uploads.drain();
      await this.#publish(options);
    } while (this.#confirmed !== this.#counted && (await this.#rescue(options)));
  }

  /** Publishes uploaded packs. Calls run one after the other. */
  async #publish(options: OpOptions): Promise<void> {
    const before = this.#publishing;
    const publishing = before.then(async () => {
      const { layout, index } = this.#parts;
      const { uploads } = layout;
      const packs = await uploads.uploaded(options);
      if (packs.length === 0) return;
      await uploads.guarded(packs, async () => await index.publish(packs, (published) => uploads.noteIndexed(published), options), options);
    });
    this.#publishing = publishing.catch(() => undefined);
    await publishing;
  }

  /** Adds Blocks again that this session relies on and that were retired meanwhile. @returns whether there were any */
  async #rescue(options: OpOptions): Promise<boolean> {
    const { index, local, layout } = this.#parts;
    const { uploads } = layout;
    const counted = this.#counted;
    if (this.#countedOn === undefined) return false;
    await index.read(options);
    const isCountedOn = (digest: Uint8Array): boolean =>
      this.#countedOn?.mayHave(digest, 0) === true && !local.has(digest) && uploads.find(digest) === undefined;
    for (const pack of index.retired) {
      if (this.#dealtWith.has(pack)) continue;
      const missing = await layout.keep(new Map([[pack, undefined]]), isCountedOn, options);
      if (missing !== undefined && !this.#needsNothingOf(pack, isCountedOn))
        throw new LostAddsError(pack, 'gc has removed it while this session relied on it', { remedy: 'run the command again' });
      this.#dealtWith.add(pack);
    }
    if (!uploads.isEmpty) return true;
    this.#confirmed = counted;
    return false;
  }

  /** Whether a removed pack had no Block that this session relies on and that is not elsewhere. False if that is unknown. */
  #needsNothingOf(pack: PackName, isCountedOn: (digest: Uint8Array) => boolean): boolean {
    const { local } = this.#parts;
    if (local.id !== this.#indexId) return false;
    for (const [digest, { file }] of local.entries()) if (file === pack && isCountedOn(digest)) return false;
    return true;
  }
}
