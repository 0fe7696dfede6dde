import type { Block } from '../../block/block.ts';
import { MAX_LITERAL_SIZE } from '../../block/block.ts';
import type { BlockSink } from '../../block/block-sink.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import { hashByName } from '../../block/hash.ts';
import { BlockTreeBuilder } from '../../block/tree-builder.ts';
import type { LeafSpan } from '../edge-picker.ts';
import { EdgePicker } from '../edge-picker.ts';
import type { ContentHint, Parser } from '../parser.ts';
import type { AddedBlocks } from './block-intake.ts';
import type { HashJob, LeafTable, ScanJob, ScanResult } from './ingest-protocol.ts';
import type { LaneParsing, ParsingContext } from './lane-parsing.ts';
import { addedOf, LeafReader } from './leaf-table.ts';
import type { SlotLayout } from './slots.ts';
import { slotDataAt } from './slots.ts';

/** The part of an ingest that a lane needs. */
export interface LaneContext extends ParsingContext {
  readonly edges: EdgeSettings;
  readonly layout: SlotLayout;
  /** All of the shared memory. */
  readonly bytes: Uint8Array;
  readonly sink: BlockSink;
  /** Chooses the parser of a content. */
  parserOf(hint: ContentHint, head: Uint8Array): Parser | undefined;
  hash(job: HashJob): Promise<LeafTable>;
  /** Adds Blocks to the Store. */
  add(batch: AddedBlocks): Promise<void>;
  /** Whether Blocks should be added as records. */
  readonly wantsRecords: boolean;
  /** Scans a slice, and reads it first if it is not in the slot yet. Rejects if the ingest has failed. */
  scan(job: ScanJob): Promise<ScanResult>;
  /** Waits for a free slot. */
  acquire(): Promise<number>;
  /** A free slot, if there is one and nobody waits for one. */
  tryAcquire(): number | undefined;
  release(slot: number): void;
  /** Sends pending superblocks to the Store if there are many. */
  relieve(): Promise<void>;
  /** Called when bytes of a content have been read, or were found to be a hole. */
  onRead(size: number): void;
}

/** The state of a content from which a lane continues: picker, tree, bytes so far, and the bytes without a leaf. */
export interface LaneStart {
  readonly picker: EdgePicker;
  readonly tree: BlockTreeBuilder;
  readonly end: number;
  readonly tail: Uint8Array;
}

/**
 * Makes the Block of one content from its scanned slices. Edges are picked here, in order. Bytes after the last edge move to the next slot,
 * before its data. Hashing, and then adding Blocks, run concurrently with later slices.
 */
export class SliceLane {
  readonly #context: LaneContext;
  readonly #picker: EdgePicker;
  readonly #tree: BlockTreeBuilder;
  readonly #digestSize: number;
  /** Bytes without a leaf: those after the last edge. */
  #tail = new Uint8Array(0);
  /** Bytes of all slices so far, and of all leaves so far. */
  #end = 0;
  #emitted = 0;
  /** Settles when all slices so far are hashed and added. */
  #behind: Promise<void> = Promise.resolve();
  #parsing: LaneParsing | undefined;

  /** @param start - bytes of the content before the first slice, if `from` is undefined */
  constructor(context: LaneContext, from?: LaneStart, start = 0) {
    this.#context = context;
    this.#picker = from?.picker ?? new EdgePicker(context.edges, start);
    this.#tree = from?.tree ?? new BlockTreeBuilder(context.sink);
    if (from !== undefined) {
      this.#tail = Uint8Array.from(from.tail);
      this.#end = from.end;
      this.#emitted = from.end - from.tail.length;
    }
    this.#digestSize = hashByName(context.sink.hashName).digestSize;
  }

  /** Sets the parsing of the content. Call this before the first slice. */
  useParsing(parsing: LaneParsing): void {
    this.#parsing = parsing;
    this.#picker.useParser(parsing.parser);
  }

  /** The parsing of the content, unless its edges are ignored from now on. */
  get parsing(): LaneParsing | undefined {
    return this.#picker.isDeaf ? undefined : this.#parsing;
  }

  /** Takes the next scanned slice, and its slot, which it releases when the Blocks are added. */
  slice(slot: number, { length, scan }: ScanResult, parserEdges: readonly number[] | undefined): void {
    const base = this.#placeTail(slot);
    this.#end += length;
    this.#emit(this.#picker.push(length, scan, parserEdges), slot, base);
    this.#tail = this.#context.bytes.slice(base + this.#emitted, base + this.#end);
  }

  /** Takes a hole of at least MIN_RUN_SIZE bytes, as that many NULs. The slot is for the leaf before it. */
  hole(slot: number, length: number, parserEdges: readonly number[] | undefined): void {
    const base = this.#placeTail(slot);
    this.#end += length;
    this.#emit(this.#picker.pushRun(0, length, parserEdges), slot, base);
    this.#tail = new Uint8Array(0);
  }

  /** Returns the Block of all slices when all Blocks are added. */
  async finish(): Promise<Block> {
    const spans = this.#picker.finish(await this.#parsing?.finish());
    if (spans.length > 0) {
      const slot = await this.#context.acquire();
      this.#emit(spans, slot, this.#placeTail(slot));
    }
    await this.#behind;
    return this.#tree.finish();
  }

  /** Waits until all slices are added, and returns the bytes after the last edge. Another lane may continue with picker and tree. */
  async pause(): Promise<Uint8Array> {
    await this.#behind;
    return this.#tail;
  }

  /** Waits until no slot is in use, also after failures. */
  async drain(): Promise<void> {
    await this.#behind.catch(() => {});
    await this.#parsing?.abandon();
  }

  /** Copies the tail before a slot's data. @returns the offset in the shared memory at which the content's first byte would be */
  #placeTail(slot: number): number {
    const dataAt = slotDataAt(this.#context.layout, slot);
    this.#context.bytes.set(this.#tail, dataAt - this.#tail.length);
    return dataAt - this.#end;
  }

  /** @param base - the offset in the shared memory at which the content's first byte would be */
  #emit(spans: readonly LeafSpan[], slot: number, base: number): void {
    const { bytes } = this.#context;
    const leaves: (Block | undefined)[] = [];
    const ranges: number[] = [];
    for (const { size, octet } of spans) {
      const start = this.#emitted + base;
      this.#emitted += size;
      if (octet !== undefined) leaves.push({ kind: 'run', span: size, octet });
      else if (size <= MAX_LITERAL_SIZE) leaves.push({ kind: 'literal', span: size, data: bytes.slice(start, start + size) });
      else {
        leaves.push(undefined);
        ranges.push(start, start + size);
      }
    }
    const table =
      ranges.length === 0
        ? undefined
        : this.#context.hash({ kind: 'hash', slot, pack: this.#context.wantsRecords, ranges: Uint32Array.from(ranges) });
    const before = this.#behind;
    const work = async (): Promise<void> => {
      try {
        const found = await table;
        // Leaves go into the tree in order. Their Blocks may be added in any order.
        const hashed = found === undefined ? undefined : new LeafReader(this.#context.sink.hashName, found, ranges, bytes);
        const adding = found === undefined ? Promise.resolve() : this.#context.add(addedOf(found, ranges, bytes, this.#digestSize));
        // It is awaited only after the earlier slices, so an error before that must not be unhandled.
        adding.catch(() => {});
        await before.catch(async (error: unknown) => {
          await adding.catch(() => {});
          throw error;
        });
        for (const leaf of leaves) {
          if (leaf === undefined) hashed?.addTo(this.#tree);
          else this.#tree.add(leaf);
        }
        await adding;
      } finally {
        this.#context.release(slot);
      }
    };
    this.#behind = work();
    this.#behind.catch(() => {});
  }
}
