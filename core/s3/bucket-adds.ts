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

export interface BucketAddsParts {
  readonly hash: HashFunction;
  readonly local: LocalIndex;
  readonly index: BucketIndex;
  readonly layout: BucketLayout;
  readonly tally: AddTally;
  /** Blocks that are there but damaged, by digest: they may be added again. */
  readonly damaged: Set<string>;
}

/** Adds Blocks to packs, and makes them known. */
export class BucketAdds {
  readonly #parts: BucketAddsParts;
  /** Blocks that this session added, or was told are there: none of them may go. */
  #countedOn: DigestFilter | undefined;
  /** How many times something was counted on, and how many of them when it was last looked whether all is there. */
  #counted = 0;
  #confirmed = 0;
  /** Packs that were retired when this session first looked, or that it has dealt with since. */
  readonly #dealtWith: Set<PackName>;
  /** The local index that has all that is counted on: one that was made anew since may lack what is gone. */
  readonly #indexId: string;
  #publishing: Promise<void> = Promise.resolve();

  constructor(parts: BucketAddsParts) {
    this.#parts = parts;
    this.#dealtWith = new Set(parts.index.retired);
    this.#indexId = parts.local.id;
  }

  /** Whether a Block is there, or waits. From now on this session counts on it. */
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

  /** Adds records, copied. @returns for each 1 if it was new, else 0 */
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
        // What this session adds may be retired too, before an archive has it.
        this.#countOn(digest);
        if (damaged.size > 0) damaged.delete(digestKey(digest));
        tally.addNew(size, recordSize);
        isNew[i] = 1;
      }
      at += recordSize;
    }
    return isNew;
  }

  /** Packs that this session retires itself, after all that is whole in them was copied. */
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
   * Makes all that was added durable, and known; and sees to it that all that was counted on stays.
   *
   * @param options - `again`: also where nothing came since it was last looked, as before a root is recorded
   */
  async flush(options: OpOptions & { readonly again?: boolean }): Promise<void> {
    if (options.again === true) this.#confirmed = -1;
    do {
      await this.#parts.layout.uploads.drain();
      await this.#publish(options);
    } while (this.#confirmed !== this.#counted && (await this.#rescue(options)));
  }

  /** One after the other: each takes what has come to be there. */
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

  /** What was retired since this session was told that it is there is added again. @returns whether something was */
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

  /** Whether nothing that was in a pack which is gone is counted on, as far as that is known: what lies elsewhere by now is not lost. */
  #needsNothingOf(pack: PackName, isCountedOn: (digest: Uint8Array) => boolean): boolean {
    const { local } = this.#parts;
    if (local.id !== this.#indexId) return false;
    for (const [digest, { file }] of local.entries()) if (file === pack && isCountedOn(digest)) return false;
    return true;
  }
}
