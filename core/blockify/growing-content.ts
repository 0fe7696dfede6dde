import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import { MAX_LITERAL_SIZE } from '../block/block.ts';
import { PendingBlocks } from '../block/block-sink.ts';
import { hashByName } from '../block/hash.ts';
import { isRun } from '../block/run-bytes.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import type { Store } from '../store/store.ts';
import { leafOfPiece } from './blockify.ts';
import { parserOf } from './choose-parser.ts';
import { ContentParser } from './content-parser.ts';
import { KERNEL_CONTEXT, MIN_RUN_SIZE } from './edge-kernel.ts';
import type { LeafSpan } from './edge-picker.ts';
import { EdgePicker } from './edge-picker.ts';
import type { EdgeScanner } from './edge-scanner.ts';
import { MAX_SCAN_SIZE } from './edge-scanner.ts';
import type { Ingest } from './ingest/ingest.ts';
import type { ContentHint, FeedMark, Parser } from './parser.ts';
import { MAX_HEAD_SIZE } from './parser.ts';

/** A point from which a growing content can be continued later. */
export interface StablePoint {
  /** Bytes before it, whose leaves are final. It is at an edge, or within a run. */
  readonly stable: number;
  /** The parser's edges are ignored from now on. */
  readonly isDeaf: boolean;
  /** The state of the parser; undefined if it is unknown or no parser is chosen yet. Then the whole content must be parsed again. */
  readonly parsing?: ParsingPoint | undefined;
}

/** A point from which the parsing of a growing content can be continued. */
export interface ParsingPoint {
  /** The parser's name, `none` for none. */
  readonly name: string;
  /** The parser's mark, made at the end of the content. */
  readonly mark?: FeedMark | undefined;
  /** Edges that it reported between the stable point and the content's end: offsets in the content. */
  readonly edges: readonly number[];
}

/** The state from which a content is continued. */
export interface TakenUp extends StablePoint {
  /** Contains the leaves of the first `stable` bytes; its sink is `pending`. */
  readonly tree: BlockTreeBuilder;
  readonly pending: PendingBlocks;
  /** Bytes right before the stable point, {@link KERNEL_CONTEXT} if there are as many. */
  readonly before: Uint8Array;
  /** The parser, which has parsed everything up to the stable point. */
  readonly parser: ContentParser | undefined;
  /** That parser's value in the table. */
  readonly syntax: Parser | undefined;
  /** Edges after the stable point that it has already reported. */
  readonly edges: readonly number[];
}

/**
 * A content that grows at its end. Pushed bytes are scanned, parsed and hashed once, however small the portions are. At any time `block()`
 * returns the Block of all bytes so far, the same as if they were stored at once. That only costs the last leaves and the superblocks
 * above.
 *
 * Memory: the bytes that have no leaf yet (fewer than the largest leaf plus MIN_RUN_SIZE), and the pending references of each level.
 */
export class GrowingContent {
  readonly pending: PendingBlocks;
  readonly #scanner: EdgeScanner;
  readonly #hint: ContentHint;
  readonly #tree: BlockTreeBuilder;
  readonly #picker: EdgePicker;
  #parser: ContentParser | undefined;
  /** Whether the parser is chosen, from enough bytes that more would not change the choice. */
  #isChosen = false;
  /** The last bytes: those without a leaf, and at least the kernel's context. */
  #held: Uint8Array = NONE;
  #span = 0;
  /** Edges that the parser reported after the last leaf's end: offsets in the content. */
  #edges: number[] = [];
  /** Edges that an earlier parser already reported. They are added with the bytes that they belong to. */
  #toldBefore: readonly number[] = [];

  constructor(store: Pick<Store, 'hashName'>, scanner: EdgeScanner, hint: ContentHint, from?: TakenUp) {
    this.#scanner = scanner;
    this.#hint = hint;
    this.#picker = new EdgePicker(scanner.settings, from?.stable);
    this.pending = from?.pending ?? new PendingBlocks(store.hashName);
    this.#tree = from?.tree ?? new BlockTreeBuilder(this.pending);
    if (from === undefined) return;
    this.#isChosen = true;
    this.#parser = from.parser;
    if (from.syntax !== undefined) this.#picker.useParser(from.syntax);
    if (from.isDeaf) this.#picker.deafen();
    this.#held = from.before;
    this.#span = from.stable;
    this.#toldBefore = from.edges;
  }

  /** Bytes so far. */
  get span(): number {
    return this.#span;
  }

  /** Appends bytes. They are copied if they are kept. */
  push(octets: Uint8Array): void {
    if (this.#isChosen) {
      this.#push(octets);
      return;
    }
    this.#held = Buffer.concat([this.#held, octets]);
    this.#span += octets.length;
    if (this.#held.length < MAX_HEAD_SIZE) return;
    const head = this.#held;
    this.#held = NONE;
    this.#span = 0;
    this.#isChosen = true;
    this.#useParser(parserOf(this.#hint, head, this.#scanner.settings.minSize));
    this.#push(head);
  }

  /**
   * Appends bytes with the workers of an ingest, which is several times as fast for large amounts. The Blocks are the same. Leaves go to
   * the Store at
   * once, superblocks to `pending`. If it rejects, this content must not be used any more.
   *
   * @param read - fills `room` from its start, and returns the number of bytes; fewer than fit means the end
   */
  async pushFrom(ingest: Pick<Ingest, 'grow'>, read: (room: Uint8Array) => number): Promise<void> {
    if (!this.#isChosen) {
      const head = new Uint8Array(MAX_HEAD_SIZE);
      const got = read(head);
      this.push(head.subarray(0, got));
      if (got < head.length) return;
    }
    const growth = { picker: this.#picker, tree: this.#tree, span: this.#span, held: this.#held };
    this.#held = await ingest.grow(growth, {
      read,
      parse: (slice) => {
        const edges = this.#picker.isDeaf ? undefined : this.#parse(slice);
        this.#span += slice.length;
        return edges;
      },
    });
    this.#forgetEdges();
  }

  /** The Block of all bytes so far. New Blocks are in `pending`. */
  block(): Block {
    if (!this.#isChosen) return this.#short().block();
    const picker = this.#picker.fork(this.#scanner.settings);
    const tree = this.#tree.fork();
    const waiting = this.#held.subarray(this.#held.length - picker.pending);
    addLeaves(tree, this.pending, waiting, picker.finish(this.#picker.isDeaf ? [] : this.#parser?.ifEnded()));
    return tree.finish();
  }

  /** The point from which it can be continued. While no parser is chosen, that is the start. */
  stablePoint(): StablePoint {
    const { isDeaf, inRun, pending } = this.#picker;
    if (!this.#isChosen) return { stable: 0, isDeaf };
    // Of a run, MIN_RUN_SIZE bytes are repeated, so that it is recognised again.
    const stable = this.#span - (inRun ? MIN_RUN_SIZE : pending);
    const name = this.#parser?.name ?? 'none';
    if (isDeaf || this.#parser === undefined) return { stable, isDeaf, parsing: { name, edges: [] } };
    const mark = this.#parser.mark();
    return { stable, isDeaf, parsing: mark === undefined ? undefined : { name, mark, edges: this.#edges.filter((edge) => edge > stable) } };
  }

  /** Adds the pending Blocks to the Store. */
  async flushTo(store: Pick<Store, 'addBatch' | 'hashName'>, options?: OpOptions): Promise<void> {
    await this.pending.flushTo(store, options);
  }

  #useParser(parser: Parser | undefined): void {
    if (parser === undefined) return;
    this.#parser = new ContentParser(parser);
    this.#picker.useParser(parser);
  }

  #push(octets: Uint8Array): void {
    for (let at = 0; at < octets.length; at += MAX_SCAN_SIZE) this.#pushSlice(octets.subarray(at, at + MAX_SCAN_SIZE));
  }

  #pushSlice(slice: Uint8Array): void {
    const picker = this.#picker;
    const scan = this.#scanner.scan(slice, this.#held);
    const edges = picker.isDeaf ? undefined : this.#parse(slice);
    const waited = picker.pending;
    const spans = picker.push(slice.length, scan, edges);
    this.#span += slice.length;
    this.#forgetEdges();
    const all = Buffer.concat([this.#held, slice]);
    addLeaves(this.#tree, this.pending, all.subarray(all.length - slice.length - waited), spans);
    // Copy a small rest, so that it does not keep a large buffer alive.
    const rest = all.subarray(Math.max(0, all.length - Math.max(picker.pending, KERNEL_CONTEXT)));
    this.#held = rest.length * 2 < all.length ? Uint8Array.from(rest) : rest;
  }

  /** Drops edges that precede any future stable point. */
  #forgetEdges(): void {
    const from = this.#span - Math.max(this.#picker.pending, MIN_RUN_SIZE);
    if ((this.#edges[0] ?? from) <= from) this.#edges = this.#edges.filter((edge) => edge > from);
  }

  #parse(slice: Uint8Array): readonly number[] | undefined {
    const start = this.#span;
    let edges = this.#parser?.push(slice);
    if (this.#toldBefore.length > 0) {
      const end = start + slice.length;
      const again = this.#toldBefore.filter((edge) => edge <= end).map((edge) => edge - start);
      this.#toldBefore = this.#toldBefore.filter((edge) => edge > end);
      edges = [...new Set([...(edges ?? []), ...again])].sort((a, b) => a - b);
    }
    if (edges !== undefined) for (const edge of edges) this.#edges.push(start + edge);
    return edges;
  }

  /** A copy of a short content, with a parser chosen from the bytes so far. */
  #short(): GrowingContent {
    const { settings } = this.#scanner;
    const syntax = parserOf(this.#hint, this.#held, settings.minSize);
    const parser = syntax === undefined ? undefined : new ContentParser(syntax);
    const { pending } = this;
    const from = { tree: new BlockTreeBuilder(pending), pending, stable: 0, isDeaf: false, before: NONE, parser, syntax, edges: [] };
    const short = new GrowingContent(pending, this.#scanner, this.#hint, from);
    short.push(this.#held);
    return short;
  }
}

const NONE: Uint8Array = new Uint8Array(0);

function addLeaves(tree: BlockTreeBuilder, pending: PendingBlocks, octets: Uint8Array, spans: readonly LeafSpan[]): void {
  const { digestMany, digestSize } = hashByName(pending.hashName);
  const ranges: number[] = [];
  let at = 0;
  for (const { size, octet } of spans) {
    if (octet === undefined && size > MAX_LITERAL_SIZE && !isRun(octets.subarray(at, at + size))) ranges.push(at, at + size);
    at += size;
  }
  // Hashing many at once takes two thirds of the time.
  const digests = new Uint8Array((ranges.length / 2) * digestSize);
  digestMany(octets, ranges, digests);
  at = 0;
  let next = 0;
  for (const { size, octet } of spans) {
    const data = octets.subarray(at, at + size);
    if (ranges[next * 2] === at) {
      const digest = digests.slice(next * digestSize, (next + 1) * digestSize);
      next++;
      tree.add({ kind: 'hash', span: size, hashcode: pending.putDigested(digest, data) });
    } else tree.add(leafOfPiece(pending, octet === undefined ? { kind: 'data', data } : { kind: 'run', octet, size }));
    at += size;
  }
}
