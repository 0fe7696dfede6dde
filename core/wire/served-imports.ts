import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { PRIVATE_ACCESS } from '../base/system/store-files.ts';
import type { HashName } from '../block/hash.ts';
import { BlockIndex } from '../datadir/index/block-index.ts';
import type { ImportMemory, StoreNotes } from '../store/capabilities.ts';
import { NOTE_SIZE } from '../store/capabilities.ts';

/** Octets of values that wait for a flush before one is due. */
const MAX_WAITING_SIZE = 8 * 1024 * 1024;
const LAST_NOTE = Buffer.from('last note', 'latin1');
const GENERATION = 'generation';

type Value = readonly [key: Uint8Array, value: Uint8Array];

/** Where the memory of a served Store lies, and the Store that it belongs to. */
export interface ServedImportsPlace {
  /** The folder of all of them. */
  readonly folder: string;
  readonly storeName: string;
  readonly hashName: HashName;
}

/**
 * What PUT remembers of local files for a Store that is served elsewhere. It lies on this machine, in a folder for each name
 * by which a Store is reached.
 *
 * Each flush with something to remember leaves a note with the Store first, which the Store loses when anything is removed from it.
 * All values hold as long as the Store has the last note: the next session asks for it, with one question. A Store that is another,
 * or was put back to an earlier state, does not have it.
 *
 * @see docs/design/peers.md, "Files that were put"
 */
export class ServedImports implements ImportMemory {
  readonly #place: ServedImportsPlace;
  readonly #notes: StoreNotes;
  readonly #instance: () => string;
  /** The process that was asked whether values hold: as long as it runs, gc frees nothing that was there then. */
  #askedOf = '';
  #opening: Promise<void> | undefined;
  /** Undefined where it cannot be had: then nothing is remembered. */
  #index: BlockIndex | undefined;
  /** Names the values that hold together. */
  #generation = '';
  /** The note that tells that they do; undefined where none do. */
  #last: Uint8Array | undefined;
  #next: Uint8Array = randomBytes(NOTE_SIZE);
  #waiting: Value[] = [];
  #waitingSize = 0;
  /** Values were given out. */
  #isCountedOn = false;
  #lost: VtError | undefined;

  /** @param instance - names the process that serves the Store at present */
  constructor(place: ServedImportsPlace, notes: StoreNotes, instance: () => string) {
    this.#place = place;
    this.#notes = notes;
    this.#instance = instance;
  }

  get isFull(): boolean {
    return this.#waitingSize > MAX_WAITING_SIZE;
  }

  async open(options?: OpOptions): Promise<void> {
    this.#opening ??= this.#open(options);
    try {
      await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #open(options?: OpOptions): Promise<void> {
    this.#index ??= openIndex(this.#place);
    const last = this.#index?.cacheGet(LAST_NOTE);
    if (last?.length === NOTE_SIZE && (await this.#notes.has(last, options))) {
      this.#last = Uint8Array.from(last);
      this.#askedOf = this.#instance();
      this.#generation = this.#index?.setting(GENERATION) ?? '';
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#last === undefined) return undefined;
    const value = this.#index?.cacheGet(key);
    this.#isCountedOn ||= value !== undefined;
    return value;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    if (this.#index === undefined) return;
    this.#waiting.push([Uint8Array.from(key), Uint8Array.from(value)]);
    this.#waitingSize += key.length + value.length;
  }

  /**
   * Makes what was put durable together with what was added to the Store.
   *
   * @param flush - that of the Store
   * @throws {VtError} EFAILED where Blocks that values promised may have been removed between two processes that served; from then on
   *   always
   */
  async flushWith(flush: () => Promise<void>, options?: OpOptions): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    const waiting = this.#waiting.splice(0);
    const waitingSize = this.#waitingSize;
    this.#waitingSize = 0;
    const note = this.#next;
    try {
      if (waiting.length > 0) await this.#notes.add(note, options);
      await flush();
      if (waiting.length > 0 || this.#isCountedOn) await this.#writeAll(waiting, note, options);
    } catch (error) {
      this.#waiting = [...waiting, ...this.#waiting];
      this.#waitingSize += waitingSize;
      throw error;
    }
  }

  async #writeAll(waiting: readonly Value[], note: Uint8Array, options?: OpOptions): Promise<void> {
    const isKept = waiting.length > 0 && (await this.#notes.has(note, options));
    if (this.#last !== undefined && (await this.#notes.has(this.#last, options))) this.#askedOf = this.#instance();
    else {
      this.#last = undefined;
      if (this.#isCountedOn && this.#instance() !== this.#askedOf) throw this.#loss();
    }
    if (!isKept || this.#index === undefined) return;
    this.#next = randomBytes(NOTE_SIZE);
    try {
      if (this.#last === undefined) {
        this.#generation = randomBytes(NOTE_SIZE).toString('hex');
        this.#index.dropCache(GENERATION, this.#generation);
      }
      const cachePuts = [...waiting, [LAST_NOTE, note] as const];
      await this.#index.commit({ blocks: [], marks: new Map(), generation: this.#generation, cachePuts }, this.#index.id);
      this.#last = note;
      this.#askedOf = this.#instance();
    } catch {
      // Memory that cannot be written is none.
      this.close();
    }
  }

  #loss(): VtError {
    this.#lost = new VtError(
      'EFAILED',
      `put into Store "${this.#place.storeName}": Blocks that it had may have been removed there meanwhile`,
      {
        remedy: 'run the same command again in a new session',
      },
    );
    return this.#lost;
  }

  /** Remembers nothing from now on. Nothing may be under way. */
  close(): void {
    this.#index?.close();
    this.#index = undefined;
    this.#last = undefined;
  }
}

function openIndex({ folder, storeName, hashName }: ServedImportsPlace): BlockIndex | undefined {
  const storeId = createHash('sha256').update(storeName).digest('hex').slice(0, 32);
  const path = join(folder, storeId);
  const owner = { storeId, hashName };
  try {
    const found = BlockIndex.open(path, owner, PRIVATE_ACCESS);
    return typeof found === 'string' ? BlockIndex.makeAnew(path, owner, PRIVATE_ACCESS, undefined) : found;
  } catch {
    return undefined;
  }
}
