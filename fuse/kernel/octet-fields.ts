import { FilesystemError } from '../filesystem-error.ts';

// Fields of the kernel's structures: little endian, as on every machine that Node runs on.

/** A 64-bit field that has to be a safe integer. @throws FilesystemError EFBIG */
export function readU64(bytes: Buffer, at: number): number {
  if (at + 8 > bytes.length) throw new FilesystemError('EINVAL');
  return safeU64(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4));
}

/** The number with these two 32-bit halves, which has to be a safe integer. @throws FilesystemError EFBIG */
export function safeU64(low: number, high: number): number {
  const value = low + high * 2 ** 32;
  if (!Number.isSafeInteger(value)) throw new FilesystemError('EFBIG');
  return value;
}

/** A 64-bit field with a sign. @throws FilesystemError EINVAL where it is no safe integer */
export function readI64(bytes: Buffer, at: number): number {
  if (at + 8 > bytes.length) throw new FilesystemError('EINVAL');
  const value = bytes.readUInt32LE(at) + bytes.readInt32LE(at + 4) * 2 ** 32;
  if (!Number.isSafeInteger(value)) throw new FilesystemError('EINVAL');
  return value;
}

/** Sets a 64-bit field; negative numbers are written as two's complement. */
export function writeI64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 2 ** 32);
  bytes.writeUInt32LE(value - high * 2 ** 32, at);
  bytes.writeInt32LE(high | 0, at + 4);
}
