import { randomBytes } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import { hashByName } from '../block/hash.ts';
import { notesOf } from '../store/cache-notes.ts';
import type { LocalCache, StoreNotes } from '../store/capabilities.ts';
import { NOTE_SIZE } from '../store/capabilities.ts';
import { canWrite, capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';

/** Marks for Dirs that a Store is known to have with everything below them. */
export interface CompleteMarks {
  has(digest: Uint8Array): boolean;
  /** Call before the flush that makes the transferred Blocks durable. */
  beforeFlush(signal: AbortSignal): Promise<void>;
  /**
   * Marks Dirs that were walked, after everything below them is durable.
   *
   * @throws {VtError} EFAILED if Blocks that earlier marks promised may have been removed meanwhile
   */
  noteComplete(dirs: readonly Uint8Array[], signal: AbortSignal): Promise<void>;
}

/** Opens the marks for a transfer; undefined if the near Store cannot keep any. @param near - which of the two is near */
export async function openMarks(from: Store, to: Store, near: 'from' | 'to', signal: AbortSignal): Promise<CompleteMarks | undefined> {
  const cache = capability(near === 'to' ? to : from, 'cache');
  if (cache === undefined) return undefined;
  if (near === 'to') return new OwnMarks(to, cache);
  if (!canWrite(from)) return undefined;
  // This opens the Store if it has not been opened yet.
  await to.has([], { signal });
  const notes = notesOf(to);
  if (notes === undefined) return undefined;
  const marks = new PeerMarks(from, cache, to, notes);
  await marks.open(signal);
  return marks;
}

const COMPLETE = Uint8Array.of(1);
const COMPLETE_PREFIX = Buffer.from('complete:', 'latin1');

/** Marks for the near Store itself: its cache becomes invalid when anything is removed from it. */
class OwnMarks implements CompleteMarks {
  readonly #store: Store;
  readonly #cache: LocalCache;

  constructor(store: Store, cache: LocalCache) {
    this.#store = store;
    this.#cache = cache;
  }

  has(digest: Uint8Array): boolean {
    return this.#cache.get(Buffer.concat([COMPLETE_PREFIX, digest])) !== undefined;
  }

  async beforeFlush(): Promise<void> {
    await Promise.resolve();
  }

  async noteComplete(dirs: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    for (const digest of dirs) this.#cache.put(Buffer.concat([COMPLETE_PREFIX, digest]), COMPLETE);
    await this.#store.flush({ signal });
  }
}

const PEER_PREFIX = Buffer.from('at peer:', 'latin1');
/** Octets of a peer's id. */
const PEER_SIZE = 16;

/**
 * Marks for a peer, in the near Store's cache. Each successful push leaves a note with the peer. The peer drops it when anything is
 * removed from it, and lacks it if it was restored to an earlier state. While it has the last note, all marks of this series are valid.
 * They are bound to the name by which the peer is reached, so that no other peer can pass for it.
 */
class PeerMarks implements CompleteMarks {
  readonly #near: Store;
  readonly #cache: LocalCache;
  readonly #peer: Store;
  readonly #notes: StoreNotes;
  readonly #prefix: Uint8Array;
  /** The last note; the marks that depend on it begin with `series`. */
  #last: Uint8Array | undefined;
  #series: Uint8Array = randomBytes(NOTE_SIZE);
  readonly #next: Uint8Array = randomBytes(NOTE_SIZE);
  #isCountedOn = false;

  constructor(near: Store, cache: LocalCache, peer: Store, notes: StoreNotes) {
    this.#near = near;
    this.#cache = cache;
    this.#peer = peer;
    this.#notes = notes;
    this.#prefix = Buffer.concat([PEER_PREFIX, hashByName(near.hashName).digest(Buffer.from(peer.name)).subarray(0, PEER_SIZE)]);
  }

  /** Finds out whether the marks of earlier pushes are valid. */
  async open(signal: AbortSignal): Promise<void> {
    // The cache is empty before its Store is ready.
    await this.#near.has([], { signal });
    const found = this.#cache.get(this.#prefix);
    if (found?.length !== 2 * NOTE_SIZE) return;
    const last = Uint8Array.from(found.subarray(0, NOTE_SIZE));
    if (!(await this.#notes.has(last, { signal }))) return;
    this.#last = last;
    this.#series = Uint8Array.from(found.subarray(NOTE_SIZE));
  }

  #keyOf(digest: Uint8Array): Uint8Array {
    return Buffer.concat([this.#prefix, this.#series, digest]);
  }

  has(digest: Uint8Array): boolean {
    const isComplete = this.#last !== undefined && this.#cache.get(this.#keyOf(digest)) !== undefined;
    this.#isCountedOn ||= isComplete;
    return isComplete;
  }

  async beforeFlush(signal: AbortSignal): Promise<void> {
    await this.#notes.add(this.#next, { signal });
  }

  async noteComplete(dirs: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const asked = this.#last === undefined ? [this.#next] : [this.#next, this.#last];
    const [isKept = false, isLastKept = true] = await Promise.all(asked.map((note) => this.#notes.has(note, { signal })));
    if (this.#last !== undefined && !(isKept && isLastKept)) {
      if (!this.#isCountedOn) return;
      throw new VtError('EFAILED', `push to "${this.#peer.name}": Blocks that it had may have been removed meanwhile`, {
        remedy: 'run the same command again',
      });
    }
    // If another push finished meanwhile, its note is the last one, and its marks are used.
    const found = this.#cache.get(this.#prefix);
    const isStill = Buffer.compare(found?.subarray(0, NOTE_SIZE) ?? NOTHING, this.#last ?? NOTHING) === 0;
    if (!isKept || (this.#last !== undefined && !isStill)) return;
    for (const digest of dirs) this.#cache.put(this.#keyOf(digest), COMPLETE);
    this.#cache.put(this.#prefix, Buffer.concat([this.#next, this.#series]));
    await this.#near.flush({ signal });
  }
}

const NOTHING = new Uint8Array(0);
