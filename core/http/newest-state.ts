import type { ArchiveEntry } from '../archive/archive.ts';

/**
 * The newest state of an archive, for many who ask at a time. Whoever asks gets what a read gives that began later, so nobody gets a
 * state that was passed before; those who ask during a read share the next one.
 */
export class NewestState {
  readonly #read: () => Promise<ArchiveEntry | undefined>;
  #running: Promise<unknown> | undefined;
  #next: Promise<ArchiveEntry | undefined> | undefined;

  /** @param read - reads it from the archive */
  constructor(read: () => Promise<ArchiveEntry | undefined>) {
    this.#read = read;
  }

  /** Undefined where nothing is recorded. */
  async get(): Promise<ArchiveEntry | undefined> {
    this.#next ??= this.#afterRunning();
    return await this.#next;
  }

  async #afterRunning(): Promise<ArchiveEntry | undefined> {
    await this.#running?.catch(() => undefined);
    this.#next = undefined;
    const read = this.#read();
    this.#running = read;
    return await read;
  }
}
