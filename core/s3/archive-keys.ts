import { randomUUID } from 'node:crypto';
import { encodeSegment } from './s3-address.ts';

// The keys of what an archive has in a bucket: `archives/NAME/ORDER-UUID.vt`. @see vt(5), "Stores in buckets"

const ARCHIVES = 'archives/';
const ORDER_DIGITS = 20;
const ENTRY_KEY = /^(\d{20})-[0-9a-f-]{36}\.(vt|gone)$/;

/** What stands for one entry. */
export interface EntryKey {
  readonly key: string;
  /** Entries ascend by it. */
  readonly order: bigint;
  /** It was forgotten: what it says only tells what came before what. */
  readonly isForgotten: boolean;
}

/** What the keys of an archive begin with. */
export function archivePrefix(name: string): string {
  return `${ARCHIVES}${encodeSegment(name).replaceAll('%', '=')}/`;
}

/** The prefix of all archives. */
export const ALL_ARCHIVES = ARCHIVES;

/** The name of the archive in a folder; undefined for none. */
export function archiveOfFolder(folder: string): string | undefined {
  try {
    const name = decodeURIComponent(folder.replaceAll('=', '%'));
    return archivePrefix(name) === `${ARCHIVES}${folder}/` ? name : undefined;
  } catch {
    return undefined;
  }
}

/** The key of a new entry, behind one of an order. @param nowMs - milliseconds since 1970 */
export function newEntryKey(prefix: string, after: bigint | undefined, nowMs: number): string {
  const now = BigInt(nowMs) * 1000n;
  const order = after !== undefined && after >= now ? after + 1n : now;
  return `${prefix}${order.toString().padStart(ORDER_DIGITS, '0')}-${randomUUID()}.vt`;
}

/** What a key of an archive stands for; undefined for no entry. */
export function parseEntryKey(prefix: string, key: string): EntryKey | undefined {
  const [, order, end] = ENTRY_KEY.exec(key.slice(prefix.length)) ?? [];
  return order === undefined ? undefined : { key, order: BigInt(order), isForgotten: end === 'gone' };
}

/** The key of what is left of an entry that was forgotten. */
export function forgottenKey(key: string): string {
  return key.replace(/\.vt$/, '.gone');
}
