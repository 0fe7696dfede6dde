import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { formatDirent } from '../dirent/dirent-text.ts';

/**
 * The newest state of an archive, for many concurrent requests. A request gets the result of a read that began after it, so the state is
 * never outdated. Requests during a read share the next one. An archive whose stamp is unchanged is not read again.
 */
export class NewestState {
  readonly #archive: Pick<Archive, 'last' | 'stamp'>;
  /** The last read entry, and the archive's stamp before that read. */
  #known: { readonly stamp: string; readonly entry: ArchiveEntry | undefined; readonly root: string | undefined } | undefined;
  #running: Promise<unknown> | undefined;
  #next: Promise<ArchiveEntry | undefined> | undefined;

  constructor(archive: Pick<Archive, 'last' | 'stamp'>) {
    this.#archive = archive;
  }

  /** Gives the newest entry; undefined if nothing is recorded. */
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

  /** Whether a root is known to be the newest, without waiting. @param root - as text */
  isKnown(root: string): boolean {
    return this.#known?.root === root && this.#known.stamp === this.#archive.stamp?.();
  }
}
