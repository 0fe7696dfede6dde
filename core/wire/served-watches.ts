import { VtError } from '../base/errors.ts';
import type { ArchiveByName } from './entry-requests.ts';
import { archiveOf } from './entry-requests.ts';
import { MAX_WATCHED } from './limits.ts';
import { decodeTextAnd } from './payload.ts';
import type { Reply } from './reply.ts';

/** Archives that one client watches. A watch reports one change; then the client asks again, so that a slow client gets no backlog. */
export class ServedWatches {
  readonly #watched = new Map<string, () => void>();
  readonly #client: { readonly signal: AbortSignal; readonly tellNews: (archive: string) => void };

  constructor(client: { readonly signal: AbortSignal; readonly tellNews: (archive: string) => void }) {
    this.#client = client;
    client.signal.addEventListener('abort', () => {
      for (const end of this.#watched.values()) end();
    });
  }

  /** Starts a watch; answers no if the archive cannot be watched. @throws {VtError} ELOCKED if the client watches too many */
  answer(archives: ArchiveByName, payload: Uint8Array): Reply {
    const { text: name } = decodeTextAnd(payload);
    if (this.#watched.has(name)) return { isDone: true, yes: true };
    if (this.#watched.size >= MAX_WATCHED) throw new VtError('ELOCKED', `watch archive "${name}": ${MAX_WATCHED} are watched already`);
    const end = archiveOf(archives, name).watch?.(() => {
      end?.();
      this.#watched.delete(name);
      this.#client.tellNews(name);
    });
    if (end !== undefined) this.#watched.set(name, end);
    return { isDone: true, yes: end !== undefined };
  }
}
