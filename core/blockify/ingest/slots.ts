import { type SharedMemory, sharedMemory } from '../../base/system/shared-memory.ts';
import { MAX_LITERAL_SIZE } from '../../block/block.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import { MAX_DIGEST_SIZE } from '../../block/hash.ts';
import { RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import { largestLeaf } from '../edge-hash.ts';

/** Bytes of input that one slot takes. 256 KiB to 1 MiB a slot are the fastest; 4 MiB fall out of the caches (1,232 against 1,580 MB/s). */
export const SLOT_DATA_SIZE = 1024 * 1024;

/** Bytes in front of a slot's data beyond a Block of the largest size: what may be the start of a run, and what the edge kernel looks at. */
const HEADROOM_EXTRA = 8 * 1024;

/**
 * Slots where Blocks are of usual size: enough for two workers to have work queued while the Store takes a batch. Each takes 2 MB, and small
 * files on their way, some 80 a slot, keep objects of the main thread alive.
 */
const USUAL_SLOTS = 10;

/** Slots of Stores with the largest Blocks: two would do, more keep the workers busy. */
const MIN_SLOTS = 4;

/** Bytes of all slots, at most. */
const MAX_SLOTS_SIZE = 96 * 1024 * 1024;

const WASM_PAGE_SIZE = 64 * 1024;

/** Where slots are in the shared memory: the same for every thread. */
export interface SlotLayout {
  /** Offset of the first slot; what is before is the edge kernel's own, `scratchSize` bytes a thread. */
  readonly slotsAt: number;
  readonly scratchSize: number;
  /** Bytes before a slot's data, for the unfinished tail of the slot before. */
  readonly headroom: number;
  /** Bytes behind a slot's data for the records of its leaves, as they are written to the Store. */
  readonly imageSize: number;
  /** Headroom, data and image: the distance of two slots. */
  readonly slotSize: number;
  readonly slots: number;
}

/**
 * Where slots are for a Store's edge settings.
 *
 * @param threads - those that run the kernel, each with its own scratch memory
 * @param overhead - bytes that a leaf takes in its record beside its own
 */
export function slotLayout(edges: EdgeSettings, threads: number, scratchSize: number, overhead: number): SlotLayout {
  const headroom = roundUp(largestLeaf(edges) + HEADROOM_EXTRA, WASM_PAGE_SIZE);
  const contentSize = headroom + SLOT_DATA_SIZE;
  // Room for leaves all of the least size that is stored; what is not written takes no memory.
  const leaves = Math.ceil(contentSize / (MAX_LITERAL_SIZE + 1));
  const imageSize = roundUp(contentSize + leaves * (RECORD_FIXED_SIZE + MAX_DIGEST_SIZE + overhead), WASM_PAGE_SIZE);
  const slots = Math.max(MIN_SLOTS, Math.min(USUAL_SLOTS, Math.floor(MAX_SLOTS_SIZE / contentSize)));
  return {
    slotsAt: roundUp(threads * scratchSize, WASM_PAGE_SIZE),
    scratchSize,
    headroom,
    imageSize,
    slotSize: contentSize + imageSize,
    slots,
  };
}

/** Shared memory for a layout. Pages that are never written take no memory. */
export function slotMemory(layout: SlotLayout): SharedMemory {
  return sharedMemory(layout.slotsAt + layout.slots * layout.slotSize);
}

/** Offset in the shared memory of a slot's data. */
export function slotDataAt(layout: SlotLayout, slot: number): number {
  return layout.slotsAt + slot * layout.slotSize + layout.headroom;
}

/** Offset in the shared memory of a slot's image. */
export function slotImageAt(layout: SlotLayout, slot: number): number {
  return slotDataAt(layout, slot) + SLOT_DATA_SIZE;
}

/** Offset in the shared memory of a slot's first byte. */
export function slotStartAt(layout: SlotLayout, slot: number): number {
  return layout.slotsAt + slot * layout.slotSize;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Which slots are free. Waiting readers get them in turn: this limits the readers. */
export class FreeSlots {
  readonly #free: number[];
  readonly #waiting: { readonly resolve: (slot: number) => void; readonly reject: (error: unknown) => void }[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(count: number) {
    // The one freed last is taken first: its memory is in the caches.
    this.#free = Array.from({ length: count }, (_, slot) => count - 1 - slot);
  }

  /** A free slot, now or when one is released. Rejects once `fail` was called. */
  acquire(): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    const slot = this.tryAcquire();
    if (slot !== undefined) return Promise.resolve(slot);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** A free slot where nobody waits for it. */
  tryAcquire(): number | undefined {
    return this.#waiting.length > 0 || this.#failure !== undefined ? undefined : this.#free.pop();
  }

  /** Whether an `acquire` would wait. */
  get exhausted(): boolean {
    return this.#free.length === 0 || this.#waiting.length > 0;
  }

  release(slot: number): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next.resolve(slot);
    else this.#free.push(slot);
  }

  /** Turns away all who wait or come later. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
