import type { FSWatcher } from 'chokidar';

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
