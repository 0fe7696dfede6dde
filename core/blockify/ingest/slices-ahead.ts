import type { ScanResult } from './ingest-protocol.ts';
import type { LaneContext, SliceLane } from './slice-lane.ts';

/** Slices of one content in the workers' hands: what one lane may take of the slots. */
const MAX_SLICES_AHEAD = 6;

/** A slice on its way to a lane: scanned by some worker, or a hole. */
interface SliceAhead {
  readonly slot: number;
  readonly length: number;
  readonly scan: Promise<ScanResult> | undefined;
  readonly parsed: Promise<readonly number[]> | undefined;
}

/** The slices of a content that are being scanned, in order, on their way to its lane. */
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

  /** Whether the lane may not have more of the slots. */
  get isFull(): boolean {
    return this.#slices.length >= MAX_SLICES_AHEAD;
  }

  /** Has a slice scanned; its slot is the lane's from now on. @param edges - its parser's, where that is not the lane's */
  add(
    slot: number,
    length: number,
    source: { readonly fd: number | undefined; readonly offset: number; readonly context: number },
    edges?: readonly number[],
  ): void {
    const scan = this.#context.scan({ kind: 'scan', slot, length, ...source });
    // It is awaited in its turn.
    scan.catch(() => {});
    const parsed = edges === undefined ? this.#lane.parsing?.slice(slot, scan) : Promise.resolve(edges);
    parsed?.catch(() => {});
    this.#slices.push({ slot, length, scan, parsed });
  }

  /**
   * Has the lane take a hole in its turn. It gets its slot now, as slices do: lanes that waited for one with slices
   * behind them would hold up each other for ever.
   */
  addHole(slot: number, length: number): void {
    const parsed = this.#lane.parsing?.hole(length);
    parsed?.catch(() => {});
    this.#slices.push({ slot, length, scan: undefined, parsed });
  }

  /** Gives the first slice to the lane. @returns whether it was as long as it should be */
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

  /** Waits for the scans that nobody asks for any more, frees their slots, and waits until the lane is at rest. */
  async drain(): Promise<void> {
    for (const { slot, scan, parsed } of this.#slices.splice(0)) {
      await scan?.catch(() => {});
      await parsed?.catch(() => {});
      this.#context.release(slot);
    }
    await this.#lane.drain();
  }
}
