import { VtError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import { appendAll } from '../base/lists.ts';
import type { Block } from '../block/block.ts';
import { leavesOf, MAX_TREE_DEPTH } from '../block/tree-walk.ts';
import type { ContentFetcher } from './content-fetcher.ts';
import { ContentPlanner } from './content-planner.ts';
import { RefCursor } from './ref-cursor.ts';
import { SegmentRows } from './segment-rows.ts';

/** Bytes of one part, which a worker writes as one batch. */
const PART_SIZE = 1024 * 1024;

/** Maximum segments of one part. */
const MAX_PART_ROWS = 4096;

/** Longer runs are split, unless they are holes, so that cancellation takes effect. */
const RUN_SIZE = 16 * 1024 * 1024;

/** Maximum superblocks read together. Each has 16 references or more. */
const SUPERBLOCKS_AT_ONCE = 256;

/** References visited between two chances to yield to the event loop. */
const MAX_STEPS = 16 * 1024;

/** Maximum empty references in a superblock; ours have none. */
const MAX_EMPTY = 1024;

/** A part of a large file: bytes `start` to `end`. */
export interface LargePart {
  readonly start: number;
  readonly end: number;
  /** Not yet located. */
  readonly rows: SegmentRows;
}

/** Groups leaves into parts. Holes are left out. */
class PartCollector {
  readonly #digestSize: number;
  readonly #sparse: boolean;
  #ready: LargePart[] = [];
  #rows: SegmentRows | undefined;
  #start = 0;
  /** The current offset in the file. */
  at = 0;

  constructor(digestSize: number, sparse: boolean) {
    this.#digestSize = digestSize;
    this.#sparse = sparse;
  }

  /** Whether there are parts to `take`. */
  get isReady(): boolean {
    return this.#ready.length > 0;
  }

  take(): readonly LargePart[] {
    return this.#ready.splice(0);
  }

  /** Ends the current part. */
  end(): void {
    if (this.#rows !== undefined) this.#ready.push({ start: this.#start, end: this.at, rows: this.#rows });
    this.#rows = undefined;
  }

  #room(): SegmentRows {
    if (this.#rows !== undefined && (this.at - this.#start >= PART_SIZE || this.#rows.count >= MAX_PART_ROWS)) this.end();
    if (this.#rows === undefined) {
      this.#rows = new SegmentRows(this.#digestSize, 128);
      this.#start = this.at;
    }
    return this.#rows;
  }

  stored(source: Uint8Array, digestAt: number, size: number, from: number, wanted: number): void {
    this.#room().stored(source, digestAt, size, from, wanted);
    this.at += wanted;
  }

  data(data: Uint8Array): void {
    this.#room().data(data);
    this.at += data.length;
  }

  /** Adds a run. Yields after each part, so that the caller can take it: a run may have any length. */
  *run(octet: number, size: number): Generator<void, void, undefined> {
    if (octet === 0 && this.#sparse) {
      this.end();
      this.at += size;
      return;
    }
    if (size > RUN_SIZE) this.end();
    for (let left = size; left > 0; left -= RUN_SIZE) {
      const length = Math.min(RUN_SIZE, left);
      this.#room().run(octet, length);
      this.at += length;
      if (this.isReady) yield;
    }
  }
}

interface OpenSuperblock {
  readonly bytes: Uint8Array;
  /** The offset of the next reference. */
  next: number;
  /** Bytes of content that its remaining references must denote. */
  left: number;
  /** Child superblocks that were read ahead. */
  readonly children: (Uint8Array | undefined)[];
  nextChild: number;
  /** The offset up to which its references were searched for child superblocks. */
  seen: number;
  /** Empty references so far. */
  empty: number;
}

/**
 * Splits a large file into parts, in order.
 *
 * @param sparse - whether runs of NUL are left out
 * @throws {CorruptBlockError} and {MissingBlockError} for superblocks, when they are reached
 */
export async function* partsOf(
  from: ContentPlanner | ContentFetcher,
  block: Block,
  sparse: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<LargePart, void, undefined> {
  const collector = new PartCollector(from.hash.digestSize, sparse);
  const isWhole = from instanceof ContentPlanner && (yield* located(from, block, collector, signal));
  if (!isWhole) {
    // The Store has no locations, or a reference is rare or damaged. The slower general code continues from here.
    if (collector.at >= block.span)
      throw new VtError('ECORRUPT', 'read Block tree: its superblocks list more bytes than its reference says');
    for await (const { block: leaf, from: first, size } of leavesOf(from.source, block, { start: collector.at, signal })) {
      if (leaf.kind === 'run') for (const _ of collector.run(leaf.octet, size)) yield* collector.take();
      else if (leaf.kind === 'literal') collector.data(leaf.data.subarray(first, first + size));
      else if (leaf.hashcode.hashName === from.hash.name) collector.stored(leaf.hashcode.digest, 0, leaf.span, first, size);
      else {
        // Another hash function. A digest of zeros has no location, so the part is read through the Store, which throws the error.
        collector.stored(new Uint8Array(from.hash.digestSize), 0, leaf.span, first, size);
      }
      if (collector.isReady) yield* collector.take();
    }
  }
  collector.end();
  yield* collector.take();
}

/** Yields the parts that `collect` makes. @returns whether it reached the end of the content */
async function* located(
  planner: ContentPlanner,
  block: Block,
  collector: PartCollector,
  signal: AbortSignal | undefined,
): AsyncGenerator<LargePart, boolean, undefined> {
  const steps = collect(planner, block, collector);
  const turns = new EventTurns();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    const turn = turns.next(signal);
    if (turn !== undefined) await turn;
    yield* collector.take();
  }
}

/**
 * Collects leaves up to the first rare or damaged reference. Yields when there are parts to take, and every {@link MAX_STEPS} references.
 *
 * @returns whether it reached the end of the content
 */
function* collect(planner: ContentPlanner, block: Block, collector: PartCollector): Generator<void, boolean, undefined> {
  if (block.kind !== 'indirect') return false;
  const { refs } = block;
  const stack: OpenSuperblock[] = [];
  const open = (bytes: Uint8Array, span: number): void => {
    stack.push({ bytes, next: 0, left: span, children: [], nextChild: 0, seen: 0, empty: 0 });
  };
  if (refs.kind === 'literal') open(refs.data, block.span);
  else if (refs.kind === 'hash' && refs.hashcode.hashName === planner.hash.name) {
    const top = new SegmentRows(planner.hash.digestSize, 1);
    top.stored(refs.hashcode.digest, 0, -1, 0, 0);
    const [bytes] = planner.read(top);
    if (bytes !== undefined) open(bytes, block.span);
  }
  if (stack.length === 0) return false;
  const cursor = new RefCursor(planner.hash);
  let steps = 0;
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    if (++steps % MAX_STEPS === 0) yield;
    if (node.next >= node.bytes.length) {
      if (node.left !== 0) return false;
      stack.pop();
      continue;
    }
    cursor.read(node.bytes, node.next);
    if (cursor.kind === 'odd') return false;
    node.next = cursor.next;
    node.left -= cursor.span;
    if (node.left < 0) return false;
    if (cursor.span === 0) {
      if (++node.empty > MAX_EMPTY) return false;
      continue;
    }
    switch (cursor.kind) {
      case 'hash':
        collector.stored(node.bytes, cursor.at, cursor.span, 0, cursor.span);
        break;
      case 'literal':
        collector.data(node.bytes.subarray(cursor.at, cursor.at + cursor.span));
        break;
      case 'run':
        yield* collector.run(node.bytes[cursor.at] as number, cursor.span);
        break;
      case 'indirect': {
        const { span } = cursor;
        const bytes = nextChild(planner, node, cursor);
        if (bytes === undefined || stack.length >= MAX_TREE_DEPTH) return false;
        open(bytes, span);
      }
    }
    if (collector.isReady) yield;
  }
  return true;
}

/** The next child superblock. Many are read together. */
function nextChild(planner: ContentPlanner, node: OpenSuperblock, cursor: RefCursor): Uint8Array | undefined {
  if (node.nextChild === node.children.length) {
    node.children.length = node.nextChild = 0;
    const wanted = new SegmentRows(planner.hash.digestSize);
    const ends: number[] = [];
    // Start after the children that have been read.
    for (let at = Math.max(node.seen, 0); at < node.bytes.length && wanted.count < SUPERBLOCKS_AT_ONCE; at = node.seen) {
      cursor.read(node.bytes, at);
      if (cursor.kind === 'odd') break;
      node.seen = cursor.next;
      if (cursor.kind !== 'indirect' || cursor.span === 0) continue;
      wanted.stored(node.bytes, cursor.at, -1, 0, 0);
      ends.push(cursor.next);
    }
    const found = planner.read(wanted);
    appendAll(node.children, found);
    // The planner read fewer than requested. Continue after the last one read.
    if (found.length > 0 && found.length < ends.length) node.seen = ends[found.length - 1] ?? node.seen;
  }
  return node.children[node.nextChild++];
}
