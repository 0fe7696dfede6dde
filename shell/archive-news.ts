import type { Archive, ArchiveEntry } from '../core/archive/archive.ts';
import { authorOf } from '../core/archive/author-notes.ts';
import type { ShellSession } from './session/session.ts';

/** Characters of a command or a message that a line shows, at most. */
const MAX_SAID = 60;

type NewsSession = Pick<ShellSession, 'archive' | 'knows'>;

/** Watches what others record in the session's archive while its prompt is open. */
export class ArchiveNews implements Disposable {
  readonly #session: NewsSession;
  #watched: Archive | undefined;
  #endWatch: (() => void) | undefined;
  /** The newest entry that the user knows of; undefined for none. */
  #seen: ArchiveEntry | undefined;
  /** The newest entry found so far, which the user may not know. */
  #newest: ArchiveEntry | undefined;
  /** The running read of the archive; the next one begins after it. */
  #looking: Promise<void> = Promise.resolve();

  constructor(session: NewsSession) {
    this.#session = session;
    this.#watch();
  }

  /** Watches the archive that the session has now. */
  #watch(): void {
    const { archive } = this.#session;
    if (archive === this.#watched) return;
    this.#endWatch?.();
    this.#watched = archive;
    this.#newest = undefined;
    this.#look(archive, (entry) => {
      this.#seen = entry;
    });
    this.#endWatch = archive?.watch?.(() =>
      this.#look(archive, (entry) => {
        this.#newest = entry;
      }),
    );
  }

  /** Reads the newest entry. Errors are left to the next command that reads the archive. */
  #look(archive: Archive | undefined, found: (entry: ArchiveEntry | undefined) => void): void {
    this.#looking = this.#looking
      .then(async () => await archive?.last())
      .then(
        (entry) => {
          if (archive === this.#watched) found(entry);
        },
        () => undefined,
      );
  }

  /** The newest state in one line, if others have recorded it since the last call. Does not wait. */
  take(): string | undefined {
    this.#watch();
    const [newest, seen] = [this.#newest, this.#seen];
    this.#newest = undefined;
    if (newest === undefined || (newest.number === seen?.number && newest.whenNs === seen.whenNs)) return undefined;
    this.#seen = newest;
    // Recorded by this session, or taken in already.
    if (this.#session.knows(newest)) return undefined;
    return newsLine(newest);
  }

  [Symbol.dispose](): void {
    this.#endWatch?.();
    this.#watched = undefined;
  }
}

function newsLine({ number, notes }: ArchiveEntry): string {
  const { host, user, command, message } = authorOf(notes);
  const who = user === undefined || host === undefined ? '' : ` by ${user}@${host}`;
  const said = message ?? command;
  const what = said === undefined ? '' : `: ${said.length > MAX_SAID ? `${said.slice(0, MAX_SAID)}…` : said}`;
  return `new state @${number}${who}${what} (sync merges it)`;
}
