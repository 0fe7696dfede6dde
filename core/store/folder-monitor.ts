import { dirname } from 'node:path';
import type { FSWatcher } from 'chokidar';
import type { Octets } from '../base/octets.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';

/** Events within this time ring once: a program that writes a tree makes many. Milliseconds. */
const GATHER_MS = 50;

/** A watch over a folder. */
export interface FolderMonitor extends AsyncDisposable {
  /** Resolves once changes are seen. */
  readonly ready: Promise<void>;
}

/**
 * Watches a folder and all below it. It rings: something may have changed. What did, and whether it is whole, is for
 * the one who looks to find out.
 *
 * @param onRing - called after a change, not while another call of it is under way
 * @param onError - told of what keeps it from seeing changes, as too many folders for the system
 */
export async function watchFolder(folder: string, onRing: () => Promise<void>, onError: (error: unknown) => void): Promise<FolderMonitor> {
  const { watch } = await import('chokidar');
  const watcher: FSWatcher = watch(folder, { ignoreInitial: true, followSymlinks: false, ignorePermissionErrors: true });
  const bell = new Bell(onRing, onError);
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', () => resolve());
  });
  watcher.on('all', () => bell.ring());
  watcher.on('error', onError);
  return {
    ready,
    async [Symbol.asyncDispose]() {
      await watcher.close();
      await bell.end();
    },
  };
}

export interface WatchOptions {
  /** All below the folders, too; else their entries alone. */
  readonly deep: boolean;
  /** Whether a path is of interest; what is not costs no watch. */
  readonly concerns: (path: Octets) => boolean;
  /** Told of each path at which something may have changed, as often as it is seen. */
  readonly onChange: (path: Octets) => void;
  readonly onError: (error: unknown) => void;
  /** Called where changes come so fast that hearing of them is all that this thread would do: nothing is watched any more then. */
  readonly onFlood?: (() => void) | undefined;
}

/**
 * Changes in a second that are a flood. Each costs a third of a millisecond, and the system gives all there are before anything else is
 * done: 80,000 a second left nothing else to be done for 9 s.
 */
const FLOOD = 300;

/** Watches folders for changes of single paths. Names that are not UTF-8 come as the folder that they stand in. */
export async function watchPaths(folders: readonly Octets[], options: WatchOptions): Promise<FolderMonitor> {
  const { watch } = await import('chokidar');
  const watcher: FSWatcher = watch(
    folders.map((folder) => octetsToText(folder)),
    {
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      ...(options.deep ? {} : { depth: 0 }),
      ignored: (path) => !options.concerns(octetsFromText(path)),
    },
  );
  watcher.on('all', (_event, path) => options.onChange(octetsFromText(path.includes('\ufffd') ? dirname(path) : path)));
  watcher.on('error', options.onError);
  const { onFlood } = options;
  if (onFlood !== undefined) {
    let sinceMs = performance.now();
    let events = 0;
    watcher.on('raw', () => {
      if (++events < FLOOD) return;
      const nowMs = performance.now();
      const isFlood = nowMs - sinceMs < 1000;
      sinceMs = nowMs;
      events = 0;
      if (!isFlood) return;
      watcher.close().catch(options.onError);
      onFlood();
    });
  }
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', () => resolve());
  });
  return { ready, [Symbol.asyncDispose]: async () => await watcher.close() };
}

/** Gathers rings, and answers them one after the other. */
class Bell {
  readonly #onRing: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #answering: Promise<void> | undefined;
  #rang = false;
  #isOver = false;

  constructor(onRing: () => Promise<void>, onError: (error: unknown) => void) {
    this.#onRing = onRing;
    this.#onError = onError;
  }

  ring(): void {
    if (this.#isOver) return;
    this.#rang = true;
    if (this.#timer !== undefined || this.#answering !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#answer();
    }, GATHER_MS).unref();
  }

  #answer(): void {
    this.#rang = false;
    this.#answering = this.#onRing()
      .catch(this.#onError)
      .finally(() => {
        this.#answering = undefined;
        if (this.#rang) this.ring();
      });
  }

  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#answering;
  }
}
