import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { formatDirent } from '../dirent/dirent-text.ts';

/**
 * The newest state of an archive, for many requests at a time. A request gets the result of a read that began after it, so none gets
 * an outdated state. Requests during a read share the next one. An archive that can tell at once that it is unchanged is not read again.
 */
export class NewestState {
  readonly #archive: Pick<Archive, 'last' | 'stamp'>;
  /** What was read last, and how the archive was before. */
  #known: { readonly stamp: string; readonly entry: ArchiveEntry | undefined; readonly root: string | undefined } | undefined;
  #running: Promise<unknown> | undefined;
  #next: Promise<ArchiveEntry | undefined> | undefined;

  constructor(archive: Pick<Archive, 'last' | 'stamp'>) {
    this.#archive = archive;
  }

  /** Undefined where nothing is recorded. */
  async get(): Promise<ArchiveEntry | undefined> {
    if (this.#known !== undefined && this.#known.stamp === this.#archive.stamp?.()) return this.#known.entry;
    this.#next ??= this.#afterRunning();
    return await this.#next;
  }

  async #afterRunning(): Promise<ArchiveEntry | undefined> {
    await this.#running?.catch(() => undefined);
    this.#next = undefined;
    const stamp = this.#archive.stamp?.();
    const read = this.#archive.last();
    this.#running = read;
    const entry = await read;
    this.#known = stamp === undefined ? undefined : { stamp, entry, root: entry && formatDirent(entry.dirent) };
    return entry;
  }

  /** Whether a root is that of the newest state, as far as that is known at once. @param root - its text */
  isKnown(root: string): boolean {
    return this.#known?.root === root && this.#known.stamp === this.#archive.stamp?.();
  }
}
