import type { Store } from '../../store/store.ts';
import type { ByteRange } from '../byte-ranges.ts';
import { partWithin } from '../byte-ranges.ts';
import type { GatheredContents, PackedPart } from './gathered-contents.ts';

/** A part with its place in the packed file. */
export interface RangePart extends PackedPart {
  /** Its first byte in the packed file: that of what is before its content. */
  readonly start: number;
}

/** What a format of packed files has around contents. */
export interface PackFormat<Part extends RangePart> {
  /** Writes the `before` bytes that precede the content. */
  writeBefore(part: Part, target: Buffer, at: number): void;
  /** Called with a whole content, for a checksum of it. */
  seeContent?(part: Part, content: Buffer): void;
  /** A range of a content that was not read with others. */
  content(part: Part, range: ByteRange): AsyncIterable<Uint8Array>;
  /** Writes the `after` bytes that follow the content. */
  writeAfter(part: Part, target: Buffer, at: number): Promise<void> | undefined;
}

/**
 * A range of a packed file. Contents outside of it are not read.
 *
 * @param batches - the parts that the range has something of, in order
 * @throws what reading a content throws, at the place where it belongs
 */
export async function* packedRange<Part extends RangePart>(
  contents: GatheredContents,
  store: Store,
  batches: AsyncIterable<readonly Part[]>,
  range: ByteRange,
  format: PackFormat<Part>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const { bytes, parts } of contents.groups(store, batches, signal)) {
    // What has not been given yet: from where in the memory, and where that is in the packed file.
    let from = 0;
    let position = parts[0]?.part.start ?? 0;
    for (const { part, at, room, isRead } of parts) {
      const contentAt = at + part.before;
      const contentStart = part.start + part.before;
      format.writeBefore(part, bytes, at);
      if (isRead) format.seeContent?.(part, bytes.subarray(contentAt, contentAt + room));
      else if (part.size > 0) {
        yield partWithin(bytes.subarray(from, contentAt), position, range);
        const start = Math.max(0, range.start - contentStart);
        const end = Math.min(part.size, range.end - contentStart);
        if (start < end) yield* format.content(part, { start, end });
        from = contentAt + room;
        position = contentStart + part.size;
      }
      const written = format.writeAfter(part, bytes, contentAt + room);
      if (written !== undefined) await written;
    }
    yield partWithin(bytes.subarray(from), position, range);
  }
}
