import { errorCode, errorText } from '../base/system/system-error.ts';
import type { FolderMonitor, WatchOptions } from '../monitor/folder-monitor.ts';
import type { Followed } from './followed.ts';

/** Milliseconds without watches after a flood of events. Rounds find changes all the same. */
const UNWATCHED_MS = 120_000;

interface FoldersOptions {
  readonly followed: Followed;
  readonly monotonicMs: () => number;
  /** Called when something may have changed. */
  readonly onEvent: () => void;
  /** Called after too many events: for a while there will be none. */
  readonly onFlood: () => void;
  /** Called when the system cannot report some changes. */
  readonly onTrouble: (trouble: string) => void;
}

/** Watches the folders of followed paths, and tells them where something may have changed. */
export class FollowedFolders {
  readonly #options: FoldersOptions;
  #monitor: FolderMonitor | undefined;
  #watched = '';
  /** Nothing is watched until then. */
  #unwatchedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: FoldersOptions) {
    this.#options = options;
  }

  /** Whether watches are paused after a flood. Rounds then run at the pace of a steady stream of events. */
  get isUnwatched(): boolean {
    return this.#options.monotonicMs() < this.#unwatchedUntilMs;
  }

  /** Watches the present folders; they may differ from those of the last call. */
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
      // Without `isDeep` every round looks at every file, so pausing the watch misses nothing.
      ...(followed.isDeep ? {} : { onFlood: () => this.#unwatch() }),
      onError: (error) => onTrouble(monitorTrouble(error, followed.isDeep)),
    };
    // A whole tree needs every name that the system reports; for a few polled files a hint is enough.
    this.#monitor = followed.isDeep
      ? await (await import('../monitor/folder-monitor.ts')).watchPaths(folders, { ...options, deep: true })
      : await (await import('../monitor/entry-monitor.ts')).watchEntries(folders, options);
    await this.#monitor.ready;
  }

  /** Stops watching. */
  async close(): Promise<void> {
    await this.#monitor?.[Symbol.asyncDispose]();
  }

  /** Pauses watching after a flood: rounds run by the clock. */
  #unwatch(): void {
    this.#unwatchedUntilMs = this.#options.monotonicMs() + UNWATCHED_MS;
    this.#monitor = undefined;
    this.#watched = '';
    this.#options.onFlood();
  }
}

/** The message for changes that the system does not report. */
function monitorTrouble(error: unknown, isDeep: boolean): string {
  const meaning = isDeep
    ? 'what the system does not tell of is found by the next look at all of it (--rescan)'
    : 'files are looked at every second all the same';
  const reason =
    errorCode(error) === 'ENOSPC' ? 'the system watches no more directories (sysctl fs.inotify.max_user_watches)' : errorText(error);
  return `${reason}; ${meaning}`;
}
