import type { BigIntStats } from 'node:fs';

/** The fields that show whether a local file is unchanged: the kernel changes ctime whenever content or metadata change. */
export type FileSignature = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/** Numbers in a packed signature. */
export const SIGNATURE_LENGTH = 5;

/** Whether two signatures are equal. */
export function sameSignature(a: FileSignature, b: FileSignature): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.dev === b.dev;
}

/** Writes a signature into five numbers from `at` on. */
export function packSignature(target: BigInt64Array, at: number, signature: FileSignature): void {
  target[at] = BigInt.asIntN(64, signature.dev);
  target[at + 1] = BigInt.asIntN(64, signature.ino);
  target[at + 2] = signature.size;
  target[at + 3] = signature.mtimeNs;
  target[at + 4] = signature.ctimeNs;
}

/** Whether the five numbers from `at` on are this signature. */
export function isPackedSignature(packed: BigInt64Array, at: number, signature: FileSignature): boolean {
  return (
    packed[at + 4] === signature.ctimeNs &&
    packed[at + 3] === signature.mtimeNs &&
    packed[at + 2] === signature.size &&
    packed[at + 1] === BigInt.asIntN(64, signature.ino) &&
    packed[at] === BigInt.asIntN(64, signature.dev)
  );
}
