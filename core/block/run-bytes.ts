// The bytes of RunBlocks, as views of one shared buffer per byte value. So reading a hole of 1 TiB takes no memory.

/** Bytes of the shared buffer of NULs. Runs of NUL are holes, the longest runs of all. */
const NUL_BUFFER_SIZE = 1024 * 1024;

/** Bytes of the shared buffer of any other byte value. All 255 buffers together have less than 17 MB. */
const OTHER_BUFFER_SIZE = 64 * 1024;

const buffers = new Map<number, Uint8Array>();

function bufferOf(octet: number): Uint8Array {
  let buffer = buffers.get(octet);
  if (buffer === undefined) {
    if (!Number.isInteger(octet) || octet < 0 || octet > 255) throw new RangeError(`read run: expected a byte 0..255, got ${octet}`);
    buffer = octet === 0 ? new Uint8Array(NUL_BUFFER_SIZE) : new Uint8Array(OTHER_BUFFER_SIZE).fill(octet);
    buffers.set(octet, buffer);
  }
  return buffer;
}

/**
 * `length` times `octet`, in views of one shared buffer.
 *
 * @param octet - 0..255
 * @param length - 0..2^53-1
 * @returns views, not to be modified; all but the last have 1 MiB for NUL, else 64 KiB
 * @throws {RangeError} if `octet` is not a byte
 */
export function* runChunks(octet: number, length: number): Generator<Uint8Array, void, undefined> {
  const buffer = bufferOf(octet);
  let left = length;
  for (; left >= buffer.length; left -= buffer.length) yield buffer;
  if (left > 0) yield buffer.subarray(0, left);
}

/**
 * `length` times `octet` in one array, not to be modified. It is a view of the shared buffer if that is long enough, else a new array.
 *
 * @param octet - 0..255
 * @param length - bytes, 0 or more
 * @throws {RangeError} if `octet` is not a byte
 */
export function runBytes(octet: number, length: number): Uint8Array {
  const buffer = bufferOf(octet);
  return length <= buffer.length ? buffer.subarray(0, length) : new Uint8Array(length).fill(octet);
}

/**
 * Whether all bytes of `data` are equal; false for no bytes. Native comparison: 64 KiB take 3 µs, and most other data are recognised after
 * a
 * few bytes.
 */
export function isRun(data: Uint8Array): boolean {
  const first = data[0];
  if (first === undefined) return false;
  const head = Math.min(data.length, 64);
  for (let i = 1; i < head; i++) if (data[i] !== first) return false;
  // All bytes are equal exactly if the data equal themselves shifted by one byte.
  return Buffer.compare(data.subarray(1), data.subarray(0, data.length - 1)) === 0;
}
