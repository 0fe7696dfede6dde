import { VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import type { HashFunction } from '../../block/hash.ts';
import type { Location } from '../../datadir/index/index-types.ts';
import type { DatafileIndex } from '../../store/records/datafile-index.ts';
import type { RecordBatch } from '../../store/records/record-batch.ts';
import { packRecords } from '../../store/records/record-batch.ts';
import { atOnce } from '../at-once.ts';
import type { BucketIndex } from '../bucket-index.ts';
import type {
  BucketLayout,
  BucketSurvey,
  CheckedPack,
  LayoutSizes,
  ListedBlock,
  MissingOctets,
  RemovedPacks,
  SurveyedPack,
  WantedRecord,
} from '../bucket-layout.ts';
import type { IndexedPack } from '../index-segment.ts';
import type { LocalIndex } from '../local-index.ts';
import type { PackName } from '../pack-names.ts';
import { kindOfPack } from '../pack-names.ts';
import type { S3Client } from '../s3-client.ts';
import { packsOf } from './block-groups.ts';
import { blockKey } from './block-keys.ts';
import type { BlockUploads } from './block-uploads.ts';
import { withBlocksLocked } from './block-uploads.ts';
import { listBlocks } from './list-blocks.ts';

/** Blocks removed between two checks of the lock. */
const MANY = 1000;
/** Readings of an index that other gcs change. */
const MAX_TRIES = 5;

/** The parts of {@link BlockLayout}. */
export interface BlockLayoutParts {
  readonly client: S3Client;
  readonly hash: HashFunction;
  readonly local: LocalIndex;
  readonly index: BucketIndex;
  readonly uploads: BlockUploads;
}

/**
 * Stores each Block in an object of its own, named by its hash, so that a CDN can serve it. In the index, a pack is a group of Blocks that
 * were added together; assigning them to another pack moves no data.
 *
 * @see vt(5), "Stores in buckets"
 */
export class BlockLayout implements BucketLayout {
  readonly name = 'blocks';
  readonly uploads: BlockUploads;
  readonly sizes: LayoutSizes = { fixed: 0, ofBlock: (storedSize) => storedSize, many: Number.POSITIVE_INFINITY, small: 0 };
  readonly #parts: BlockLayoutParts;

  constructor(parts: BlockLayoutParts) {
    this.#parts = parts;
    this.uploads = parts.uploads;
  }

  keyOf(digest: Uint8Array): string {
    return blockKey(digest, this.#parts.hash);
  }

  async stored(digest: Uint8Array, { storedSize }: Location, options: OpOptions): Promise<Buffer | undefined> {
    return await this.#parts.client.get(this.keyOf(digest), { ...options, maxSize: storedSize });
  }

  async storedAgain(digest: Uint8Array, location: Location, options: OpOptions): Promise<Buffer | undefined> {
    return await this.stored(digest, location, options);
  }

  async records(wanted: readonly WantedRecord[], options: OpOptions): Promise<readonly RecordBatch[]> {
    const found = await Promise.all(
      wanted.map(async ({ digest, place }) => {
        if ('record' in place) return { digest, data: place.record.subarray(-place.storedSize) };
        const data = await this.stored(digest, place, options);
        return data?.length === place.storedSize ? { digest, data } : undefined;
      }),
    );
    return [
      {
        ...packRecords(
          found.filter((block) => block !== undefined),
          this.#parts.hash,
          'none',
        ),
        isOwned: true,
      },
    ];
  }

  async keep(
    packs: ReadonlyMap<PackName, DatafileIndex | undefined>,
    isWanted: (digest: Uint8Array, pack: PackName) => boolean,
  ): Promise<PackName | undefined> {
    const { local, uploads } = this.#parts;
    const unseen = new Set(packs.keys());
    for (const [digest, { file, size }] of local.entries()) {
      if (!packs.has(file)) continue;
      unseen.delete(file);
      if (isWanted(digest, file)) uploads.declare(kindOfPack(file), digest, size);
    }
    const [pack] = unseen;
    return await Promise.resolve(pack);
  }

  async survey(options: OpOptions): Promise<BucketSurvey> {
    const { client, hash, local } = this.#parts;
    const packs = new Map<PackName, SurveyedPack>();
    const strays: ListedBlock[] = [];
    const absent = new Set<string>();
    // Both lists ascend by digest.
    const known = local.entries();
    let entry = known.next();
    const passOver = (digest: Uint8Array | undefined): void => {
      for (; entry.done !== true; entry = known.next()) {
        if (digest !== undefined && Buffer.compare(entry.value[0], digest) >= 0) return;
        absent.add(digestKey(entry.value[0]));
      }
    };
    for await (const listed of listBlocks(client, hash, options)) {
      passOver(listed.digest);
      if (entry.done === true || Buffer.compare(entry.value[0], listed.digest) !== 0) {
        strays.push(listed);
        continue;
      }
      const [digest, { file, storedSize }] = entry.value;
      if (listed.size !== storedSize) absent.add(digestKey(digest));
      const { size = 0, modifiedMs = 0 } = packs.get(file) ?? {};
      packs.set(file, { size: size + listed.size, modifiedMs: Math.max(modifiedMs, listed.modifiedMs) });
      entry = known.next();
    }
    passOver(undefined);
    return { packs, strays, has: (digest) => !absent.has(digestKey(digest)) };
  }

  *lacks({ name, index }: IndexedPack, survey: BucketSurvey): Iterable<MissingOctets> {
    for (const [digest] of index.entries()) {
      const location = this.#parts.local.get(digest);
      if (location?.file === name && !survey.has(digest, location))
        yield { key: this.keyOf(digest), size: location.storedSize, reason: 'the object is missing or truncated' };
    }
  }

  async check({ index }: IndexedPack, options: OpOptions): Promise<CheckedPack> {
    const { client, hash } = this.#parts;
    const damaged = new Map<string, { key: string; start: number; end: number }>();
    let bytes = 0;
    await atOnce(index.entries(), async ([digest, { size }]) => {
      const key = this.keyOf(digest);
      const data = await client.get(key, { ...options, maxSize: size });
      bytes += data?.length ?? 0;
      if (data === undefined || Buffer.compare(hash.digest(data), digest) !== 0)
        damaged.set(digestKey(digest), { key, start: 0, end: data?.length ?? size });
    });
    return { bytes, damaged };
  }

  /** Holds the lock, so that no other session can publish the Blocks again. A Block that is also in another pack is kept. */
  async remove(packs: ReadonlySet<PackName>, isNeeded: (digest: Uint8Array) => boolean, options: OpOptions): Promise<RemovedPacks> {
    const { client, index, local } = this.#parts;
    const locked = new Set<PackName>();
    let count = 0;
    let lockedCount = 0;
    if (packs.size === 0) return { count, lockedCount, locked };
    const removeAll = async (check: () => void): Promise<void> => {
      await index.read(options);
      const unneeded = new Map<string, PackName>();
      for (const [digest, { file }] of local.entries()) if (packs.has(file) && !isNeeded(digest)) unneeded.set(digestKey(digest), file);
      await this.#dropPublished(unneeded, options);
      for (let some = [...unneeded]; some.length > 0; some = some.slice(MANY)) {
        check();
        await atOnce(some.slice(0, MANY), async ([key, pack]) => {
          if (await client.delete(this.keyOf(digestOfKey(key)), options)) count++;
          else {
            lockedCount++;
            locked.add(pack);
          }
        });
      }
    };
    await withBlocksLocked(client, removeAll, options);
    return { count, lockedCount, locked };
  }

  /**
   * Drops those Blocks that a pack has which is not retired. The local index knows one pack for each Block: which one depends on the order
   * in which this machine read them. A session on another machine may rely on the other pack.
   */
  async #dropPublished(blocks: Map<string, PackName>, options: OpOptions): Promise<void> {
    const { index } = this.#parts;
    for (let tries = 1; blocks.size > 0; tries++) {
      let isGone = false;
      for (const { key } of index.segments) {
        const packs = await index.segment(key, options);
        if (packs === undefined) isGone = true;
        for (const pack of packs ?? [])
          if (!index.retired.has(pack.name)) for (const [digest] of pack.index.entries()) blocks.delete(digestKey(digest));
      }
      if (!isGone) return;
      // Another gc merged a segment with others: they are read too.
      if (tries === MAX_TRIES) throw new VtError('EFAILED', 'gc: the index keeps changing', { remedy: 'run gc again' });
      await index.read(options);
    }
  }

  async retireStrays(strays: readonly ListedBlock[], retire: (pack: PackName) => Promise<void>, options: OpOptions): Promise<void> {
    for (const pack of packsOf(
      strays.map(({ digest, size }) => ({ kind: 'd', digest, size })),
      this.#parts.hash,
    )) {
      await retire(pack.name);
      await this.#parts.index.publish([pack], () => undefined, options);
    }
  }
}
