import type { SharedMemory } from '../base/system/shared-memory.ts';
import { sharedMemory } from '../base/system/shared-memory.ts';
import type { HashFunction } from '../block/hash.ts';
import { HASH_SCRATCH_SIZE, hashByName } from '../block/hash.ts';
import type { MemoryDigester } from '../block/memory-digester.ts';
import type { DatafileReaders } from '../datadir/datafiles/datafile-readers.ts';
import type { SweepReply, SweepRequest } from './sweep-messages.ts';
import type { FoundRecords } from './sweep-records.ts';
import { findRecords, sweepRecords } from './sweep-records.ts';

/** Octets of a piece. */
const PIECE_SIZE = 2 * 1024 * 1024;
/** Maximum number of pieces that are read but not hashed yet. */
export const PIECES_AT_ONCE = 3;
const SLOTS_AT = Math.ceil(HASH_SCRATCH_SIZE / 65536) * 65536;

interface Piece {
  readonly image: Buffer;
  readonly at: number;
  readonly offset: number;
  readonly found: FoundRecords;
  readonly file: HashFunction;
}

/** Reads pieces of data files into its own memory and hashes their Blocks. Only the digests leave that memory. */
export class Sweeper {
  readonly #hashes: { readonly from: HashFunction; readonly to: HashFunction };
  readonly #readers: DatafileReaders;
  readonly #memory: SharedMemory = sharedMemory(SLOTS_AT + PIECES_AT_ONCE * PIECE_SIZE);
  readonly #digesters = new Map<HashFunction, MemoryDigester>();
  readonly #free = Array.from({ length: PIECES_AT_ONCE }, (_, slot) => SLOTS_AT + slot * PIECE_SIZE);
  readonly #pieces: Piece[] = [];

  /** @param readers - readers of data files, by path */
  constructor(hashes: { readonly from: HashFunction; readonly to: HashFunction }, readers: DatafileReaders) {
    this.#hashes = hashes;
    this.#readers = readers;
  }

  answer(request: SweepRequest): SweepReply {
    return request.kind === 'read' ? this.#read(request) : this.#hash();
  }

  #read({ path, offset, size, fileHash }: Extract<SweepRequest, { kind: 'read' }>): SweepReply {
    const at = this.#free.pop();
    if (at === undefined) throw new Error('sweep: more pieces at once than there is room for');
    const file = hashByName(fileHash);
    const whole = Buffer.from(this.#memory.buffer as unknown as ArrayBuffer, at, Math.min(PIECE_SIZE, size));
    const image = whole.subarray(0, this.#readInto(path, offset, whole));
    const found = findRecords(image, file);
    this.#pieces.push({ image, at, offset, found, file });
    return { kind: 'read', end: found.end, nextSize: found.nextSize };
  }

  /** Reads as far as possible. Unreadable parts are not swept: reading a Block there gives the error. */
  #readInto(path: string, offset: number, target: Uint8Array): number {
    try {
      return this.#readers.readInto(path, offset, target);
    } catch {
      return 0;
    }
  }

  #hash(): SweepReply {
    const piece = this.#pieces.shift();
    if (piece === undefined) throw new Error('sweep: no piece to be hashed');
    const { image, at, offset, found, file } = piece;
    const swept = sweepRecords(image, found, { ...this.#hashes, file }, offset, (hash) => this.#digesterAt(hash, at));
    this.#free.push(at);
    return { kind: 'swept', swept };
  }

  #digesterAt(hash: HashFunction, at: number): MemoryDigester {
    let digester = this.#digesters.get(hash);
    if (digester === undefined) {
      digester = hash.digesterOf(this.#memory, 0);
      this.#digesters.set(hash, digester);
    }
    const digest = digester;
    return (ranges, digests) => {
      const places = new Float64Array(ranges.length);
      for (let i = 0; i < places.length; i++) places[i] = at + (ranges[i] as number);
      digest(places, digests);
    };
  }
}
