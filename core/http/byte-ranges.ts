/** Bytes `start` to `end`, exclusive, of a representation. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Of bytes whose first is at `at`, those in a range: a view, empty where there are none. */
export function partWithin(bytes: Uint8Array, at: number, { start, end }: ByteRange): Uint8Array {
  return bytes.subarray(clamp(start - at, bytes.length), clamp(end - at, bytes.length));
}

function clamp(at: number, length: number): number {
  return Math.min(Math.max(0, at), length);
}

/** Parts of one answer at most; a request for more gets none. */
const MAX_RANGES = 64;

/**
 * What a `Range` header asks for. @see RFC 9110, 14.1.2 and 14.2
 *
 * @param size - bytes of the representation
 * @returns `whole` where the header is absent, or is to be ignored: another unit, or a text that follows no grammar. Also
 * where there is nothing to have a part of. `unsatisfiable` where no range is in the representation, or there are too
 * many. Ranges that overlap or touch are joined, and all are sorted then: else they keep the order of the header
 */
export function parseRanges(header: string | undefined, size: number): 'whole' | 'unsatisfiable' | readonly ByteRange[] {
  const set = /^bytes=(.*)$/i.exec(header ?? '')?.[1];
  // Caches that ask for ranges of everything ask for one of an empty file too.
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
