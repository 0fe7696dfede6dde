import { CorruptBlockError, MissingBlockError, ParseError, throwIfCancelled, VtError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { Block, HashBlock, IndirectBlock, LiteralBlock, RunBlock } from './block.ts';
import { UNKNOWN_SPAN } from './block.ts';
import { MAX_BLOCK_SIZE } from './block-size.ts';
import type { BlockSource } from './block-source.ts';
import { decodeBlockref } from './blockref.ts';
import { hashcodeLabel } from './hashcode.ts';

/** Maximum nesting of superblocks and sub-Blocks. With 16 references each, 14 levels exceed 2^53 bytes. */
export const MAX_TREE_DEPTH = 32;

/** Maximum references in one superblock when reading. Writers put at most 1,024 into one. Each takes about 300 bytes of memory. */
export const MAX_SUPERBLOCK_REFS: number = 64 * 1024;

/** Maximum empty references in one superblock. Writers omit them. Their span is 0, so no other check limits them. */
export const MAX_EMPTY_REFS = 1024;

/** Maximum pending references of a walk, in all superblocks that it has entered. */
const MAX_OPEN_REFS: number = 2 * MAX_SUPERBLOCK_REFS;

/** A range of a content, in bytes; by default the whole. A range beyond the end is empty, not an error. */
export interface RangeOptions {
  /** First byte, 0 or more; default 0. */
  readonly start?: number | undefined;
  /** The byte after the last; default the end. */
  readonly end?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WalkOptions extends RangeOptions {
  /** Called for each superblock before its children; `depth` is 0 for the top. */
  readonly onSuperblock?: (block: IndirectBlock, depth: number) => void;
}

/** A leaf of a Block tree, or the requested part of it. */
export interface Leaf {
  readonly block: HashBlock | LiteralBlock | RunBlock;
  /** Offset of its first requested byte in the whole content. */
  readonly start: number;
  /** Offset of its first requested byte in the leaf. */
  readonly from: number;
  /** Bytes requested, 1 or more. */
  readonly size: number;
}

/** A piece of content that the walk has yet to visit: a leaf, or an unread superblock. */
interface Piece {
  readonly block: Exclude<Block, { kind: 'sub' }>;
  readonly depth: number;
  /** The offset of the Block's first byte in the whole content. May be negative within a sub-Block. */
  readonly start: number;
  /** The range of the whole content that this piece provides. */
  readonly low: number;
  readonly high: number;
  /** The superblock's references, once requested. */
  refs?: Promise<Block[]>;
}

/**
 * The leaves of a Block that overlap a range, in order. One superblock is read ahead. Blocks outside the range are not read. Leaves are
 * returned as references and not read. The one exception is a hashed Block as a whole whose reference has no span.
 *
 * @throws {CorruptBlockError} if superblocks do not parse, have the wrong span, or nest deeper than MAX_TREE_DEPTH
 * @throws {MissingBlockError} if a superblock is not in the source
 */
export async function* leavesOf(source: BlockSource, block: Block, options: WalkOptions = {}): AsyncGenerator<Leaf, void, undefined> {
  const { signal, onSuperblock } = options;
  const top = await withSpan(source, block, signal);
  const low = Math.max(0, options.start ?? 0);
  const high = Math.min(options.end ?? top.span, top.span);
  if (low >= high) return;
  // Pieces to visit, in reverse order.
  const pieces = [pieceOf({ block: top, depth: 0, start: 0, low, high })];
  const turns = new EventTurns();
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    const turn = turns.next(signal);
    if (turn !== undefined) await turn;
    throwIfCancelled(signal);
    if (piece.block.kind !== 'indirect') {
      yield { block: piece.block, start: piece.low, from: piece.low - piece.start, size: piece.high - piece.low };
      continue;
    }
    onSuperblock?.(piece.block, piece.depth);
    const refs = await (piece.refs ?? readSuperblock(source, piece.block, signal));
    const children = childrenOf(piece, refs);
    if (pieces.length + children.length > MAX_OPEN_REFS) throw corrupt(piece.block, `more than ${MAX_OPEN_REFS} references open at a time`);
    for (let i = children.length - 1; i >= 0; i--) pieces.push(children[i] as Piece);
    readAhead(source, pieces, signal);
  }
}

function pieceOf(part: { block: Block; depth: number; start: number; low: number; high: number }): Piece {
  const { low, high } = part;
  let { block, depth, start } = part;
  // A sub-Block is replaced by its base, which starts earlier.
  for (; block.kind === 'sub'; depth++) {
    if (depth >= MAX_TREE_DEPTH) throw corrupt(block, `nested deeper than ${MAX_TREE_DEPTH}`);
    const { base } = block;
    if (base.span !== UNKNOWN_SPAN && block.offset + block.span > base.span) throw corrupt(block, 'a sub-Block exceeds its base');
    start -= block.offset;
    block = base;
  }
  return { block, depth, start, low, high };
}

function childrenOf(parent: Piece, refs: readonly Block[]): Piece[] {
  if (parent.depth >= MAX_TREE_DEPTH) throw corrupt(parent.block, `nested deeper than ${MAX_TREE_DEPTH}`);
  const children: Piece[] = [];
  let start = parent.start;
  for (const block of refs) {
    const end = start + block.span;
    const low = Math.max(start, parent.low);
    const high = Math.min(end, parent.high);
    if (low < high) children.push(pieceOf({ block, depth: parent.depth + 1, start, low, high }));
    start = end;
  }
  const sum = start - parent.start;
  if (parent.block.span !== UNKNOWN_SPAN && sum !== parent.block.span)
    throw corrupt(parent.block, `its reference says ${parent.block.span} bytes, its superblock ${sum}`);
  return children;
}

/** Starts to read the next two superblocks, so that the latency of a remote Store overlaps with the leaves before them. */
function readAhead(source: BlockSource, pieces: readonly Piece[], signal: AbortSignal | undefined): void {
  let seen = 0;
  for (let i = pieces.length - 1; i >= 0 && seen < 2; i--) {
    const piece = pieces[i];
    if (piece?.block.kind !== 'indirect') continue;
    seen++;
    if (piece.refs !== undefined) continue;
    piece.refs = readSuperblock(source, piece.block, signal);
    // A later await gets the error. Without one, it must not end the process.
    piece.refs.catch(() => undefined);
  }
}

/**
 * Reads the references in a superblock.
 *
 * @throws {CorruptBlockError} if its bytes are not a list of block references, there are too many, or their sum exceeds 2^53-1
 * @throws {MissingBlockError} if it is not in the source
 */
export async function readSuperblock(source: BlockSource, block: IndirectBlock, signal?: AbortSignal): Promise<Block[]> {
  const data = await superblockBytes(source, block.refs, signal);
  const refs: Block[] = [];
  let span = 0;
  let empty = 0;
  try {
    for (let offset = 0; offset < data.length; ) {
      const { value, next } = decodeBlockref(data, offset);
      refs.push(value);
      span += value.span;
      offset = next;
      if (value.span === 0) empty++;
      if (empty > MAX_EMPTY_REFS) throw new ParseError(`more than ${MAX_EMPTY_REFS} references to nothing`, offset);
      if (refs.length > MAX_SUPERBLOCK_REFS) throw new ParseError(`more than ${MAX_SUPERBLOCK_REFS} references`, offset);
    }
  } catch (error) {
    if (error instanceof ParseError) throw corrupt(block, `its superblock does not parse: ${error.message}`, error);
    throw error;
  }
  if (span > Number.MAX_SAFE_INTEGER) throw corrupt(block, 'its superblock exceeds 2^53-1 bytes');
  return refs;
}

async function superblockBytes(source: BlockSource, refs: IndirectBlock['refs'], signal: AbortSignal | undefined): Promise<Uint8Array> {
  switch (refs.kind) {
    case 'literal':
      return refs.data;
    case 'hash': {
      const data = await readHashBlock(source, refs, signal);
      if (data.length > MAX_BLOCK_SIZE) throw corrupt(refs, `a superblock of ${data.length} bytes`);
      return data;
    }
    case 'run':
    case 'sub':
      throw corrupt(refs, `a superblock that is a ${refs.kind} Block`);
  }
}

/**
 * Reads the bytes of a hashed Block, and checks their number against the reference.
 *
 * @throws {MissingBlockError} if it is not in the source
 * @throws {CorruptBlockError} if it has another size
 */
export async function readHashBlock(source: BlockSource, block: HashBlock, signal?: AbortSignal): Promise<Uint8Array> {
  const data = await source.get(block.hashcode, { signal });
  if (data === undefined) throw new MissingBlockError(hashcodeLabel(block.hashcode), source.name);
  if (block.span !== UNKNOWN_SPAN && data.length !== block.span) {
    throw new CorruptBlockError(hashcodeLabel(block.hashcode), source.name, `${data.length} bytes, but its reference says ${block.span}`);
  }
  return data;
}

/** Adds a missing span to a Block by reading it. Texts of the Python vt may omit spans. */
export async function withSpan(source: BlockSource, block: Block, signal?: AbortSignal): Promise<Block> {
  if (block.span !== UNKNOWN_SPAN) return block;
  switch (block.kind) {
    case 'hash':
      return { ...block, span: (await readHashBlock(source, block, signal)).length };
    case 'indirect': {
      const refs = await readSuperblock(source, block, signal);
      return { ...block, span: refs.reduce((sum, ref) => sum + ref.span, 0) };
    }
    default:
      throw corrupt(block, `a ${block.kind} Block of unknown span`);
  }
}

function corrupt(block: Block, found: string, cause?: unknown): VtError {
  const inner = block.kind === 'indirect' ? block.refs : block;
  const options = cause === undefined ? {} : { cause };
  if (inner.kind === 'hash') return new CorruptBlockError(hashcodeLabel(inner.hashcode), 'Block tree', found, options);
  return new VtError('ECORRUPT', `read Block tree: ${found}`, options);
}
