import { BufferPool } from '../base/buffer-pool.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import { codecNumber, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { WantedRecord } from './bucket-layout.ts';
import type { PackRange, PackRanges } from './pack-ranges.ts';
import { MAX_GAP } from './pack-ranges.ts';

/** Blocks, and octets of records, in a batch. */
const BATCH_COUNT = 4096;
const BATCH_SIZE = 1024 * 1024;
/** Records that lie elsewhere than those before begin another batch if that has so many octets: then none are copied. */
const LEAST_BATCH_SIZE = 128 * 1024;
/** Octets of a range, unless one Block has more. */
const MAX_RANGE = 4 * 1024 * 1024;
/** Pieces of memory of that size that wait to be used again. */
const ROOMS_KEPT = 12;

/** A range that is asked for. */
interface AskedRange extends PackRange {
  end: number;
  /** Some of it nobody wants now. */
  hasGaps: boolean;
  data?: Buffer | undefined;
}

/** Octets of records: where they lie in their pack, and the range that they are asked for with. */
interface PackedRecord extends PackRange {
  range?: AskedRange;
}

/** Octets that lie one after the other in memory. */
interface Piece {
  readonly data: Buffer;
  readonly start: number;
  end: number;
}

/**
 * Reads records out of packs as they lie there: neighbours are one range, and a batch whose records lie one after the other is a view of
 * it. Promises and copies of each Block took more time than all the rest of a pull.
 */
export class PackRecords {
  readonly #ranges: PackRanges;
  readonly #headerSize: number;
  readonly #rooms = new BufferPool(MAX_RANGE, ROOMS_KEPT);

  constructor(ranges: PackRanges, hash: HashFunction) {
    this.#ranges = ranges;
    this.#headerSize = RECORD_FIXED_SIZE + hash.digestSize;
  }

  /** Records in the order of `wanted`; incomplete ones are left out. Nothing is verified. */
  async read(wanted: readonly WantedRecord[], options: OpOptions): Promise<readonly RecordBatch[]> {
    const packed = wanted.map(({ place }): PackedRecord | undefined => {
      if ('record' in place) return undefined;
      const { file, offset, storedSize } = place;
      return { pack: file, start: offset - this.#headerSize, end: offset + storedSize };
    });
    const ranges = putTogether(packed.filter((record) => record !== undefined));
    const rooms = new Rooms(this.#rooms);
    const isMuch = ranges.reduce((sum, { start, end }) => sum + end - start, 0) >= MAX_RANGE / 4;
    const roomFor = (size: number): Buffer => (isMuch ? rooms.take(size) : Buffer.allocUnsafeSlow(size));
    await Promise.all(
      ranges.map(async (range) => {
        range.data = await this.#ranges.readRange(range, range.hasGaps ? undefined : roomFor, options);
      }),
    );
    return this.#batches(wanted, packed, rooms);
  }

  #batches(wanted: readonly WantedRecord[], packed: readonly (PackedRecord | undefined)[], rooms: Rooms): RecordBatch[] {
    const batches: RecordBatch[] = [];
    let held = 0;
    const release = (): void => {
      if (--held === 0) rooms.release();
    };
    let some: WantedRecord[] = [];
    let pieces: Piece[] = [];
    let size = 0;
    const end = (): void => {
      if (some.length > 0) batches.push({ ...columnsOf(some), image: joined(pieces), isOwned: true, release });
      some = [];
      pieces = [];
      size = 0;
    };
    for (const [i, record] of wanted.entries()) {
      const piece = pieceOf(record, packed[i]);
      if (piece === undefined) continue;
      const more = piece.end - piece.start;
      const last = pieces.at(-1);
      const isNext = last?.data === piece.data && last.end === piece.start;
      if (some.length === BATCH_COUNT || size + more > BATCH_SIZE || (!isNext && size >= LEAST_BATCH_SIZE)) end();
      some.push(record);
      size += more;
      if (isNext && pieces.length > 0) last.end = piece.end;
      else pieces.push(piece);
    }
    end();
    held = batches.length;
    return batches;
  }
}

/** Memory for ranges that are read together: small ones share a piece. */
class Rooms {
  readonly #pool: BufferPool;
  readonly #taken: Buffer[] = [];
  #used = MAX_RANGE;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  take(size: number): Buffer {
    if (size > MAX_RANGE) return Buffer.allocUnsafeSlow(size);
    if (this.#used + size > MAX_RANGE) {
      this.#taken.push(this.#pool.take(MAX_RANGE));
      this.#used = 0;
    }
    this.#used += size;
    return (this.#taken.at(-1) as Buffer).subarray(this.#used - size, this.#used);
  }

  /** Nobody looks at any of it any more. */
  release(): void {
    for (const room of this.#taken) this.#pool.give(room);
  }
}

/** Where a record lies in memory; undefined where not all of it is there. */
function pieceOf({ place }: WantedRecord, packed: PackedRecord | undefined): Piece | undefined {
  if ('record' in place) return { data: place.record, start: 0, end: place.record.length };
  const { data, start = 0 } = packed?.range ?? {};
  if (data === undefined || packed === undefined || packed.end - start > data.length) return undefined;
  return { data, start: packed.start - start, end: packed.end - start };
}

/** Ranges of records: neighbours are one. */
function putTogether(records: readonly PackedRecord[]): AskedRange[] {
  const ranges: AskedRange[] = [];
  let last: AskedRange | undefined;
  for (const record of [...records].sort(byPlace)) {
    const { pack, start, end } = record;
    const isNear = last?.pack === pack && start <= last.end + MAX_GAP && end - last.start <= MAX_RANGE;
    if (last === undefined || !isNear) {
      last = { pack, start, end, hasGaps: false };
      ranges.push(last);
    } else {
      last.hasGaps ||= start > last.end;
      last.end = Math.max(last.end, end);
    }
    record.range = last;
  }
  return ranges;
}

function byPlace(a: PackRange, b: PackRange): number {
  if (a.pack === b.pack) return a.start - b.start;
  return a.pack < b.pack ? -1 : 1;
}

function columnsOf(records: readonly WantedRecord[]): Omit<RecordBatch, 'image'> {
  return {
    count: records.length,
    digests: Buffer.concat(records.map(({ digest }) => digest)),
    sizes: Uint32Array.from(records, ({ place }) => place.size),
    storedSizes: Uint32Array.from(records, ({ place }) => place.storedSize),
    codecs: Uint8Array.from(records, ({ place }) => codecNumber(place.codec)),
  };
}

/** Octets that lie together are not copied. */
function joined(pieces: readonly Piece[]): Buffer {
  const parts = pieces.map(({ data, start, end }) => data.subarray(start, end));
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
