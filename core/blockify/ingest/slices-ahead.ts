import type { ScanResult } from './ingest-protocol.ts';
import type { LaneContext, SliceLane } from './slice-lane.ts';

/** Maximum slices of one content that are being scanned, and so the number of slots that one lane may use. */
const MAX_SLICES_AHEAD = 6;

/** A slice that is being scanned, or a hole. */
interface SliceAhead {
  readonly slot: number;
  readonly length: number;
  readonly scan: Promise<ScanResult> | undefined;
  readonly parsed: Promise<readonly number[]> | undefined;
}

/** The queue of a content's slices that are being scanned. The lane takes them in order. */
export class SlicesAhead {
  readonly #context: LaneContext;
  readonly #lane: SliceLane;
  readonly #slices: SliceAhead[] = [];

  constructor(context: LaneContext, lane: SliceLane) {
    this.#context = context;
    this.#lane = lane;
  }

  get isEmpty(): boolean {
    return this.#slices.length === 0;
  }

  /** Whether the lane may use no more slots. */
  get isFull(): boolean {
    return this.#slices.length >= MAX_SLICES_AHEAD;
  }

  /** Starts the scan of a slice, and takes over its slot. @param edges - the parser's edges, if the lane has no parsing */
  add(
    slot: number,
    length: number,
    source: { readonly fd: number | undefined; readonly offset: number; readonly context: number },
    edges?: readonly number[],
  ): void {
    const scan = this.#context.scan({ kind: 'scan', slot, length, ...source });
    // It is awaited later.
    scan.catch(() => {});
    const parsed = edges === undefined ? this.#lane.parsing?.slice(slot, scan) : Promise.resolve(edges);
    parsed?.catch(() => {});
    this.#slices.push({ slot, length, scan, parsed });
  }

  /**
   * Queues a hole. It needs its slot now, as slices do: if lanes waited for it while they hold slots of later slices, they would deadlock.
   */
  addHole(slot: number, length: number): void {
    const parsed = this.#lane.parsing?.hole(length);
    parsed?.catch(() => {});
    this.#slices.push({ slot, length, scan: undefined, parsed });
  }

  /** Passes the first slice to the lane when it is scanned. @returns false if it was shorter than requested */
  async takeOne(): Promise<boolean> {
    const head = this.#slices[0];
    if (head === undefined) return true;
    if (head.scan === undefined) {
      const parsed = await head.parsed;
      this.#slices.shift();
      this.#lane.hole(head.slot, head.length, parsed);
      this.#context.onRead(head.length);
      return true;
    }
    const result = await head.scan;
    const parsed = await head.parsed;
    this.#slices.shift();
    this.#lane.slice(head.slot, result, parsed);
    this.#context.onRead(result.length);
    await this.#context.relieve();
    return result.length === head.length;
  }

  /** Waits for the remaining scans and frees their slots, then waits for the lane. */
  async drain(): Promise<void> {
    for (const { slot, scan, parsed } of this.#slices.splice(0)) {
      await scan?.catch(() => {});
      await parsed?.catch(() => {});
      this.#context.release(slot);
    }
    await this.#lane.drain();
  }
}
