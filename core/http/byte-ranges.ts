/** Bytes `start` to `end`, exclusive, of a representation. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The part of some bytes within a range, as a view; it may be empty. @param at - the position of the first byte */
export function partWithin(bytes: Uint8Array, at: number, { start, end }: ByteRange): Uint8Array {
  return bytes.subarray(clamp(start - at, bytes.length), clamp(end - at, bytes.length));
}

function clamp(at: number, length: number): number {
  return Math.min(Math.max(0, at), length);
}

/** Ranges in one answer, at most; requests for more are refused. */
const MAX_RANGES = 64;

/**
 * Parses a `Range` header.
 *
 * @see RFC 9110, 14.1.2 and 14.2
 * @param size - bytes of the representation
 * @returns `whole` if the header is absent or must be ignored: another unit, invalid syntax, or an empty representation. `unsatisfiable`
 *   if no range is within the representation, or there are too many. Otherwise the ranges in their order; if some overlap or touch, they
 *   are joined and sorted
 */
export function parseRanges(header: string | undefined, size: number): 'whole' | 'unsatisfiable' | readonly ByteRange[] {
  const set = /^bytes=(.*)$/i.exec(header ?? '')?.[1];
  // Some caches send ranges for everything, also for empty files.
  if (set === undefined || size === 0) return 'whole';
  const ranges: ByteRange[] = [];
  for (const text of set.split(',').map((part) => part.trim())) {
    if (text === '') continue;
    const [, first = '', last = ''] = /^(\d{0,16})-(\d{0,16})$/.exec(text) ?? [];
    if (first === '' && last === '') return 'whole';
    if (first !== '' && last !== '' && Number(last) < Number(first)) return 'whole';
    const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
    const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
    if (start < end) ranges.push({ start, end });
  }
  if (ranges.length === 0) return 'unsatisfiable';
  const joined = join(ranges);
  return joined.length > MAX_RANGES ? 'unsatisfiable' : joined;
}

function join(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const sorted = ranges.toSorted((a, b) => a.start - b.start);
  const joined: ByteRange[] = [];
  for (const range of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && range.start <= last.end)
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    else joined.push(range);
  }
  return joined.length === ranges.length ? ranges : joined;
}
