import { VtError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import { appendAll } from '../base/lists.ts';
import type { Block } from '../block/block.ts';
import { leavesOf, MAX_TREE_DEPTH } from '../block/tree-walk.ts';
import type { ContentFetcher } from './content-fetcher.ts';
import { ContentPlanner } from './content-planner.ts';
import { RefCursor } from './ref-cursor.ts';
import { SegmentRows } from './segment-rows.ts';

/** Bytes of one part: what a worker takes at once. */
const PART_SIZE = 1024 * 1024;

/** Most segments of one part. */
const MAX_PART_ROWS = 4096;

/** Runs longer than this that are no holes are cut, so that cancelling takes effect. */
const RUN_SIZE = 16 * 1024 * 1024;

/** Superblocks read at once: each has some 16 references. */
const SUPERBLOCKS_AT_ONCE = 256;

/** References looked at before somebody else may have a turn. */
const MAX_STEPS = 16 * 1024;

/** References to nothing in a superblock, at most; ours have none. */
const MAX_EMPTY = 1024;

/** A part of a large file: bytes `start` to `end`. */
export interface LargePart {
  readonly start: number;
  readonly end: number;
  /** Not yet located. */
  readonly rows: SegmentRows;
}

/** Groups leaves into parts; holes are left out. */
class PartCollector {
  readonly #digestSize: number;
  readonly #sparse: boolean;
  #ready: LargePart[] = [];
  #rows: SegmentRows | undefined;
  #start = 0;
  /** How far it has come in the file. */
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

  /** Ends the part that is being made. */
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

  /** Stops after each part, so that they are taken before the next is made: a run may be of any length. */
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
  /** The next reference. */
  next: number;
  /** Bytes that it should still denote. */
  left: number;
  /** Superblocks listed in it that were read ahead. */
  readonly children: (Uint8Array | undefined)[];
  nextChild: number;
  /** How far its references were looked through for superblocks. */
  seen: number;
  /** References to nothing so far. */
  empty: number;
}

/**
 * The parts of a large file, in order.
 *
 * @param sparse - runs of NUL are left out
 * @throws {CorruptBlockError} and {MissingBlockError} for superblocks, at the place where they are needed
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
    // The Store reports no places, or something is rare or wrong: what is slow finds out.
    if (collector.at >= block.span)
      throw new VtError('ECORRUPT', 'read Block tree: its superblocks list more bytes than its reference says');
    for await (const { block: leaf, from: first, size } of leavesOf(from.source, block, { start: collector.at, signal })) {
      if (leaf.kind === 'run') for (const _ of collector.run(leaf.octet, size)) yield* collector.take();
      else if (leaf.kind === 'literal') collector.data(leaf.data.subarray(first, first + size));
      else if (leaf.hashcode.hashName === from.hash.name) collector.stored(leaf.hashcode.digest, 0, leaf.span, first, size);
      else {
        // Of another hash function: as it has no location, the part is read through the Store, which says so.
        collector.stored(new Uint8Array(from.hash.digestSize), 0, leaf.span, first, size);
      }
      if (collector.isReady) yield* collector.take();
    }
  }
  collector.end();
  yield* collector.take();
}

/** The parts as far as `collect` comes. @returns whether that is the end */
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
 * Collects leaves as long as there is nothing unusual; gives control whenever there are parts to take, and now and then.
 *
 * @returns whether it came to the end
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

/** The next superblock that one lists, of many that are read together. */
function nextChild(planner: ContentPlanner, node: OpenSuperblock, cursor: RefCursor): Uint8Array | undefined {
  if (node.nextChild === node.children.length) {
    node.children.length = node.nextChild = 0;
    const wanted = new SegmentRows(planner.hash.digestSize);
    const ends: number[] = [];
    // Those before the one that is wanted have been read.
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
    // What was too much for one reading is looked through again.
    if (found.length > 0 && found.length < ends.length) node.seen = ends[found.length - 1] ?? node.seen;
  }
  return node.children[node.nextChild++];
}
