import type { Block } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import type { HashFunction } from '../block/hash.ts';
import { MAX_TREE_DEPTH } from '../block/tree-walk.ts';
import type { RowRange } from './export-batch.ts';
import { RefCursor } from './ref-cursor.ts';
import { SegmentRows } from './segment-rows.ts';

/** Maximum segments, and maximum superblocks, of contents that are planned together. Files of 1 MiB have about 100. */
const MAX_PLANNED = 64 * 1024;

/** Maximum empty references in a superblock; ours have none. */
const MAX_EMPTY = 1024;

/** A superblock and its child superblocks. */
interface Node {
  /** Undefined until it is read, and if it cannot be read. */
  bytes: Uint8Array | undefined;
  readonly span: number;
  readonly children: Node[];
}

/** Yields the superblocks that it needs, and receives their bytes; undefined for one that cannot be read. */
type Steps<Result> = Generator<SegmentRows, Result, readonly (Uint8Array | undefined)[]>;

/**
 * Determines the Blocks of contents. It reads nothing itself: the caller reads the superblocks that it yields. Those of all contents are
 * yielded together, level by level.
 */
export class ContentPlan {
  readonly #hash: HashFunction;
  readonly #cursor: RefCursor;

  constructor(hash: HashFunction) {
    this.#hash = hash;
    this.#cursor = new RefCursor(hash);
  }

  /** Adds the segments of contents to `rows`, in order. @returns for each Block its rows; undefined if it cannot be planned this way */
  *steps(blocks: readonly Block[], rows: SegmentRows): Steps<(RowRange | undefined)[]> {
    const nodes = yield* this.#superblocksOf(blocks);
    const mostRows = rows.count + MAX_PLANNED;
    return blocks.map((block, index) => {
      const firstRow = rows.count;
      const node = nodes[index];
      const isPlanned = node === undefined ? this.#addLeaf(block, rows) : this.#addNode(node, rows, mostRows);
      return isPlanned ? { firstRow, endRow: rows.count } : undefined;
    });
  }

  #addLeaf(block: Block, rows: SegmentRows): boolean {
    if (block.span === 0) return true;
    if (block.span === UNKNOWN_SPAN) return false;
    switch (block.kind) {
      case 'hash':
        if (block.hashcode.hashName !== this.#hash.name) return false;
        rows.stored(block.hashcode.digest, 0, block.span, 0, block.span);
        return true;
      case 'literal':
        rows.data(block.data);
        return true;
      case 'run':
        rows.run(block.octet, block.span);
        return true;
      default:
        return false;
    }
  }

  /** Reads all superblocks of the Blocks, level by level. */
  *#superblocksOf(blocks: readonly Block[]): Steps<(Node | undefined)[]> {
    let wanted = new SegmentRows(this.#hash.digestSize);
    let level: Node[] = [];
    const above: Node[] = [];
    const nodes = blocks.map((block) => {
      if (block.kind !== 'indirect') return undefined;
      const { refs, span } = block;
      const node: Node = { bytes: undefined, span, children: [] };
      if (refs.kind === 'literal') {
        node.bytes = refs.data;
        above.push(node);
      } else if (refs.kind === 'hash' && refs.hashcode.hashName === this.#hash.name) {
        wanted.stored(refs.hashcode.digest, 0, -1, 0, 0);
        level.push(node);
      }
      return node;
    });
    for (const node of above) this.#addChildren(node, wanted, level);
    let count = 0;
    for (let depth = 1; level.length > 0 && depth < MAX_TREE_DEPTH; depth++) {
      count += level.length;
      if (count > MAX_PLANNED) break;
      const found = yield wanted;
      const below: Node[] = [];
      wanted = new SegmentRows(this.#hash.digestSize);
      for (const [index, node] of level.entries()) {
        node.bytes = found[index];
        this.#addChildren(node, wanted, below);
      }
      level = below;
    }
    return nodes;
  }

  #addChildren(node: Node, wanted: SegmentRows, below: Node[]): void {
    const { bytes } = node;
    const cursor = this.#cursor;
    if (bytes === undefined) return;
    let empty = 0;
    for (let at = 0; at < bytes.length; at = cursor.next) {
      cursor.read(bytes, at);
      if (cursor.span === 0) empty++;
      if (cursor.kind === 'odd' || empty > MAX_EMPTY) {
        node.bytes = undefined;
        return;
      }
      if (cursor.kind !== 'indirect' || cursor.span === 0) continue;
      wanted.stored(bytes, cursor.at, -1, 0, 0);
      const child: Node = { bytes: undefined, span: cursor.span, children: [] };
      node.children.push(child);
      below.push(child);
    }
  }

  #addNode({ bytes, span, children }: Node, rows: SegmentRows, mostRows: number): boolean {
    const cursor = this.#cursor;
    if (bytes === undefined || rows.count > mostRows) return false;
    let child = 0;
    let sum = 0;
    for (let at = 0; at < bytes.length; ) {
      cursor.read(bytes, at);
      at = cursor.next;
      sum += cursor.span;
      if (cursor.span === 0) continue;
      switch (cursor.kind) {
        case 'hash':
          rows.stored(bytes, cursor.at, cursor.span, 0, cursor.span);
          break;
        case 'run':
          rows.run(bytes[cursor.at] as number, cursor.span);
          break;
        case 'literal':
          rows.data(bytes.subarray(cursor.at, cursor.at + cursor.span));
          break;
        default: {
          const node = children[child++];
          if (node === undefined || !this.#addNode(node, rows, mostRows)) return false;
        }
      }
    }
    return sum === span;
  }
}
