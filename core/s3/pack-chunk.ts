import { throwIfCancelled, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import type { PackName } from './pack-names.ts';

/** A range that was asked of the bucket. It is got as long as somebody waits for it. */
export class PackChunk {
  readonly pack: PackName;
  readonly start: number;
  readonly end: number;
  /** Fewer octets where the pack ends before; undefined where it is not there. */
  readonly data: Promise<Buffer | undefined>;
  readonly #nobodyWaits = new AbortController();
  readonly #waiters = new Map<AbortSignal | undefined, Promise<Buffer | undefined>>();
  /** Signals by which somebody waits, and none that has fired. */
  #waiting = 0;

  /** @param get - asks for it, until its signal fires */
  constructor(
    { pack, start, end }: { readonly pack: PackName; readonly start: number; readonly end: number },
    get: (signal: AbortSignal) => Promise<Buffer | undefined>,
  ) {
    this.pack = pack;
    this.start = start;
    this.end = end;
    this.data = get(this.#nobodyWaits.signal);
  }

  /** Whether this part of a pack is, or will be, in it. */
  holds(pack: PackName, start: number, end: number): boolean {
    return this.pack === pack && this.start <= start && this.end >= end && !this.#nobodyWaits.signal.aborted;
  }

  /** Waits for a part of it. @throws {VtError} ECANCELLED when the signal fires */
  async part(start: number, end: number, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    throwIfCancelled(signal);
    const data = await this.#waitersOf(signal);
    return data?.subarray(start - this.start, end - this.start);
  }

  /** Thousands of Blocks may be waited for by one signal: all of them wait for one promise. */
  #waitersOf(signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    const known = this.#waiters.get(signal);
    if (known !== undefined) return known;
    this.#waiting++;
    const waiters = new Promise<Buffer | undefined>((resolve, reject) => {
      const release = onAbort(signal, () => {
        reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
        if (--this.#waiting === 0) this.#nobodyWaits.abort(signal?.reason);
      });
      void this.data.then(resolve, reject).then(release);
    });
    this.#waiters.set(signal, waiters);
    return waiters;
  }
}
