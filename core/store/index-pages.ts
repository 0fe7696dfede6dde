import { readSync } from 'node:fs';

// Looks through the pages of an LMDB file, as LMDB itself does not: it trusts them, and one that is damaged can end the
// process by a signal. @see lmdb's mdb.c: MDB_page_header, MDB_node, MDB_db, MDB_meta, MDB_ovpage

/** Octets of a page's header; what a page says of places in it counts from behind it. */
const HEADER_SIZE = 24;
/** Octets of a node's header. */
const NODE_SIZE = 8;
/** Octets of what describes a tree. */
const TREE_SIZE = 48;
const PAGE_BRANCH = 1;
const PAGE_LEAF = 2;
const PAGE_OVERFLOW = 4;
const NODE_BIG = 1;
const NODE_TREE = 2;
/** No tree of ours is deeper: LMDB's own bound. */
const MAX_DEPTH = 32;
/** Longest key that LMDB takes at the page sizes there are, generously. */
const MAX_KEY_SIZE = 8192;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** A file up to this size is read at once. */
const WHOLE_SIZE = 64 * 1024 * 1024;

/** Where the trees of a state of an LMDB file begin. */
export interface IndexRoots {
  readonly pageSize: number;
  readonly lastPage: number;
  /** MDB_db of the free pages and of the main tree, 48 octets each. */
  readonly trees: Buffer;
}

/**
 * Checks that every page that a state of the file reaches is what it should be: its number, kind, the places of its
 * nodes, the order of its keys, the count of entries, and that no page is reached twice, nor free as well.
 *
 * @returns what is wrong, or undefined
 */
export function checkPages(fd: number, size: number, roots: IndexRoots): string | undefined {
  try {
    new PageWalk(fd, size, roots).run();
    return undefined;
  } catch (error) {
    if (error instanceof DamagedPage) return error.message;
    throw error;
  }
}

class DamagedPage extends Error {}

function require(condition: boolean, page: number, what: string): asserts condition {
  if (!condition) throw new DamagedPage(`page ${page}: ${what}`);
}

class PageWalk {
  readonly #fd: number;
  readonly #size: number;
  readonly #roots: IndexRoots;
  readonly #whole: Buffer | undefined;
  readonly #seen: Uint8Array;
  readonly #free: number[] = [];

  constructor(fd: number, size: number, roots: IndexRoots) {
    this.#fd = fd;
    this.#size = size;
    this.#roots = roots;
    this.#seen = new Uint8Array(roots.lastPage + 1);
    if (size > WHOLE_SIZE) return;
    this.#whole = Buffer.allocUnsafeSlow(size);
    for (let at = 0; at < size; ) {
      const count = readSync(fd, this.#whole, at, size - at, at);
      if (count === 0) break;
      at += count;
    }
  }

  run(): void {
    this.#tree(this.#roots.trees.subarray(0, TREE_SIZE), 0, 'free');
    this.#tree(this.#roots.trees.subarray(TREE_SIZE, 2 * TREE_SIZE), 1, 'main');
    for (const page of this.#free)
      require(page >= 2 && page <= this.#roots.lastPage && this.#seen[page] === 0, page, 'it is free and in use');
  }

  #page(number: number, pages = 1): Buffer {
    const { pageSize, lastPage } = this.#roots;
    require(number >= 2 && number + pages - 1 <= lastPage && (number + pages) * pageSize <= this.#size, number, 'there is no such page');
    for (let i = number; i < number + pages; i++) {
      require(this.#seen[i] === 0, i, 'it is in use twice');
      this.#seen[i] = 1;
    }
    const start = number * pageSize;
    if (this.#whole !== undefined) return this.#whole.subarray(start, start + pages * pageSize);
    const page = Buffer.allocUnsafe(pageSize);
    readSync(this.#fd, page, 0, pageSize, start);
    return page;
  }

  #tree(tree: Buffer, at: number, kind: 'free' | 'main' | 'plain'): void {
    const root = tree.readBigUInt64LE(40);
    const depth = tree.readUInt16LE(6);
    const entries = Number(tree.readBigUInt64LE(32));
    if (root === NO_PAGE) {
      require(entries === 0 && depth === 0, at, 'a tree without pages has entries');
      return;
    }
    require(depth >= 1 && depth <= MAX_DEPTH && root <= BigInt(this.#roots.lastPage), at, 'its tree cannot be');
    const found = this.#branch(Number(root), depth, kind, undefined);
    require(found === entries, at, `${found} entries where ${entries} are counted`);
  }

  /** @returns the entries below a page */
  #branch(number: number, depth: number, kind: 'free' | 'main' | 'plain', least: Buffer | undefined): number {
    const page = this.#page(number);
    const isLeaf = depth === 1;
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    const room = this.#roots.pageSize - HEADER_SIZE;
    require(Number(page.readBigUInt64LE(0)) === number, number, 'it has another number');
    require(page.readUInt16LE(18) === (isLeaf ? PAGE_LEAF : PAGE_BRANCH), number, 'it is of another kind');
    require(lower % 2 === 0 && lower <= upper && upper <= room, number, 'its bounds cannot be');
    const count = lower / 2;
    require(count > (isLeaf ? 0 : 1) || (isLeaf && count === 1), number, 'it holds too little');
    let entries = 0;
    let last = least;
    for (let i = 0; i < count; i++) {
      const place = page.readUInt16LE(HEADER_SIZE + 2 * i);
      require(place >= upper && place + NODE_SIZE <= room, number, 'a node lies outside');
      const node = page.subarray(HEADER_SIZE + place);
      const keySize = node.readUInt16LE(6);
      require(keySize <= MAX_KEY_SIZE && NODE_SIZE + keySize <= node.length, number, 'a key is too long');
      const key = node.subarray(NODE_SIZE, NODE_SIZE + keySize);
      // The first key of a branch page is not looked at.
      if (isLeaf || i > 0) {
        if (last !== undefined) {
          const order = kind === 'free' ? compareNumbers(last, key) : Buffer.compare(last, key);
          require(order < 0 || (order === 0 && last === least), number, 'its keys are out of order');
        }
        last = key;
      }
      if (isLeaf) {
        this.#leaf(number, node, keySize, kind);
        entries++;
      } else {
        const child = node.readUInt16LE(0) + node.readUInt16LE(2) * 0x1_0000 + node.readUInt16LE(4) * 0x1_0000_0000;
        entries += this.#branch(child, depth - 1, kind, i > 0 ? key : least);
      }
    }
    return entries;
  }

  #leaf(number: number, node: Buffer, keySize: number, kind: 'free' | 'main' | 'plain'): void {
    const size = node.readUInt32LE(0);
    const flags = node.readUInt16LE(4);
    const at = NODE_SIZE + keySize;
    require(flags === 0 ||
      (flags === NODE_BIG && at + 24 <= node.length) ||
      (flags === NODE_TREE && kind === 'main'), number, 'a node is of no kind');
    let data: Buffer;
    if (flags === NODE_BIG) {
      const first = node.readBigUInt64LE(at);
      require(first <= BigInt(this.#roots.lastPage), number, 'a long value lies outside');
      const pages = Math.floor((HEADER_SIZE - 1 + size) / this.#roots.pageSize) + 1;
      const page = this.#page(Number(first), pages);
      require(Number(page.readBigUInt64LE(0)) === Number(first) && (page.readUInt16LE(18) & PAGE_OVERFLOW) !== 0, Number(
        first,
      ), 'it is of another kind');
      require(page.readUInt32LE(20) === pages, Number(first), 'it counts other pages');
      data = this.#whole === undefined ? page.subarray(HEADER_SIZE) : page.subarray(HEADER_SIZE, HEADER_SIZE + size);
    } else {
      require(at + size <= node.length, number, 'a value is too long');
      data = node.subarray(at, at + size);
    }
    if (flags === NODE_TREE) {
      require(size === TREE_SIZE, number, 'a tree is described too shortly');
      this.#tree(data, number, 'plain');
    }
    if (kind === 'free') this.#freePages(number, keySize, data, size);
  }

  /** Each entry tells pages that are free: a count, and their numbers; one that is negative tells how many follow the next. */
  #freePages(number: number, keySize: number, data: Buffer, size: number): void {
    require(keySize === 8 && size >= 8 && size % 8 === 0, number, 'a list of free pages cannot be');
    const count = Number(data.readBigUInt64LE(0));
    require(count * 8 + 8 <= size, number, 'a list of free pages is too short');
    for (let i = 1; i <= count && i * 8 + 8 <= data.length; i++) {
      const page = Number(data.readBigInt64LE(i * 8));
      require(Math.abs(page) <= this.#roots.lastPage, number, 'it tells of a free page that is none');
      if (page > 0) this.#free.push(page);
    }
  }
}

function compareNumbers(a: Buffer, b: Buffer): number {
  if (a.length !== 8 || b.length !== 8) return 1;
  const difference = a.readBigUInt64LE(0) - b.readBigUInt64LE(0);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
