import { crc32 } from '../../base/crc32.ts';
import type { RecordShape } from './index-records.ts';

// Pages of an index: records in the order of their keys, in 4 KiB with a check of their own. What is read is checked
// before it is used, so that no byte of an index, however it came to be there, does more than make the index again.
// @see docs/design/index.md

/** Bytes of a page. */
export const PAGE_SIZE = 4096;
/** u32 CRC-32 of what follows, u16 count of records, two bytes 0. */
export const PAGE_HEADER_SIZE = 8;

/** How many records of a shape a page holds. */
export function recordsPerPage({ keySize, valueSize }: RecordShape): number {
  return Math.floor((PAGE_SIZE - PAGE_HEADER_SIZE) / (keySize + valueSize));
}

/** What the CRC of a page begins with: that of another run, or of another place in it, does not hold. */
export function pageSeed(runName: string, page: number): number {
  return (crc32(Buffer.from(runName)) + page) >>> 0;
}

/** Fills in a page's header. */
export function sealPage(page: Buffer, count: number, seed: number): void {
  page.writeUInt16BE(count, 4);
  page.writeUInt16BE(0, 6);
  page.writeUInt32BE(crc32(page.subarray(4, PAGE_SIZE), seed), 0);
}

/** How many records a page holds, or undefined where it is damaged. */
export function pageCount(page: Buffer, seed: number, perPage: number): number | undefined {
  if (page.length !== PAGE_SIZE || page.readUInt32BE(0) !== crc32(page.subarray(4), seed)) return undefined;
  const count = page.readUInt16BE(4);
  return count >= 1 && count <= perPage ? count : undefined;
}

/** The first four bytes at a place, as a number. */
export function prefixAt(octets: Uint8Array, at: number): number {
  return (
    (octets[at] as number) * 0x100_0000 +
    (((octets[at + 1] as number) << 16) | ((octets[at + 2] as number) << 8) | (octets[at + 3] as number))
  );
}

/** The first of ascending numbers that is not below `least`: its place, which may be their count. */
export function lowerBound(numbers: ArrayLike<number>, least: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
