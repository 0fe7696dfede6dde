import type { ReadAt } from './trailer.ts';
import { zstd } from './zstd.ts';

// A frame contains several Blocks, compressed together. After it there is a record for each of them with its place in the frame. So
// every Block has its own record, and only reading its octets needs the frame. @see vt(5), "Data files"

/** Octets of a frame before the compressed data. */
const FRAME_HEAD_SIZE = 4;
/** Maximum decompressed octets of a frame; writers stay far below. */
const MAX_FRAME_SIZE = 1024 * 1024;
/** Stored octets of the record of a Block in a frame. */
export const PART_SIZE = 12;

/** The place of a Block in a frame, relative to its record. */
export interface Part {
  /** Octets from the start of the frame to the start of the record's stored octets. */
  readonly back: number;
  /** Size of the frame in octets. */
  readonly frameSize: number;
  /** Offset of the Block in the decompressed frame. */
  readonly start: number;
}

/** Encodes the stored octets of a Block in a frame. */
export function encodePart({ back, frameSize, start }: Part): Buffer {
  const out = Buffer.allocUnsafe(PART_SIZE);
  out.writeUInt32LE(back, 0);
  out.writeUInt32LE(frameSize, 4);
  out.writeUInt32LE(start, 8);
  return out;
}

/** Decodes {@link encodePart}; undefined if it is invalid. */
export function decodePart(stored: Uint8Array): Part | undefined {
  return stored.length === PART_SIZE ? partAt(stored, 0) : undefined;
}

/** As {@link decodePart}, for {@link PART_SIZE} octets at an offset. */
export function partAt(octets: Uint8Array, at: number): Part | undefined {
  const part = { back: uint32At(octets, at), frameSize: uint32At(octets, at + 4), start: uint32At(octets, at + 8) };
  return part.frameSize <= part.back && part.frameSize <= MAX_FRAME_SIZE ? part : undefined;
}

function uint32At(octets: Uint8Array, at: number): number {
  const low = (octets[at] as number) | ((octets[at + 1] as number) << 8);
  return (low | ((octets[at + 2] as number) << 16) | ((octets[at + 3] as number) << 24)) >>> 0;
}

/** Encodes a frame. @param packed - its data, compressed by Zstandard @param size - decompressed octets */
export function encodeFrame(packed: Buffer, size: number): Buffer {
  const out = Buffer.allocUnsafe(FRAME_HEAD_SIZE + packed.length);
  out.writeUInt32LE(size, 0);
  packed.copy(out, FRAME_HEAD_SIZE);
  return out;
}

/** Decompresses a frame; undefined if it is damaged. */
export function unpackFrame(frame: Buffer): Buffer | undefined {
  if (frame.length < FRAME_HEAD_SIZE) return undefined;
  const size = frame.readUInt32LE(0);
  return size > MAX_FRAME_SIZE ? undefined : zstd().decompress(frame.subarray(FRAME_HEAD_SIZE), size);
}

/**
 * Finds and decompresses the frame of a record; undefined if it is missing or damaged.
 *
 * @param back - octets from its start to the record's stored octets
 * @param size - its size in the file, in octets
 */
export type FindFrame = (back: number, size: number) => Buffer | undefined;

/** Finds the frame of a record by reading its file. @param offset - offset of the record's stored octets */
export function frameFinder(read: ReadAt, offset: number): FindFrame {
  return (back, size) => (back <= offset ? unpackFrame(read(offset - back, size)) : undefined);
}

/** A cache of decompressed frames, most recent last: the Blocks of a frame are mostly read in sequence. */
export class UnpackedFrames<Key> {
  readonly #most: number;
  readonly #frames = new Map<Key, Buffer>();

  /** @param most - maximum number of cached frames */
  constructor(most: number) {
    this.#most = most;
  }

  /** Gets a decompressed frame; undefined if it is damaged. @param read - reads its octets if it is not cached */
  get(key: Key, read: () => Buffer): Buffer | undefined {
    const kept = this.#frames.get(key);
    if (kept !== undefined) return kept;
    const unpacked = unpackFrame(read());
    if (unpacked === undefined) return undefined;
    this.#frames.set(key, unpacked);
    const [oldest] = this.#frames.keys();
    if (this.#frames.size > this.#most && oldest !== undefined) this.#frames.delete(oldest);
    return unpacked;
  }
}
