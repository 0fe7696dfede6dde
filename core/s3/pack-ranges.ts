import type { OpOptions } from '../base/op-options.ts';
import { PackChunk } from './pack-chunk.ts';
import type { PackKind, PackName } from './pack-names.ts';
import { kindOfPack, packKey } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';

/** Ranges of a pack with a smaller gap than this many octets are fetched by one request, since each request has its own cost. */
export const MAX_GAP: number = 128 * 1024;
/** Maximum octets of one request; a single Block may exceed it. */
const MAX_RANGE = 8 * 1024 * 1024;
/** Minimum octets per request, by kind of pack: a session that reads one Dir reads others. */
const MIN_RANGE: Readonly<Record<PackKind, number>> = { d: 0, m: 512 * 1024 };
/** Octets of the first read-ahead for a sequential reader; each next one is four times larger. */
const FIRST_AHEAD = 1024 * 1024;
const MAX_AHEAD = 4 * 1024 * 1024;
/** Maximum number of sequential readers that are tracked. */
const MAX_READERS = 8;
/** Maximum octets of cached ranges. */
const MAX_KEPT = 64 * 1024 * 1024;

/** A range of a pack, in octets. */
export interface PackRange {
  readonly pack: PackName;
  readonly start: number;
  readonly end: number;
}

interface Want {
  readonly start: number;
  readonly end: number;
  readonly resolve: (chunk: PackChunk) => void;
}

/** The state of a sequential reader. */
interface Reader {
  pack: PackName;
  end: number;
  /** The last range ended at the end of the pack. */
  isAtEnd: boolean;
  ahead: number;
}

/**
 * Reads ranges of packs. Combines the reads of one pass of the event loop: neighbouring ranges become one request. For a sequential reader
 * it reads ahead, more and more each time, to hide the latency of the service.
 */
export class PackRanges {
  readonly #client: Pick<S3Client, 'get'>;
  readonly #wants = new Map<PackName, Want[]>();
  /** Ordered by last use, most recent last. */
  #chunks: PackChunk[] = [];
  #readers: Reader[] = [];
  #isScheduled = false;

  constructor(client: Pick<S3Client, 'get'>) {
    this.#client = client;
  }

  /** Reads a range; fewer octets if the pack is too short, undefined if it does not exist. Do not modify the result. */
  async read(pack: PackName, start: number, end: number, { signal }: OpOptions): Promise<Buffer | undefined> {
    const chunk = this.#kept(pack, start, end) ?? (await this.#wanted(pack, start, end));
    return await chunk.part(start, end, signal);
  }

  /**
   * As `read`, for a range that was combined already.
   *
   * @param memory - if given, the range is read into it and not cached; for ranges that no other caller needs
   */
  async readRange(
    { pack, start, end }: PackRange,
    memory: ((size: number) => Buffer) | undefined,
    options: OpOptions,
  ): Promise<Buffer | undefined> {
    const chunk = this.#kept(pack, start, end) ?? (memory === undefined ? this.#fetch(pack, start, end) : undefined);
    if (chunk !== undefined) return await chunk.part(start, end, options.signal);
    const maxSize = end - start;
    return await this.#client.get(packKey(pack), { ...options, range: [start, end], maxSize, ...(memory && { roomFor: memory }) });
  }

  #wanted(pack: PackName, start: number, end: number): Promise<PackChunk> {
    return new Promise((resolve) => {
      const wants = this.#wants.get(pack) ?? [];
      wants.push({ start, end, resolve });
      this.#wants.set(pack, wants);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => this.#send());
    });
  }

  #kept(pack: PackName, start: number, end: number): PackChunk | undefined {
    const at = this.#chunks.findLastIndex((chunk) => chunk.holds(pack, start, end));
    const chunk = this.#chunks[at];
    if (chunk === undefined) return undefined;
    this.#chunks.splice(at, 1);
    this.#chunks.push(chunk);
    return chunk;
  }

  #send(): void {
    this.#isScheduled = false;
    const all = [...this.#wants];
    this.#wants.clear();
    for (const [pack, wants] of all) {
      wants.sort((a, b) => a.start - b.start);
      for (let first = 0; first < wants.length; ) {
        const { start } = wants[first] as Want;
        let end = 0;
        let next = first;
        for (let want = wants[next]; want !== undefined; want = wants[++next]) {
          if (next > first && (want.start > end + MAX_GAP || want.end - start > MAX_RANGE)) break;
          end = Math.max(end, want.end);
        }
        const chunk = this.#kept(pack, start, end) ?? this.#fetch(pack, start, end);
        for (const want of wants.slice(first, next)) want.resolve(chunk);
        first = next;
      }
    }
  }

  #fetch(pack: PackName, start: number, wantedEnd: number): PackChunk {
    const reader = this.#readerAt(pack, start);
    const end = Math.max(wantedEnd, start + Math.max(reader.ahead, MIN_RANGE[kindOfPack(pack)]));
    reader.pack = pack;
    reader.end = end;
    reader.isAtEnd = false;
    const chunk = new PackChunk({ pack, start, end }, async (signal) => {
      const found = await this.#client.get(packKey(pack), { range: [start, end], maxSize: end - start, signal });
      if (found !== undefined && found.length < end - start && reader.pack === pack && reader.end === end) reader.isAtEnd = true;
      return found;
    });
    // The next reader retries a failed range.
    chunk.data.catch(() => {
      this.#chunks = this.#chunks.filter((kept) => kept !== chunk);
    });
    this.#chunks.push(chunk);
    let size = this.#chunks.reduce((sum, kept) => sum + kept.end - kept.start, 0);
    while (size > MAX_KEPT && this.#chunks.length > 1) {
      const dropped = this.#chunks.shift();
      size -= dropped === undefined ? 0 : dropped.end - dropped.start;
    }
    return chunk;
  }

  /** The reader that continues at `start`, or a new one. */
  #readerAt(pack: PackName, start: number): Reader {
    const goesOn = ({ pack: at, end, isAtEnd }: Reader): boolean =>
      at === pack ? start >= end - MAX_GAP && start <= end + MAX_GAP : isAtEnd && start <= MAX_GAP && kindOfPack(at) === kindOfPack(pack);
    const found = this.#readers.find(goesOn);
    const reader = found ?? { pack, end: 0, isAtEnd: false, ahead: 0 };
    if (found !== undefined) reader.ahead = Math.min(MAX_AHEAD, Math.max(FIRST_AHEAD, reader.ahead * 4));
    this.#readers = [...this.#readers.filter((other) => other !== reader), reader].slice(-MAX_READERS);
    return reader;
  }
}
