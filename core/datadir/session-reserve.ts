import type { StoreReserve } from './store-reserve.ts';

/** Bytes of records that are a change of a session rather than content: they may use the reserve. */
const MAX_CHANGE_SIZE = 64 * 1024;

/** How a session uses the reserve of a datadir: for what it changes, as long as it adds no content. */
export class SessionReserve {
  readonly #reserve: StoreReserve | undefined;
  #addsContent = false;

  /** @param reserve - absent where the Store has none */
  constructor(reserve: StoreReserve | undefined) {
    this.#reserve = reserve;
  }

  /** Runs an append of records. What is small is a change that removes something as often as not: a full disk must not bar it. */
  append<T>(size: number, action: () => T): T {
    if (size > MAX_CHANGE_SIZE) this.#addsContent = true;
    return size > MAX_CHANGE_SIZE ? action() : this.use(action);
  }

  /** See {@link StoreReserve.use}. */
  use<T>(action: () => T): T {
    return this.#reserve === undefined || this.#addsContent ? action() : this.#reserve.use(action);
  }

  /** See {@link StoreReserve.useLater}. */
  async useLater<T>(action: () => Promise<T>): Promise<T> {
    return await (this.#reserve === undefined || this.#addsContent ? action() : this.#reserve.useLater(action));
  }

  /** Gives it up for a change. @returns whether there was some */
  release(): boolean {
    return !this.#addsContent && this.#reserve?.release('change') === true;
  }
}
