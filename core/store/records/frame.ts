import type { ReadAt } from './trailer.ts';
import { zstd } from './zstd.ts';

// A frame holds several Blocks, compressed together. Behind it stands a record for each of them, which says where in it the Block is. So
// every Block keeps its own record: only a read of its octets looks further. @see vt(5), "Data files"

/** Octets of a frame before what is compressed. */
const FRAME_HEAD_SIZE = 4;
/** Octets that a frame may unpack to: writers stop far below. */
const MAX_FRAME_SIZE = 1024 * 1024;
/** Octets that the record of a Block in a frame stores. */
export const PART_SIZE = 12;

/** Where a Block is, seen from its record. */
export interface Part {
  /** Octets from the first of the frame's to the first that the record stores. */
  readonly back: number;
  /** Octets of the frame. */
  readonly frameSize: number;
  /** Where in the unpacked frame the Block begins. */
  readonly start: number;
}

/** What a record of a Block in a frame stores. */
export function encodePart({ back, frameSize, start }: Part): Buffer {
  const out = Buffer.allocUnsafe(PART_SIZE);
  out.writeUInt32LE(back, 0);
  out.writeUInt32LE(frameSize, 4);
  out.writeUInt32LE(start, 8);
  return out;
}

/** The same, read; undefined where it makes no sense. */
export function decodePart(stored: Uint8Array): Part | undefined {
  return stored.length === PART_SIZE ? partAt(stored, 0) : undefined;
}

/** As {@link decodePart}, of {@link PART_SIZE} octets that stand among others. */
export function partAt(octets: Uint8Array, at: number): Part | undefined {
  const part = { back: uint32At(octets, at), frameSize: uint32At(octets, at + 4), start: uint32At(octets, at + 8) };
  return part.frameSize <= part.back && part.frameSize <= MAX_FRAME_SIZE ? part : undefined;
}

function uint32At(octets: Uint8Array, at: number): number {
  const low = (octets[at] as number) | ((octets[at + 1] as number) << 8);
  return (low | ((octets[at + 2] as number) << 16) | ((octets[at + 3] as number) << 24)) >>> 0;
}

/** A frame's octets. @param packed - compressed by Zstandard @param size - octets that it unpacks to */
export function encodeFrame(packed: Buffer, size: number): Buffer {
  const out = Buffer.allocUnsafe(FRAME_HEAD_SIZE + packed.length);
  out.writeUInt32LE(size, 0);
  packed.copy(out, FRAME_HEAD_SIZE);
  return out;
}

/** What a frame unpacks to, or undefined where it is damaged. */
export function unpackFrame(frame: Buffer): Buffer | undefined {
  if (frame.length < FRAME_HEAD_SIZE) return undefined;
  const size = frame.readUInt32LE(0);
  return size > MAX_FRAME_SIZE ? undefined : zstd().decompress(frame.subarray(FRAME_HEAD_SIZE), size);
}

/**
 * The frame that a record is of, unpacked; undefined where it is damaged, or not there.
 *
 * @param back - how far before the first octet that the record stores it begins
 * @param size - its octets in the file
 */
export type FindFrame = (back: number, size: number) => Buffer | undefined;

/** Finds the frame of a record by reads of its file. @param offset - of the first octet that the record stores */
export function frameFinder(read: ReadAt, offset: number): FindFrame {
  return (back, size) => (back <= offset ? unpackFrame(read(offset - back, size)) : undefined);
}

/** Frames unpacked lately, the latest last: the Blocks of one are mostly wanted one after the other. */
export class UnpackedFrames<Key> {
  readonly #most: number;
  readonly #frames = new Map<Key, Buffer>();

  /** @param most - frames that are kept */
  constructor(most: number) {
    this.#most = most;
  }

  /** An unpacked frame, or undefined where it is damaged. @param read - its octets, asked for where it is not kept */
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
