import { deflateSync, inflateSync } from 'node:zlib';
import type { Codec } from './datafile.ts';
import { decodePart, type FindFrame } from './frame.ts';
import { zstd } from './zstd.ts';

/** Below this many octets compression gains nothing. */
const MIN_COMPRESSED_SIZE = 64;
/**
 * Of mail and logs in leaves of 48 KB, levels 1, 3, 4, 5 and 6 made 0.36, 0.35, 0.34, 0.32 and 0.32. Their times were 1,
 * 1.4, 1.8, 2.8 and 3.4.
 */
const LEVEL = 5;
/** Octets tried before the whole of a large Block is compressed. */
const PROBE_SIZE = 2048;

/** The least that zlib puts out at once. */
const MIN_CHUNK_SIZE = 64;

/** How a Store compresses the Blocks that are added: those that it saves less than a tenth of are stored as they are. */
export type StoredCompression = 'none' | 'zlib';

/** A Block's bytes as they are to be stored compressed. */
export interface CompressedBytes {
  readonly codec: 'zlib';
  readonly data: Uint8Array;
}

/** Compresses a Block's bytes, or gives undefined where that saves less than a tenth. */
export function compressStored(data: Uint8Array, compression: StoredCompression): CompressedBytes | undefined {
  if (compression === 'none') return undefined;
  if (data.length < MIN_COMPRESSED_SIZE) return undefined;
  // What is compressed already shows in a small piece from its middle: deflate runs at 43 MB/s on random octets.
  if (data.length > 4 * PROBE_SIZE) {
    const start = (data.length - PROBE_SIZE) >>> 1;
    if (deflateSync(data.subarray(start, start + PROBE_SIZE), { level: 1 }).length > 0.95 * PROBE_SIZE) return undefined;
  }
  const packed = deflateSync(data, { level: LEVEL });
  return packed.length < 0.9 * data.length ? { codec: 'zlib', data: packed } : undefined;
}

/**
 * A Block's bytes from those that are stored, or undefined where they cannot be decoded to `size` octets.
 *
 * @param stored - all of the stored octets; with codec `none` they are the result
 * @param size - octets of the Block, MAX_STORED_SIZE at most
 * @param findFrame - where there may be frames
 */
export function decodeStored(stored: Buffer, codec: Codec, size: number, findFrame?: FindFrame): Buffer | undefined {
  switch (codec) {
    case 'none':
      return stored.length === size ? stored : undefined;
    case 'zlib':
      return inflated(stored, size);
    case 'zstd':
      return zstd().decompress(stored, size);
    case 'part':
      return partOf(stored, size, findFrame);
    case 'unknown':
      return undefined;
  }
}

function inflated(stored: Buffer, size: number): Buffer | undefined {
  try {
    const data = inflateSync(stored, { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size, MIN_CHUNK_SIZE) });
    return data.length === size ? data : undefined;
  } catch {
    return undefined;
  }
}

/** A view of the unpacked frame. */
function partOf(stored: Buffer, size: number, findFrame: FindFrame | undefined): Buffer | undefined {
  const part = decodePart(stored);
  const frame = part && findFrame?.(part.back, part.frameSize);
  return frame !== undefined && part !== undefined && part.start + size <= frame.length
    ? frame.subarray(part.start, part.start + size)
    : undefined;
}
