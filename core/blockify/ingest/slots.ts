import { type SharedMemory, sharedMemory } from '../../base/system/shared-memory.ts';
import { MAX_LITERAL_SIZE } from '../../block/block.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import { MAX_DIGEST_SIZE } from '../../block/hash.ts';
import { RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import { largestLeaf } from '../edge-hash.ts';

/** Bytes of input per slot. 256 KiB to 1 MiB are fastest; 4 MiB exceed the processor's caches (1,232 instead of 1,580 MB/s). */
export const SLOT_DATA_SIZE = 1024 * 1024;

/** Bytes before a slot's data in addition to a Block of maximum size: the start of a run, and the context of the edge kernel. */
const HEADROOM_EXTRA = 8 * 1024;

/**
 * Slots for Blocks of usual size. They are enough to keep two workers busy while the Store adds a batch. Each takes 2 MB, and the small
 * files
 * in it, about 80 per slot, keep objects of the main thread alive.
 */
const USUAL_SLOTS = 10;

/** Minimum slots, for the largest Blocks. Two would suffice; more keep the workers busy. */
const MIN_SLOTS = 4;

/** Maximum bytes of all slots, without records. */
const MAX_SLOTS_SIZE = 96 * 1024 * 1024;

const WASM_PAGE_SIZE = 64 * 1024;

/** The layout of the shared memory, which is the same for every thread. */
export interface SlotLayout {
  /** Offset of the first slot. Before it is scratch memory, `scratchSize` bytes per thread. */
  readonly slotsAt: number;
  readonly scratchSize: number;
  /** Bytes before a slot's data, for the bytes without a leaf from the slot before. */
  readonly headroom: number;
  /** Bytes after a slot's data, for the records of its leaves. */
  readonly imageSize: number;
  /** Headroom, data and image: the distance of two slots. */
  readonly slotSize: number;
  readonly slots: number;
}

/**
 * Computes the layout for a Store's edge settings.
 *
 * @param threads - number of threads, each with its own scratch memory
 * @param overhead - bytes that sealing adds to a leaf in its record
 */
export function slotLayout(edges: EdgeSettings, threads: number, scratchSize: number, overhead: number): SlotLayout {
  const headroom = roundUp(largestLeaf(edges) + HEADROOM_EXTRA, WASM_PAGE_SIZE);
  const contentSize = headroom + SLOT_DATA_SIZE;
  // Enough even if all leaves have the minimum size of a hashed one. Pages that are not written take no memory.
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

/** Allocates shared memory for a layout. Pages that are never written take no memory. */
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

/** The free slots. Waiting readers get them first come, first served. */
export class FreeSlots {
  readonly #free: number[];
  readonly #waiting: { readonly resolve: (slot: number) => void; readonly reject: (error: unknown) => void }[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(count: number) {
    // The slot that was freed last is used first, since its memory is in the processor's caches.
    this.#free = Array.from({ length: count }, (_, slot) => count - 1 - slot);
  }

  /** Waits for a free slot. Rejects after `fail`. */
  acquire(): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    const slot = this.tryAcquire();
    if (slot !== undefined) return Promise.resolve(slot);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** A free slot, if there is one and nobody waits for one. */
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

  /** Rejects all waiting and later `acquire`s. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
