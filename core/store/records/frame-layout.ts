import { crc32 } from '../../base/crc32.ts';
import { codecByNumber, codecNumber, encodeGap, GAP_KIND, RECORD_FIXED_SIZE, writeRecordHeader } from './datafile.ts';
import { encodeFrame, encodePart } from './frame.ts';
import { mayCompress } from './may-compress.ts';
import type { RecordBatch } from './record-batch.ts';
import type { LayOutRecords, RecordLayout } from './record-layout.ts';
import { rowsOf } from './record-layout.ts';
import { zstd } from './zstd.ts';

/** Octets of Blocks in one frame: reading one Block means decompressing all of them. */
export const FRAME_SIZE: number = 128 * 1024;
/** Compression is used if its output is at most this share of the input. */
const MAX_SHARE = 0.9;
const PLAIN = codecNumber('none');

/** Blocks that wait to become a frame: their rows, the offsets of their octets in the image, and the octets. */
interface Waiting {
  readonly rows: number[];
  readonly starts: number[];
  readonly parts: Uint8Array[];
  size: number;
}

function noneWaiting(): Waiting {
  return { rows: [], starts: [], parts: [], size: 0 };
}

/**
 * Makes a layout that puts Blocks which compress well together, mostly neighbours of one content, into frames of {@link FRAME_SIZE}.
 * Blocks that are compressed already, or look incompressible, stay as they are.
 *
 * @param level - Zstandard compression level, 1..19
 */
export function frameLayout(digestSize: number, level: number): LayOutRecords {
  return (batch, isNew) => new FrameLayout(batch, isNew, digestSize, level).layout();
}

class FrameLayout {
  readonly #batch: RecordBatch;
  readonly #headerSize: number;
  readonly #level: number;
  readonly #rows: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #storedSizes: Uint32Array;
  readonly #codecs: Uint8Array;
  readonly #pieces: Uint8Array[] = [];
  /** The range of the image that the last piece is; `end` is -1 if that piece is not from the image. */
  readonly #kept = { start: 0, end: -1 };
  #waiting = noneWaiting();
  #size = 0;

  constructor(batch: RecordBatch, isNew: Uint8Array, digestSize: number, level: number) {
    this.#batch = batch;
    this.#headerSize = RECORD_FIXED_SIZE + digestSize;
    this.#level = level;
    this.#rows = rowsOf(isNew);
    this.#offsets = new Float64Array(this.#rows.length);
    this.#storedSizes = new Uint32Array(this.#rows.length);
    this.#codecs = new Uint8Array(this.#rows.length);
  }

  layout(): RecordLayout {
    const { image, storedSizes, codecs } = this.#batch;
    const rows = this.#rows;
    for (let i = 0, k = 0, at = 0; k < rows.length; i++) {
      const start = at + this.#headerSize;
      at = start + (storedSizes[i] as number);
      if (rows[k] !== i) continue;
      const data = image.subarray(start, at);
      if (codecs[i] === PLAIN && mayCompress(data)) this.#take(k, start, data);
      else this.#keep(k, start);
      k++;
    }
    this.#flush();
    return {
      pieces: this.#pieces,
      size: this.#size,
      rows,
      offsets: this.#offsets,
      storedSizes: this.#storedSizes,
      codecs: this.#codecs,
    };
  }

  #take(k: number, start: number, data: Uint8Array): void {
    if (this.#waiting.size + data.length > FRAME_SIZE) this.#flush();
    this.#waiting.rows.push(k);
    this.#waiting.starts.push(start);
    this.#waiting.parts.push(data);
    this.#waiting.size += data.length;
  }

  #flush(): void {
    const { rows, starts, parts, size } = this.#waiting;
    this.#waiting = noneWaiting();
    if (rows.length === 0) return;
    const packed = zstd().compress(parts, this.#level);
    const [first] = rows;
    if (packed.length > MAX_SHARE * size) for (const [i, k] of rows.entries()) this.#keep(k, starts[i] as number);
    else if (first !== undefined && rows.length === 1) this.#addRecord(first, packed, codecNumber('zstd'));
    else this.#addFrame(rows, parts, encodeFrame(packed, size));
  }

  /** Adds a frame, and after it a record for each Block in it. */
  #addFrame(rows: readonly number[], parts: readonly Uint8Array[], frame: Buffer): void {
    const frameAt = this.#size + this.#headerSize;
    this.#append(encodeGap(GAP_KIND.frame, this.#headerSize - RECORD_FIXED_SIZE, frame));
    let start = 0;
    for (const [i, k] of rows.entries()) {
      const back = this.#size + this.#headerSize - frameAt;
      this.#addRecord(k, encodePart({ back, frameSize: frame.length, start }), codecNumber('part'));
      start += (parts[i] as Uint8Array).length;
    }
  }

  /** Adds a record unchanged, joined to the piece before if contiguous. @param start - offset of its stored octets in the image */
  #keep(k: number, start: number): void {
    const { image, storedSizes, codecs } = this.#batch;
    const i = this.#rows[k] as number;
    const from = start - this.#headerSize;
    const end = start + (storedSizes[i] as number);
    if (this.#kept.end === from) this.#pieces.pop();
    else this.#kept.start = from;
    this.#pieces.push(image.subarray(this.#kept.start, end));
    this.#kept.end = end;
    this.#offsets[k] = this.#size + this.#headerSize;
    this.#size += end - from;
    this.#storedSizes[k] = end - start;
    this.#codecs[k] = codecs[i] as number;
  }

  #addRecord(k: number, stored: Uint8Array, codec: number): void {
    const i = this.#rows[k] as number;
    const { sizes, digests } = this.#batch;
    const header = Buffer.allocUnsafe(this.#headerSize);
    const digestSize = this.#headerSize - RECORD_FIXED_SIZE;
    const digest = digests.subarray(i * digestSize, (i + 1) * digestSize);
    writeRecordHeader(header, 0, codecByNumber(codec), stored.length, sizes[i] as number, crc32(stored), digest);
    this.#append(header);
    this.#offsets[k] = this.#size;
    this.#storedSizes[k] = stored.length;
    this.#codecs[k] = codec;
    this.#append(stored);
  }

  #append(piece: Uint8Array): void {
    this.#kept.end = -1;
    this.#pieces.push(piece);
    this.#size += piece.length;
  }
}
