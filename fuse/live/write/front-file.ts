import { appendAll } from '../../../core/base/lists.ts';
import type { OpOptions } from '../../../core/base/op-options.ts';
import type { Block } from '../../../core/block/block.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { readBlockRange } from '../../../core/block/read-range.ts';
import { runChunks } from '../../../core/block/run-bytes.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import { parserOf } from '../../../core/blockify/choose-parser.ts';
import { SMALL_CONTENT_SIZE } from '../../../core/blockify/ingest/ingest.ts';
import type { ContentHint } from '../../../core/blockify/parser.ts';
import { MAX_HEAD_SIZE } from '../../../core/blockify/parser.ts';
import type { ContentPart, SpliceStore, StoreSplicedContent } from '../../../core/blockify/splice-content.ts';
import type { UnsyncedContent } from '../../../core/tree/live/live-node.ts';
import { UnloggedContent } from '../../journal/unlogged-content.ts';
import type { FrontFolder } from './front-storage.ts';
import { FrontStorage } from './front-storage.ts';
import type { SegmentSource } from './segment-map.ts';
import { SegmentMap } from './segment-map.ts';

/** Octets of a chunk when a whole front is read. */
const CHUNK_SIZE = 256 * 1024;

/** Segments whose data is added up, at most. A file with more counts as all data, since attributes are requested often. */
const MAX_COUNTED_SEGMENTS = 2000;

/** Octets of holes that are read, at most; with more, holes are skipped. */
const MAX_READ_HOLES = 4 * 1024 * 1024;

/** Blocks of mean size that are read around each change of a stored content to find where edges fall together again, about. */
const BLOCKS_AROUND = 8;

/** The parts of a mount that a front needs. */
export interface FrontContext {
  readonly source: SpliceStore;
  readonly folder: FrontFolder;
  /** Puts a content into the Store. */
  readonly storeContent: StoreSplicedContent;
  /** A journal is kept: fronts note the changes that are not in it yet. */
  readonly isLogged?: boolean;
}

/**
 * The content of a file that was written to and is not all in Blocks. A map says which bytes come from the front's own
 * storage, which from Blocks, and what is a hole. It is before the Blocks as long as somebody writes.
 */
export class FrontFile implements UnsyncedContent {
  readonly #context: FrontContext;
  readonly #hint: () => ContentHint;
  readonly #segments = new SegmentMap();
  /** Changes that are not in the journal yet. Absent without a journal. */
  readonly unlogged: UnloggedContent | undefined;
  readonly #storage: FrontStorage;
  #size: number;
  /** Counts changes. */
  #version = 0;
  #settled: { readonly version: number; readonly block: Block } | undefined;
  #settling: { readonly version: number; readonly block: Promise<Block> } | undefined;
  /** The content stored last, and where the present content differs from it. */
  #stored: Block;
  #changes = new SegmentMap();
  /** The file is new: no content was stored before. */
  #isNew: boolean;
  /** It was stored in parts. */
  #isSpliced = false;

  /** @param hint - what the file's metadata says of its content */
  constructor(context: FrontContext, base: Block, hint: () => ContentHint) {
    this.#context = context;
    this.#hint = hint;
    this.unlogged = context.isLogged === true ? new UnloggedContent() : undefined;
    this.#storage = new FrontStorage(context.folder);
    this.#size = Math.max(0, base.span);
    this.#segments.set(0, this.#size, { block: base, at: 0 });
    this.#settled = { version: 0, block: base };
    this.#stored = base;
    this.#isNew = base.span === 0;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether it is stored together with others. */
  get isSmall(): boolean {
    return this.#size <= SMALL_CONTENT_SIZE;
  }

  get isSettled(): boolean {
    return this.settledBlock !== undefined;
  }

  /** The Block of the present content, if nothing was written since it was stored. */
  get settledBlock(): Block | undefined {
    return this.#settled?.version === this.#version ? this.#settled.block : undefined;
  }

  /** The Blocks that parts of it come from. */
  blocks(): Block[] {
    const blocks = this.#segments.all.flatMap(({ source }) => (source === 'front' ? [] : [source.block]));
    return [...new Set(blocks)];
  }

  /** Bytes of it that are not holes, as far as parts of Blocks can tell; undefined where `dataSizeOf` does not know a Block's. */
  dataSize(dataSizeOf: (block: Block) => number | undefined): number | undefined {
    if (this.#segments.all.length > MAX_COUNTED_SEGMENTS) return this.#size;
    let size = 0;
    for (const { start, end, source } of this.#segments.all) {
      const data = source === 'front' ? undefined : dataSizeOf(source.block);
      if (source !== 'front' && data === undefined) return undefined;
      // Of a part of a Block its share: where the Block's holes are is not known here.
      size += source === 'front' || data === undefined ? end - start : Math.ceil((data * (end - start)) / Math.max(1, source.block.span));
    }
    return size;
  }

  write(data: Uint8Array, offset: number): void {
    if (data.length === 0) return;
    this.#storage.write(data, offset);
    this.#segments.set(offset, offset + data.length, 'front');
    this.unlogged?.wrote(offset, offset + data.length);
    this.#changed(offset, offset + data.length);
  }

  /** Truncates the content, or extends it by a hole. */
  truncate(size: number): void {
    if (size === this.#size) return;
    this.unlogged?.cutOff(size);
    if (size < this.#size) {
      this.#segments.set(size, this.#size, undefined);
      this.#storage.truncate(size);
    }
    this.#changed(Math.min(size, this.#size), Math.max(size, this.#size));
    this.#size = size;
    if (size === 0) this.#isNew = true;
  }

  /** Makes `start` to `end` a hole; the size stays. */
  punch(start: number, end: number): void {
    const to = Math.min(end, this.#size);
    if (to <= start) return;
    this.#segments.set(start, to, undefined);
    this.#storage.drop(start, to);
    this.unlogged?.wrote(start, to);
    this.#changed(start, to);
  }

  /** Makes `start` to `start + length` refer to a Block from offset `at` on. No octets are copied. */
  refer(start: number, length: number, block: Block, at: number): void {
    if (length <= 0) return;
    this.#segments.set(start, start + length, { block, at });
    this.unlogged?.wrote(start, start + length);
    this.#changed(start, start + length);
  }

  /** Notes a change of `start` to `end`, including a gap between the previous end and `start`. */
  #changed(start: number, end: number): void {
    this.#changes.set(Math.min(start, this.#size), end, 'front');
    this.#size = Math.max(this.#size, end);
    this.#version++;
  }

  /** Octets `start` to `end` at once, if all are the front's own; undefined if Blocks have to be read. */
  readNow(start: number, end: number): Uint8Array[] | undefined {
    const pieces: Uint8Array[] = [];
    for (const part of this.#segments.parts(start, Math.min(end, this.#size))) {
      if (part.source === undefined) appendAll(pieces, runChunks(0, part.end - part.start));
      else if (part.source === 'front') pieces.push(this.#storage.read(part.start, part.end));
      else return undefined;
    }
    return pieces;
  }

  async *read(start: number, end: number, options: OpOptions = {}): AsyncGenerator<Uint8Array> {
    for (let at = start; at < Math.min(end, this.#size); ) {
      const to = Math.min(end, this.#size, at + CHUNK_SIZE);
      for (const part of [...this.#segments.parts(at, to)]) yield* this.#part(part, options);
      at = to;
    }
  }

  async *#part(
    part: { readonly start: number; readonly end: number; readonly source: SegmentSource | undefined },
    options: OpOptions,
  ): AsyncGenerator<Uint8Array> {
    const { start, end, source } = part;
    if (source === undefined) yield* runChunks(0, end - start);
    else if (source === 'front') yield this.#storage.read(start, end);
    else yield* readBlockRange(this.#context.source, source.block, { start: source.at, end: source.at + (end - start), ...options });
  }

  /** The offset of the next data or hole at or after `offset`; undefined where there is no more data. */
  async seek(offset: number, whence: 'data' | 'hole'): Promise<number | undefined> {
    for (const part of [...this.#segments.parts(offset, this.#size)]) {
      if (part.source === undefined || part.source === 'front') {
        if ((part.source === 'front') === (whence === 'data')) return part.start;
        continue;
      }
      const { block, at } = part.source;
      const found = await seekBlock(this.#context.source, block, at, at + (part.end - part.start), whence);
      if (found !== undefined) return part.start + (found - at);
    }
    return whence === 'hole' ? this.#size : undefined;
  }

  async settle(options: OpOptions = {}): Promise<Block> {
    for (;;) {
      const done = this.settledBlock;
      if (done !== undefined) return done;
      const running = this.#settling;
      if (running === undefined || running.version === this.#version) return await (running ?? this.#start(options)).block;
      // The running one stores an older state, whose unchanged parts the next one reuses.
      await running.block.catch(() => undefined);
    }
  }

  /**
   * Called after the last write. A content that was stored in parts while it grew is stored once more as a whole if its syntax
   * matters. So it gets the Blocks that storing it at once would give. Most of them exist already.
   */
  finish(): void {
    if (!this.#isNew || !this.#isSpliced) return;
    const head = Buffer.concat(this.readNow(0, MAX_HEAD_SIZE) ?? []);
    if (parserOf(this.#hint(), head, this.#context.source.edges.minSize) === undefined) return;
    this.#isSpliced = false;
    this.#stored = EMPTY_BLOCK;
    this.#changes.set(0, this.#size, 'front');
    this.#version++;
  }

  /** Stores the content as it is. It does not wait for a steady writer: it stores one state that the content had. */
  #start(options: OpOptions): { readonly version: number; readonly block: Promise<Block> } {
    const version = this.#version;
    const parts = this.#partsNow();
    const changes = this.#changes;
    this.#changes = new SegmentMap();
    const store = async (): Promise<Block> => {
      try {
        const block = this.#wholeBlock() ?? (await this.#storeParts(parts, options)) ?? (await this.#storeWhole(options));
        this.#stored = block;
        if (block.span < this.#size) this.#changes.set(block.span, this.#size, 'front');
        if (this.#version === version && block.span === this.#size) this.#settled = { version, block };
        return block;
      } catch (error) {
        for (const { start, end } of changes.all) this.#changes.set(start, end, 'front');
        throw error;
      } finally {
        this.#settling = undefined;
      }
    };
    const settling = { version, block: store() };
    // Content that is at hand is stored by now.
    if (this.settledBlock === undefined) this.#settling = settling;
    return settling;
  }

  /** The sources of the content; unchanged parts come from the content stored last. */
  #partsNow(): ContentPart[] {
    const parts: ContentPart[] = [];
    for (const { start, end, source } of this.#changes.parts(0, this.#size)) {
      if (source === undefined) parts.push({ start, end, source: { block: this.#stored, at: start } });
      else
        for (const part of this.#segments.parts(start, end))
          parts.push({ ...part, source: part.source === 'front' ? 'octets' : part.source });
    }
    return parts;
  }

  async #storeWhole(options: OpOptions): Promise<Block> {
    this.#isSpliced = false;
    const content = this.#smallNow() ?? this.read(0, this.#size, options);
    return await this.#context.storeContent(content, { ...options, hint: this.#hint() });
  }

  /** The octets of a small content, if all are at hand: many files are then stored together. */
  #smallNow(): Uint8Array | undefined {
    const pieces = this.isSmall ? this.readNow(0, this.#size) : undefined;
    return pieces?.length === 1 ? pieces[0] : pieces && Buffer.concat(pieces);
  }

  /** Stores only the changes; undefined if reading everything is cheaper. */
  async #storeParts(parts: readonly ContentPart[], options: OpOptions): Promise<Block | undefined> {
    const around = BLOCKS_AROUND * this.#context.source.edges.meanSize;
    let holes = 0;
    let work = 0;
    for (const { start, end, source } of parts) {
      if (source === undefined) holes += end - start;
      else work += around + (source === 'octets' ? end - start : 0);
    }
    if (holes < MAX_READ_HOLES && work * 4 > this.#size) return undefined;
    const { canSplice, spliceContent } = await import('../../../core/blockify/splice-content.ts');
    const { source, storeContent } = this.#context;
    if (!canSplice(source)) return undefined;
    this.#isSpliced = true;
    return await spliceContent(source, { parts, read: (start, end) => this.read(start, end, options), storeContent }, options);
  }

  /** The Block of the whole content, if it is a single one. */
  #wholeBlock(): Block | undefined {
    if (this.#size === 0) return EMPTY_BLOCK;
    const [only, more] = this.#segments.all;
    if (only === undefined || more !== undefined || only.source === 'front' || only.start !== 0 || only.end !== this.#size)
      return undefined;
    return only.source.at === 0 && only.source.block.span === this.#size ? only.source.block : undefined;
  }

  close(): void {
    this.#storage.close();
  }
}

/** The offset in a Block of its next data or hole within `start` to `end`. NUL runs are holes. */
export async function seekBlock(
  source: BlockSource,
  block: Block,
  start: number,
  end: number,
  whence: 'data' | 'hole',
): Promise<number | undefined> {
  for await (const leaf of leavesOf(source, block, { start, end })) {
    const isHole = leaf.block.kind === 'run' && leaf.block.octet === 0;
    if (isHole === (whence === 'hole')) return Math.max(start, leaf.start);
  }
  return undefined;
}
