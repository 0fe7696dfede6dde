import { sharedMemory } from '../base/system/shared-memory.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { EdgeKernel, SliceScan } from './edge-kernel.ts';
import { KERNEL_CONTEXT, KERNEL_SCRATCH_SIZE, loadEdgeKernel } from './edge-kernel.ts';

/** Maximum bytes of one scan. */
export const MAX_SCAN_SIZE = 256 * 1024;

/** Bytes of memory before a slice. The kernel reads at most the last 128. */
const ROOM_SIZE = 256;

/** An edge kernel with its memory. It keeps no state between scans, so several contents can share it. */
export class EdgeScanner {
  readonly settings: EdgeSettings;
  readonly #octets: Uint8Array;
  readonly #kernel: EdgeKernel;

  /** @throws {RangeError} or {VtError} as checkEdgeSettings */
  constructor(settings: EdgeSettings) {
    this.settings = settings;
    const memory = sharedMemory(KERNEL_SCRATCH_SIZE + ROOM_SIZE + MAX_SCAN_SIZE);
    this.#octets = new Uint8Array(memory.buffer);
    this.#kernel = loadEdgeKernel(settings, memory);
  }

  /**
   * Scans a slice of a content.
   *
   * @param slice - at most {@link MAX_SCAN_SIZE} bytes
   * @param before - the bytes right before it, at least {@link KERNEL_CONTEXT} if there are as many
   */
  scan(slice: Uint8Array, before: Uint8Array): SliceScan {
    const start = KERNEL_SCRATCH_SIZE + ROOM_SIZE;
    const near = before.subarray(Math.max(0, before.length - KERNEL_CONTEXT));
    this.#octets.set(near, start - near.length);
    this.#octets.set(slice, start);
    return this.#kernel.scan(start, start + slice.length, near.length);
  }
}
