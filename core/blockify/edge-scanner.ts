import { sharedMemory } from '../base/system/shared-memory.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { EdgeKernel, SliceScan } from './edge-kernel.ts';
import { KERNEL_CONTEXT, KERNEL_SCRATCH_SIZE, loadEdgeKernel } from './edge-kernel.ts';

/** Bytes scanned at a time, at most. */
export const MAX_SCAN_SIZE = 256 * 1024;

/** Bytes before a slice; the kernel reads at most the last 128. */
const ROOM_SIZE = 256;

/** One edge kernel and its memory, for contents that are scanned in turns: it keeps nothing of any of them. */
export class EdgeScanner {
  readonly settings: EdgeSettings;
  readonly #octets: Uint8Array;
  readonly #kernel: EdgeKernel;

  /** @throws {RangeError} or {VtError} as checkEdgeSettings does */
  constructor(settings: EdgeSettings) {
    this.settings = settings;
    const memory = sharedMemory(KERNEL_SCRATCH_SIZE + ROOM_SIZE + MAX_SCAN_SIZE);
    this.#octets = new Uint8Array(memory.buffer);
    this.#kernel = loadEdgeKernel(settings, memory);
  }

  /**
   * Scans a slice of a content.
   *
   * @param slice - {@link MAX_SCAN_SIZE} bytes at most
   * @param before - what comes right before it, at least {@link KERNEL_CONTEXT} bytes if there are so many
   */
  scan(slice: Uint8Array, before: Uint8Array): SliceScan {
    const start = KERNEL_SCRATCH_SIZE + ROOM_SIZE;
    const near = before.subarray(Math.max(0, before.length - KERNEL_CONTEXT));
    this.#octets.set(near, start - near.length);
    this.#octets.set(slice, start);
    return this.#kernel.scan(start, start + slice.length, near.length);
  }
}
