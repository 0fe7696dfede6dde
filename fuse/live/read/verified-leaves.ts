import { readSync } from 'node:fs';
import { copyOctets } from '../../../core/base/copy-octets.ts';
import { OpenFiles } from '../../../core/base/system/open-files.ts';
import type { HashFunction } from '../../../core/block/hash.ts';
import { BlockWindow, StaleLocationError } from '../../../core/export/block-window.ts';
import { CELL, ROW_SIZE, SegmentRows } from '../../../core/export/segment-rows.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import type { LeafSink } from './leaf-finder.ts';
import { digestKey } from './leaf-finder.ts';
import { LeafRing } from './leaf-ring.ts';

/** Bytes of leaves that are kept. */
const MAX_KEPT_SIZE = 64 * 1024 * 1024;

/** Most data files held open for single leaves. */
const MAX_OPEN_FILES = 16;

/** A part of a leaf that is not cached. */
interface MissingPiece {
  /** Its index among the pieces of the read. */
  readonly index: number;
  readonly key: string;
  readonly digest: Uint8Array;
  /** Bytes of the leaf. */
  readonly size: number;
  readonly from: number;
  readonly wanted: number;
}

/** A cache of the leaves read and verified last, which answers small reads. */
export class VerifiedLeaves implements Disposable {
  readonly #store: Store;
  readonly #hash: HashFunction;
  readonly #window: BlockWindow;
  readonly #ring = new LeafRing(MAX_KEPT_SIZE);
  readonly #files = new OpenFiles(MAX_OPEN_FILES);

  /** @param store - one that reports the locations of its Blocks */
  constructor(store: Store, hash: HashFunction) {
    this.#store = store;
    this.#hash = hash;
    this.#window = new BlockWindow(hash);
  }

  /** A sink for the pieces of one read. */
  collector(): PieceCollector {
    return new PieceCollector(this.#hash, this.#ring);
  }

  /**
   * The collected pieces, after reading the missing leaves: views that are valid until the next call.
   *
   * @returns undefined if a leaf is not at its location
   */
  complete({ pieces, missing }: PieceCollector): readonly Uint8Array[] | undefined {
    const [first] = missing;
    if (first === undefined) return pieces;
    // Reading the missing leaves may overwrite pieces of this read in the ring.
    if (pieces.length > 1) for (const [index, piece] of pieces.entries()) if (piece.length > 0) pieces[index] = Buffer.from(piece);
    if (missing.length === 1 && this.#ring.takes(first.size)) {
      const leaf = this.#readOne(first);
      if (leaf !== undefined) {
        pieces[first.index] = leaf.subarray(first.from, first.from + first.wanted);
        return pieces;
      }
    }
    return this.#readAll(pieces, missing);
  }

  /** Reads one leaf directly into the cache. @returns undefined if that is not possible */
  #readOne({ key, digest, size, from, wanted }: MissingPiece): Uint8Array | undefined {
    const location = capability(this.#store, 'location')?.locate([digest])[0];
    if (
      location === undefined ||
      location.codec !== 'none' ||
      location.size !== size ||
      location.storedSize !== size ||
      from + wanted > size
    )
      return undefined;
    const room = this.#ring.room(size);
    try {
      if (readSync(this.#files.open(location.file), room, 0, size, location.offset) !== size) return undefined;
    } catch {
      return undefined;
    }
    if (Buffer.compare(this.#hash.digest(room), digest) !== 0) return undefined;
    this.#ring.keep(key, size);
    return room;
  }

  /** Reads adjacent leaves with one call and verifies them together. */
  #readAll(pieces: Uint8Array[], missing: readonly MissingPiece[]): readonly Uint8Array[] | undefined {
    const rows = new SegmentRows(this.#hash.digestSize, 16);
    for (const { digest, size } of missing) rows.stored(digest, 0, size, 0, size);
    rows.locate(this.#store);
    if (!rows.isLocated(0, rows.count)) return undefined;
    const segments = rows.pack();
    this.#window.use(segments);
    try {
      for (const [row, piece] of missing.entries()) {
        const { key, from, wanted, index } = piece;
        if (!this.#window.holds(row)) this.#window.fill(row);
        const leaf = this.#window.view(row);
        const size = segments.cells[row * ROW_SIZE + CELL.size] as number;
        if (from + wanted > size) return undefined;
        pieces[index] = Buffer.allocUnsafe(wanted);
        copyOctets(pieces[index], 0, leaf.subarray(from, from + wanted));
        if (!this.#ring.takes(size)) continue;
        copyOctets(this.#ring.room(size), 0, leaf);
        this.#ring.keep(key, size);
      }
    } catch (error) {
      if (error instanceof StaleLocationError) return undefined;
      throw error;
    }
    return pieces;
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#window[Symbol.dispose]();
    this.#files[Symbol.dispose]();
    this.#ring.clear();
  }
}

/** The pieces of one read: those at hand, and those missing. */
export class PieceCollector implements LeafSink {
  readonly #hash: HashFunction;
  readonly #ring: LeafRing;
  readonly pieces: Uint8Array[] = [];
  readonly missing: MissingPiece[] = [];

  constructor(hash: HashFunction, ring: LeafRing) {
    this.#hash = hash;
    this.#ring = ring;
  }

  run(octet: number, size: number): void {
    this.pieces.push(Buffer.alloc(size, octet));
  }

  data(data: Uint8Array): void {
    this.pieces.push(data);
  }

  stored(source: Uint8Array, digestAt: number, size: number, from: number, wanted: number): void {
    const { digestSize } = this.#hash;
    const key = digestKey(source, digestAt, digestSize);
    const leaf = this.#ring.find(key);
    if (leaf !== undefined && from + wanted <= leaf.length) {
      this.pieces.push(leaf.length === wanted ? leaf : leaf.subarray(from, from + wanted));
      return;
    }
    this.missing.push({ index: this.pieces.length, key, digest: source.subarray(digestAt, digestAt + digestSize), size, from, wanted });
    this.pieces.push(NOTHING);
  }
}

const NOTHING = new Uint8Array(0);
