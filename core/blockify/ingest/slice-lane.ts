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

/** What a lane needs of its ingest. */
export interface LaneContext extends ParsingContext {
  readonly edges: EdgeSettings;
  readonly layout: SlotLayout;
  /** All of the shared memory. */
  readonly bytes: Uint8Array;
  readonly sink: BlockSink;
  /** The parser of a content that begins so. */
  parserOf(hint: ContentHint, head: Uint8Array): Parser | undefined;
  hash(job: HashJob): Promise<LeafTable>;
  /** Adds Blocks to the Store. */
  add(batch: AddedBlocks): Promise<void>;
  /** Whether Blocks had better be added as records. */
  readonly wantsRecords: boolean;
  /** Reads a slice, where it is not in the slot yet, and scans it. Rejects where the ingest has failed. */
  scan(job: ScanJob): Promise<ScanResult>;
  /** A free slot, as soon as there is one. */
  acquire(): Promise<number>;
  /** A free slot, if there is one and nobody waits for it. */
  tryAcquire(): number | undefined;
  release(slot: number): void;
  /** Sends superblocks to the Store where many wait. */
  relieve(): Promise<void>;
  /** Bytes of a content are read, or known to be a hole. */
  onRead(size: number): void;
}

/** A content that a lane continues with: its picker and tree, bytes so far, and those of them that have no leaf. */
export interface LaneStart {
  readonly picker: EdgePicker;
  readonly tree: BlockTreeBuilder;
  readonly end: number;
  readonly tail: Uint8Array;
}

/**
 * Turns the slices of one content, as they are scanned, into its Block. Edges are picked here, in order. What is after the
 * last edge is moved to the next slot, in front of its data. Hashing runs behind, and Blocks are added behind that.
 */
export class SliceLane {
  readonly #context: LaneContext;
  readonly #picker: EdgePicker;
  readonly #tree: BlockTreeBuilder;
  readonly #digestSize: number;
  /** Bytes that no leaf has yet: those after the last edge. */
  #tail = new Uint8Array(0);
  /** Bytes of all slices so far, and of all leaves. */
  #end = 0;
  #emitted = 0;
  /** Hashing and adding of the slices before. */
  #behind: Promise<void> = Promise.resolve();
  #parsing: LaneParsing | undefined;

  /** @param start - bytes of the content before the first slice, where no lane had them */
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

  /** Has the content parsed from its first slice on. */
  useParsing(parsing: LaneParsing): void {
    this.#parsing = parsing;
    this.#picker.useParser(parsing.parser);
  }

  /** The parsing of the content, where it still counts. */
  get parsing(): LaneParsing | undefined {
    return this.#picker.isDeaf ? undefined : this.#parsing;
  }

  /** Takes the next slice, scanned. The slot is the lane's from now on: it is released when its Blocks are added. */
  slice(slot: number, { length, scan }: ScanResult, parserEdges: readonly number[] | undefined): void {
    const base = this.#placeTail(slot);
    this.#end += length;
    this.#emit(this.#picker.push(length, scan, parserEdges), slot, base);
    this.#tail = this.#context.bytes.slice(base + this.#emitted, base + this.#end);
  }

  /** Takes a hole of MIN_RUN_SIZE bytes or more, which nobody read: as that many NULs. The slot is for the leaf before it. */
  hole(slot: number, length: number, parserEdges: readonly number[] | undefined): void {
    const base = this.#placeTail(slot);
    this.#end += length;
    this.#emit(this.#picker.pushRun(0, length, parserEdges), slot, base);
    this.#tail = new Uint8Array(0);
  }

  /** The Block of all slices, once all of them are added. */
  async finish(): Promise<Block> {
    const spans = this.#picker.finish(await this.#parsing?.finish());
    if (spans.length > 0) {
      const slot = await this.#context.acquire();
      this.#emit(spans, slot, this.#placeTail(slot));
    }
    await this.#behind;
    return this.#tree.finish();
  }

  /** The bytes after the last edge, once all slices before are added: another lane may continue with picker and tree. */
  async pause(): Promise<Uint8Array> {
    await this.#behind;
    return this.#tail;
  }

  /** Waits until no slot is in use, whatever failed. */
  async drain(): Promise<void> {
    await this.#behind.catch(() => {});
    await this.#parsing?.abandon();
  }

  /** Puts the tail in front of a slot's data. @returns where the content's first byte would be in the shared memory */
  #placeTail(slot: number): number {
    const dataAt = slotDataAt(this.#context.layout, slot);
    this.#context.bytes.set(this.#tail, dataAt - this.#tail.length);
    return dataAt - this.#end;
  }

  /** @param base - where the content's first byte would be in the shared memory */
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
        // Leaves go into the tree in order; Blocks may be added in any.
        const hashed = found === undefined ? undefined : new LeafReader(this.#context.sink.hashName, found, ranges, bytes);
        const adding = found === undefined ? Promise.resolve() : this.#context.add(addedOf(found, ranges, bytes, this.#digestSize));
        // It may fail while the slices before are waited for, and is awaited itself only then.
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
