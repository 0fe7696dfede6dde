import { randomUUID } from 'node:crypto';
import { encodeSegment } from './s3-address.ts';

// The keys of an archive's entries in a bucket: `archives/NAME/ORDER-UUID.vt`. @see vt(5), "Stores in buckets"

const ARCHIVES = 'archives/';
const ORDER_DIGITS = 20;
const ENTRY_KEY = /^(\d{20})-[0-9a-f-]{36}\.(vt|gone)$/;

/** The parts of an entry's key. */
export interface EntryKey {
  readonly key: string;
  /** The sort order of entries, ascending. */
  readonly order: bigint;
  /** The entry was forgotten: its object only keeps the order of entries. */
  readonly isForgotten: boolean;
}

/** The prefix of an archive's keys. */
export function archivePrefix(name: string): string {
  return `${ARCHIVES}${encodeSegment(name).replaceAll('%', '=')}/`;
}

/** The prefix of all archives. */
export const ALL_ARCHIVES = ARCHIVES;

/** The name of the archive in a folder; undefined if the folder is no archive's. */
export function archiveOfFolder(folder: string): string | undefined {
  try {
    const name = decodeURIComponent(folder.replaceAll('=', '%'));
    return archivePrefix(name) === `${ARCHIVES}${folder}/` ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Makes the key of a new entry, which sorts after `after`. @param nowMs - milliseconds since 1970 */
export function newEntryKey(prefix: string, after: bigint | undefined, nowMs: number): string {
  const now = BigInt(nowMs) * 1000n;
  const order = after !== undefined && after >= now ? after + 1n : now;
  return `${prefix}${order.toString().padStart(ORDER_DIGITS, '0')}-${randomUUID()}.vt`;
}

/** Parses a key below an archive's prefix; undefined if it is no entry's. */
export function parseEntryKey(prefix: string, key: string): EntryKey | undefined {
  const [, order, end] = ENTRY_KEY.exec(key.slice(prefix.length)) ?? [];
  return order === undefined ? undefined : { key, order: BigInt(order), isForgotten: end === 'gone' };
}

/** The key that an entry has after it was forgotten. */
export function forgottenKey(key: string): string {
  return key.replace(/\.vt$/, '.gone');
}
