import { BufferPool } from '../base/buffer-pool.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import { codecNumber, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { WantedRecord } from './bucket-layout.ts';
import type { PackRange, PackRanges } from './pack-ranges.ts';
import { MAX_GAP } from './pack-ranges.ts';

/** Maximum Blocks, and octets of records, in a batch. */
const BATCH_COUNT = 4096;
const BATCH_SIZE = 1024 * 1024;
/** At a gap in memory, a batch with at least this many octets ends, so that its records need not be copied. */
const LEAST_BATCH_SIZE = 128 * 1024;
/** Maximum octets of a range; a single Block may exceed it. */
const MAX_RANGE = 4 * 1024 * 1024;
/** Maximum number of unused buffers of that size that are kept. */
const ROOMS_KEPT = 12;

/** A range to request. */
interface AskedRange extends PackRange {
  end: number;
  /** It includes octets that are not wanted. */
  hasGaps: boolean;
  data?: Buffer | undefined;
}

/** The place of a record in its pack, and the range that it is requested with. */
interface PackedRecord extends PackRange {
  range?: AskedRange;
}

/** A contiguous piece of memory. */
interface Piece {
  readonly data: Buffer;
  readonly start: number;
  end: number;
}

/**
 * Reads records from packs. Neighbouring records become one range, and a batch of contiguous records is a view of it. A promise and a
 * copy per Block took more time than all the rest of a pull.
 */
export class PackRecords {
  readonly #ranges: PackRanges;
  readonly #headerSize: number;
  readonly #rooms = new BufferPool(MAX_RANGE, ROOMS_KEPT);

  constructor(ranges: PackRanges, hash: HashFunction) {
    this.#ranges = ranges;
    this.#headerSize = RECORD_FIXED_SIZE + hash.digestSize;
  }

  /** Reads records in the order of `wanted`, without incomplete ones. Verifies nothing. */
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

/** Memory for ranges that are read together; small ranges share a buffer. */
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

  /** Call when no part of the memory is used any more. */
  release(): void {
    for (const room of this.#taken) this.#pool.give(room);
  }
}

/** A record's place in memory; undefined if it is incomplete. */
function pieceOf({ place }: WantedRecord, packed: PackedRecord | undefined): Piece | undefined {
  if ('record' in place) return { data: place.record, start: 0, end: place.record.length };
  const { data, start = 0 } = packed?.range ?? {};
  if (data === undefined || packed === undefined || packed.end - start > data.length) return undefined;
  return { data, start: packed.start - start, end: packed.end - start };
}

/** Combines neighbouring records into ranges. */
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

/** Joins pieces; contiguous ones are not copied. */
function joined(pieces: readonly Piece[]): Buffer {
  const parts = pieces.map(({ data, start, end }) => data.subarray(start, end));
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
