import type { BigIntStats, FSWatcher } from 'node:fs';
import { lstatSync, readdirSync, statSync, watch } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsFromText } from '../base/octets.ts';
import { errorCode, pathBytes } from '../base/system/system-error.ts';

/** Events within this time count as one: a program that writes a tree makes many. Milliseconds. */
const GATHER_MS = 50;

/** How long directories are added before anything else gets a turn: milliseconds. */
const TURN_MS = 8;

/**
 * Events that come in one turn beyond which some may have been lost: half of what the system keeps for a process where nobody says
 * otherwise (fs.inotify.max_queued_events). What is beyond that it drops without a word that would reach us.
 */
const MAX_TURN_EVENTS = 8192;

/** Changes in a second that are a flood: each costs some 10 µs, and the system gives all there are before anything else is done. */
const FLOOD = 5000;

/** A watch over folders. */
export interface FolderMonitor extends AsyncDisposable {
  /** Resolves once changes are seen. */
  readonly ready: Promise<void>;
  /** Watches folders that have come, or come back, since. */
  renew(): Promise<void>;
}

export interface WatchOptions {
  /** All below the folders, too; else their entries alone. */
  readonly deep: boolean;
  /** Whether a path is of interest; a directory that is not costs no watch. */
  readonly concerns: (path: Octets) => boolean;
  /** Called with each path at which something may have changed, as often as it is seen. */
  readonly onChange: (path: Octets) => void;
  /** Called where changes may have been missed: of the entries of a directory any may have changed; without one anything. */
  readonly onMissed: (directory?: Octets) => void;
  readonly onError: (error: unknown) => void;
  /** Called where changes come so fast that reading them is all that this thread would do: nothing is watched any more then. */
  readonly onFlood?: (() => void) | undefined;
}

/**
 * Watches a folder and all below it, and says that something may have changed. The caller finds out what did, and whether it is whole.
 *
 * @param onEvents - called after a change, not while another call of it is in progress
 * @param onError - called with what keeps it from seeing changes, as too many folders for the system
 */
export async function watchFolder(
  folder: string,
  onEvents: () => Promise<void>,
  onError: (error: unknown) => void,
): Promise<FolderMonitor> {
  const gatherer = new EventGatherer(onEvents, onError);
  const note = (): void => gatherer.note();
  const options = { deep: true, concerns: () => true, onChange: note, onMissed: note, onError };
  const monitor = await watchPaths([octetsFromText(folder)], options);
  return {
    ready: monitor.ready,
    renew: async () => await monitor.renew(),
    async [Symbol.asyncDispose]() {
      await monitor[Symbol.asyncDispose]();
      await gatherer.end();
    },
  };
}

/**
 * Watches folders for changes of single paths. Each directory has a watch of its own, which tells the names that changed in it.
 * Such a name may be a dangling symlink, a device, or gone.
 */
export async function watchPaths(folders: readonly Octets[], options: WatchOptions): Promise<FolderMonitor> {
  const watches = new DirectoryWatches(folders, options);
  const ready = watches.renew();
  return await Promise.resolve({
    ready,
    renew: async () => {
      await ready;
      await watches.renew();
    },
    [Symbol.asyncDispose]: async () => {
      watches.close();
      await ready;
    },
  });
}

/** A directory that is watched. */
interface Watched {
  readonly watcher: FSWatcher;
  /** Directories in it that are watched. */
  readonly below: Set<Octets>;
  readonly dev: bigint;
  readonly ino: bigint;
}

class DirectoryWatches {
  readonly #folders: readonly Octets[];
  readonly #options: WatchOptions;
  readonly #watched = new Map<Octets, Watched>();
  #hasFailed = false;
  #isClosed = false;
  #isFirst = true;
  #turnEvents = 0;
  #secondEvents = 0;
  #secondMs = performance.now();

  constructor(folders: readonly Octets[], options: WatchOptions) {
    this.#folders = folders;
    this.#options = options;
  }

  /** Watches the folders, where they are other directories than before, or were none. */
  async renew(): Promise<void> {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    for (const folder of this.#folders) {
      const stat = statOf(folder, true);
      const known = this.#watched.get(folder);
      if (known !== undefined && stat !== undefined && isSame(known, stat)) continue;
      this.#drop(folder);
      if (stat?.isDirectory() !== true) continue;
      await this.#addTree(folder);
      if (!isFirst) this.#options.onMissed();
    }
  }

  /** Watches a folder, and all below it if that is asked for, giving others a turn. */
  async #addTree(folder: Octets): Promise<void> {
    let turnEnds = performance.now() + TURN_MS;
    const ahead = [folder];
    for (let path = ahead.pop(); path !== undefined && !this.#isClosed; path = ahead.pop()) {
      if (this.#add(path) && this.#options.deep) for (const below of directoriesIn(path)) ahead.push(below);
      if (performance.now() < turnEnds) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turnEnds = performance.now() + TURN_MS;
    }
  }

  /** Watches a directory. @returns whether it was not watched before */
  #add(path: Octets): boolean {
    const isFolder = this.#folders.includes(path);
    const stat = statOf(path, isFolder);
    const known = this.#watched.get(path);
    if (stat?.isDirectory() !== true || (known !== undefined && isSame(known, stat))) return false;
    this.#drop(path);
    if (!isFolder && !this.#options.concerns(path)) return false;
    const watcher = this.#watch(path);
    if (watcher === undefined) return false;
    const now = statOf(path, isFolder);
    // Another has its name by now, which is an event.
    if (now === undefined || !isSame(stat, now)) {
      watcher.close();
      return false;
    }
    this.#watched.set(path, { watcher, below: new Set(), dev: stat.dev, ino: stat.ino });
    this.#watched.get(parentOf(path))?.below.add(path);
    return true;
  }

  #watch(path: Octets): FSWatcher | undefined {
    try {
      const watcher = watch(pathBytes(path), { encoding: 'buffer' }, (event, name) => this.#noteEvent(path, event, name));
      watcher.on('error', (error) => this.#fail(error));
      return watcher;
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes(errorCode(error) ?? '')) this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onError(error);
  }

  #noteEvent(directory: Octets, event: string, name: Buffer | null): void {
    if (this.#isClosed || this.#isFlood()) return;
    const { onChange, concerns, deep } = this.#options;
    if (name === null) {
      onChange(directory);
      return;
    }
    const entry = octetsFromBytes(name);
    // What happens to the directory itself comes under its own name: it may be gone, and another have its name and number.
    if (directory.endsWith(`/${entry}`)) {
      if (event === 'rename') {
        this.#drop(directory);
        this.#follow(directory);
      }
      onChange(directory);
    }
    const path = `${directory === '/' ? '' : directory}/${entry}` as Octets;
    if (deep && event === 'rename') this.#follow(path);
    if (concerns(path)) onChange(path);
  }

  /**
   * Watches what is a directory now, and all below it. What happened in one before it was watched is not reported, nor is what the system
   * had to report one that was watched under another name.
   */
  #follow(path: Octets): void {
    // Folders that were asked for are renewed by their caller.
    if (this.#folders.includes(path)) return;
    const known = this.#watched.get(path);
    const stat = statOf(path, false);
    // What is done to a node by this name is done to its others, and the name may be gone before anybody looks.
    if (stat !== undefined && !stat.isDirectory() && stat.nlink > 1n) this.#options.onMissed();
    if (known !== undefined && (stat === undefined || !isSame(known, stat))) this.#drop(path);
    const ahead = [path];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      if (!this.#add(next)) continue;
      this.#options.onMissed(next);
      for (const below of directoriesIn(next)) ahead.push(below);
    }
  }

  /** Forgets a directory and all below it. */
  #drop(path: Octets): void {
    this.#watched.get(parentOf(path))?.below.delete(path);
    const ahead = [path];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      const watched = this.#watched.get(next);
      if (watched === undefined) continue;
      watched.watcher.close();
      this.#watched.delete(next);
      for (const each of watched.below) ahead.push(each);
    }
  }

  /** Counts an event. @returns whether nothing is watched any more */
  #isFlood(): boolean {
    const { onFlood, onMissed } = this.#options;
    if (this.#turnEvents++ === 0) {
      setImmediate(() => {
        if (this.#turnEvents > MAX_TURN_EVENTS && !this.#isClosed) onMissed();
        this.#turnEvents = 0;
      });
    }
    if (onFlood === undefined || ++this.#secondEvents < FLOOD) return false;
    const nowMs = performance.now();
    const isFlood = nowMs - this.#secondMs < 1000;
    this.#secondMs = nowMs;
    this.#secondEvents = 0;
    if (!isFlood) return false;
    this.close();
    onFlood();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }
}

function isSame(a: Pick<BigIntStats, 'dev' | 'ino'>, b: Pick<BigIntStats, 'dev' | 'ino'>): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function parentOf(path: Octets): Octets {
  return (path.slice(0, path.lastIndexOf('/')) || '/') as Octets;
}

function statOf(path: Octets, follow: boolean): BigIntStats | undefined {
  try {
    return (follow ? statSync : lstatSync)(pathBytes(path), { bigint: true });
  } catch {
    return undefined;
  }
}

function directoriesIn(path: Octets): Octets[] {
  try {
    return readdirSync(pathBytes(path), { encoding: 'latin1', withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${path === '/' ? '' : path}/${name}` as Octets);
  } catch {
    // It cannot be read, or is gone: the next look at it reports that.
    return [];
  }
}

/** Gathers events, and calls once for those that come together. Calls follow one after the other. */
class EventGatherer {
  readonly #onEvents: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #calling: Promise<void> | undefined;
  #hasNew = false;
  #isOver = false;

  constructor(onEvents: () => Promise<void>, onError: (error: unknown) => void) {
    this.#onEvents = onEvents;
    this.#onError = onError;
  }

  note(): void {
    if (this.#isOver) return;
    this.#hasNew = true;
    if (this.#timer !== undefined || this.#calling !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#call();
    }, GATHER_MS).unref();
  }

  #call(): void {
    this.#hasNew = false;
    this.#calling = this.#onEvents()
      .catch(this.#onError)
      .finally(() => {
        this.#calling = undefined;
        if (this.#hasNew) this.note();
      });
  }

  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#calling;
  }
}
