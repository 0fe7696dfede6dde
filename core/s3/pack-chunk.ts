import { throwIfCancelled, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import type { PackName } from './pack-names.ts';

/** A range that is being fetched, as long as at least one caller waits for it. */
export class PackChunk {
  readonly pack: PackName;
  readonly start: number;
  readonly end: number;
  /** The octets; fewer if the pack is too short, undefined if it does not exist. */
  readonly data: Promise<Buffer | undefined>;
  readonly #nobodyWaits = new AbortController();
  readonly #waiters = new Map<AbortSignal | undefined, Promise<Buffer | undefined>>();
  /** Number of waiting signals that have not fired. */
  #waiting = 0;

  /** @param get - fetches the range until its signal fires */
  constructor(
    { pack, start, end }: { readonly pack: PackName; readonly start: number; readonly end: number },
    get: (signal: AbortSignal) => Promise<Buffer | undefined>,
  ) {
    this.pack = pack;
    this.start = start;
    this.end = end;
    this.data = get(this.#nobodyWaits.signal);
  }

  /** Whether this chunk contains, or will contain, this part of a pack. */
  holds(pack: PackName, start: number, end: number): boolean {
    return this.pack === pack && this.start <= start && this.end >= end && !this.#nobodyWaits.signal.aborted;
  }

  /** Waits for a part of the chunk. @throws {VtError} ECANCELLED if the signal fires */
  async part(start: number, end: number, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    throwIfCancelled(signal);
    const data = await this.#waitersOf(signal);
    return data?.subarray(start - this.start, end - this.start);
  }

  /** One promise per signal, since thousands of reads may share a signal. */
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
