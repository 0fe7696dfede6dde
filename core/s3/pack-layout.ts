import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashFunction } from '../block/hash.ts';
import type { Location } from '../datadir/index/index-types.ts';
import { DATAFILE_HEADER_SIZE, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { DatafileIndex } from '../store/records/datafile-index.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';
import { atOnce } from './at-once.ts';
import type {
  BucketLayout,
  BucketSurvey,
  CheckedPack,
  LayoutSizes,
  MissingOctets,
  RemovedPacks,
  SurveyedPack,
  WantedRecord,
} from './bucket-layout.ts';
import type { IndexedPack } from './index-segment.ts';
import { listObjects } from './list-objects.ts';
import { MAX_PACK_SIZE, readPackIndex } from './pack-index.ts';
import type { PackName } from './pack-names.ts';
import { packKey, packOfKey } from './pack-names.ts';
import { PackRanges } from './pack-ranges.ts';
import { PackRecords } from './pack-records.ts';
import type { PackUploads } from './pack-uploads.ts';
import type { S3Client } from './s3-client.ts';

/** Octets of an entry in a pack's index after its digest. */
const PLACE_SIZE = 16;

/** The parts of {@link PackLayout}. */
export interface PackLayoutParts {
  readonly client: S3Client;
  readonly hash: HashFunction;
  readonly uploads: PackUploads;
  /** Adds a Block of a pack again. @returns false if the pack lacks it */
  readonly addAgain: (digest: Uint8Array, pack: PackName, options: OpOptions) => Promise<boolean>;
}

/** Stores many Blocks in one object, to need few requests. @see vt(5), "Stores in buckets" */
export class PackLayout implements BucketLayout {
  readonly name = 'packs';
  readonly uploads: PackUploads;
  readonly sizes: LayoutSizes = {
    fixed: DATAFILE_HEADER_SIZE + 200,
    ofBlock: (storedSize, digestSize) => storedSize + RECORD_FIXED_SIZE + 2 * digestSize + PLACE_SIZE,
    many: 16,
    small: 1024 * 1024,
  };
  readonly #parts: PackLayoutParts;
  readonly #ranges: PackRanges;
  readonly #records: PackRecords;

  constructor(parts: PackLayoutParts) {
    this.#parts = parts;
    this.uploads = parts.uploads;
    this.#ranges = new PackRanges(parts.client);
    this.#records = new PackRecords(this.#ranges, parts.hash);
  }

  keyOf(_digest: Uint8Array, { file }: Pick<Location, 'file'>): string {
    return packKey(file);
  }

  async stored(_digest: Uint8Array, { file, offset, storedSize }: Location, options: OpOptions): Promise<Buffer | undefined> {
    return await this.#ranges.read(file, offset, offset + storedSize, options);
  }

  async storedAgain(_digest: Uint8Array, { file, offset, storedSize }: Location, options: OpOptions): Promise<Buffer | undefined> {
    return await this.#parts.client.get(packKey(file), { ...options, range: [offset, offset + storedSize], maxSize: storedSize });
  }

  async records(wanted: readonly WantedRecord[], options: OpOptions): Promise<readonly RecordBatch[]> {
    return await this.#records.read(wanted, options);
  }

  async keep(
    packs: ReadonlyMap<PackName, DatafileIndex | undefined>,
    isWanted: (digest: Uint8Array, pack: PackName) => boolean,
    options: OpOptions,
  ): Promise<PackName | undefined> {
    const { client, hash, addAgain } = this.#parts;
    for (const [pack, known] of packs) {
      const index = known ?? (await readPackIndex(client, pack, hash, options));
      if (index === undefined) return pack;
      for (const [digest] of index.entries()) if (isWanted(digest, pack) && !(await addAgain(digest, pack, options))) return pack;
    }
    return undefined;
  }

  async survey(options: OpOptions): Promise<BucketSurvey> {
    const packs = new Map<PackName, SurveyedPack>();
    for await (const { key, size, modifiedMs } of listObjects(this.#parts.client, 'packs/', options)) {
      const name = packOfKey(key);
      if (name !== undefined) packs.set(name, { size, modifiedMs });
    }
    return { packs, strays: [], has: (_, { file, offset, storedSize }) => offset + storedSize <= (packs.get(file)?.size ?? 0) };
  }

  *lacks({ name, size }: IndexedPack, { packs }: BucketSurvey): Iterable<MissingOctets> {
    const found = packs.get(name)?.size;
    if (found !== size)
      yield { key: packKey(name), size, reason: found === undefined ? 'the object is missing' : `the object has ${found} bytes` };
  }

  async check({ name, index }: IndexedPack, options: OpOptions): Promise<CheckedPack> {
    const { client, hash } = this.#parts;
    const key = packKey(name);
    const body = await client.get(key, { ...options, maxSize: MAX_PACK_SIZE });
    const damaged = new Map<string, { key: string; start: number; end: number }>();
    for (const [digest, { offset, storedSize, size, codec }] of index.entries()) {
      const end = offset + storedSize;
      const stored = body?.subarray(offset, end);
      const data = stored?.length === storedSize && (codec === 'none' || codec === 'zlib') ? decodeStored(stored, codec, size) : undefined;
      if (data === undefined || Buffer.compare(hash.digest(data), digest) !== 0)
        damaged.set(digestKey(digest), { key, start: offset, end });
    }
    return { bytes: body?.length, damaged };
  }

  async remove(packs: ReadonlySet<PackName>, _isNeeded: (digest: Uint8Array) => boolean, options: OpOptions): Promise<RemovedPacks> {
    const locked = new Set<PackName>();
    await atOnce(packs, async (name) => {
      if (!(await this.#parts.client.delete(packKey(name), options))) locked.add(name);
    });
    return { count: packs.size - locked.size, lockedCount: locked.size, locked };
  }
}
