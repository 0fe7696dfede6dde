const NANOS = 1_000_000_000n;
const UTIME_OMIT = process.platform === 'darwin' ? -2n : (1n << 30n) - 2n;

/** Bytes of a struct timespec[2] on 64-bit Linux and macOS. */
export const TIMESPECS_SIZE = 32;

/** Writes a struct timespec: seconds, rounded down, and nanoseconds 0..999999999. Undefined is written as UTIME_OMIT. */
export function writeTimespec(target: Uint8Array, offset: number, ns: bigint | undefined): void {
  if (ns === undefined) {
    const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
    view.setBigInt64(offset, 0n, true);
    view.setBigInt64(offset + 8, UTIME_OMIT, true);
    return;
  }
  // Written as numbers, byte by byte. With a DataView and bigints this took 2 % of an export of small files.
  let seconds = Number(ns / NANOS);
  let rest = Number(ns % NANOS);
  if (rest < 0) {
    seconds--;
    rest += 1e9;
  }
  writeUint32(target, offset, seconds >>> 0);
  writeUint32(target, offset + 4, Math.floor(seconds / 2 ** 32) >>> 0);
  writeUint32(target, offset + 8, rest);
  writeUint32(target, offset + 12, 0);
}

function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value & 0xff;
  target[offset + 1] = (value >>> 8) & 0xff;
  target[offset + 2] = (value >>> 16) & 0xff;
  target[offset + 3] = value >>> 24;
}

/** Encodes access and modification time for utimensat(2). Undefined leaves a time unchanged. */
export function timespecs(atimeNs: bigint | undefined, mtimeNs: bigint | undefined): Uint8Array {
  const out = new Uint8Array(TIMESPECS_SIZE);
  writeTimespec(out, 0, atimeNs);
  if (mtimeNs === atimeNs) out.copyWithin(16, 0, 16);
  else writeTimespec(out, 16, mtimeNs);
  return out;
}

/**
 * Converts a time for fs.utimes: seconds in a double, exact to about a microsecond. Node takes a negative number for the current time, so
 * times before 1970 are Dates, exact to a millisecond.
 */
export function nodeTime(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns / 1_000_000n)) : Number(ns) / 1e9;
}

/** Reads a time that {@link writeTimespec} wrote; undefined for UTIME_OMIT. */
export function readTimespec(data: Uint8Array, offset: number): bigint | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const rest = view.getBigInt64(offset + 8, true);
  return rest === UTIME_OMIT ? undefined : view.getBigInt64(offset, true) * NANOS + rest;
}
