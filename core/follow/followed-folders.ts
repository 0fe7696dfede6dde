import { errorCode, errorText } from '../base/system/system-error.ts';
import type { FolderMonitor, WatchOptions } from '../monitor/folder-monitor.ts';
import type { Followed } from './followed.ts';

/** How long nobody listens for changes after there were too many: milliseconds. Rounds find them all the same. */
const UNWATCHED_MS = 120_000;

interface FoldersOptions {
  readonly followed: Followed;
  readonly monotonicMs: () => number;
  /** Something may have changed. */
  readonly onEvent: () => void;
  /** There were too many events: for a while there will be none. */
  readonly onFlood: () => void;
  /** The system does not report some changes. */
  readonly onTrouble: (trouble: string) => void;
}

/** Watches the folders of what is followed, and says what is followed where something may have changed. */
export class FollowedFolders {
  readonly #options: FoldersOptions;
  #monitor: FolderMonitor | undefined;
  #watched = '';
  /** Until then events are not watched. */
  #unwatchedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: FoldersOptions) {
    this.#options = options;
  }

  /** Whether there were too many events of late: rounds follow each other as if one came all the time. */
  get isUnwatched(): boolean {
    return this.#options.monotonicMs() < this.#unwatchedUntilMs;
  }

  /** Watches the folders, which may be others than before. */
  async watch(): Promise<void> {
    const { followed, onEvent, onTrouble } = this.#options;
    const folders = followed.folders;
    const key = folders.join('\0');
    if (this.isUnwatched) return;
    if (key === this.#watched) {
      await this.#monitor?.renew();
      return;
    }
    this.#watched = key;
    await this.close();
    const options: Omit<WatchOptions, 'deep'> = {
      concerns: (path) => followed.concerns(path),
      onChange: (path) => {
        followed.note(path);
        onEvent();
      },
      onMissed: (directory) => {
        if (directory === undefined) followed.note(undefined);
        else followed.noteEntries(directory);
        onEvent();
      },
      // Where every look is at everything, nothing is missed without.
      ...(followed.isDeep ? {} : { onFlood: () => this.#unwatch() }),
      onError: (error) => onTrouble(monitorTrouble(error, followed.isDeep)),
    };
    // A whole tree needs every name that the system reports; a few files that are polled anyway need a hint.
    this.#monitor = followed.isDeep
      ? await (await import('../monitor/folder-monitor.ts')).watchPaths(folders, { ...options, deep: true })
      : await (await import('../monitor/entry-monitor.ts')).watchEntries(folders, options);
    await this.#monitor.ready;
  }

  /** Watches nothing any more. */
  async close(): Promise<void> {
    await this.#monitor?.[Symbol.asyncDispose]();
  }

  /** Goes by the clock for a while. */
  #unwatch(): void {
    this.#unwatchedUntilMs = this.#options.monotonicMs() + UNWATCHED_MS;
    this.#monitor = undefined;
    this.#watched = '';
    this.#options.onFlood();
  }
}

/** What it means that the system does not report changes. */
function monitorTrouble(error: unknown, isDeep: boolean): string {
  const meaning = isDeep
    ? 'what the system does not tell of is found by the next look at all of it (--rescan)'
    : 'files are looked at every second all the same';
  const reason =
    errorCode(error) === 'ENOSPC' ? 'the system watches no more directories (sysctl fs.inotify.max_user_watches)' : errorText(error);
  return `${reason}; ${meaning}`;
}
