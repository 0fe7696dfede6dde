import type { BigIntStats, FSWatcher } from 'node:fs';
import { lstatSync, readdirSync, statSync, watch } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsFromText } from '../base/octets.ts';
import { errorCode, pathBytes } from '../base/system/system-error.ts';

/** Milliseconds within which events count as one: a program that writes a tree causes many. */
const GATHER_MS = 50;

/** Milliseconds for which directories are added before other tasks get a turn. */
const TURN_MS = 8;

/**
 * Events in one turn of the event loop beyond which some may have been lost. It is half of the default limit for a process
 * (fs.inotify.max_queued_events). The system drops what exceeds the limit, and Node does not report that.
 */
const MAX_TURN_EVENTS = 8192;

/** Changes per second that count as a flood: each costs some 10 µs, and Node delivers all of them before anything else runs. */
const FLOOD = 5000;

/** A watch over folders. */
export interface FolderMonitor extends AsyncDisposable {
  /** Resolves once changes are noticed. */
  readonly ready: Promise<void>;
  /** Starts to watch folders that have appeared or been replaced. */
  renew(): Promise<void>;
}

export interface WatchOptions {
  /** Whether to watch the whole trees; else only the direct entries of the folders. */
  readonly deep: boolean;
  /** Whether a path is of interest; no watch is spent on other directories. */
  readonly concerns: (path: Octets) => boolean;
  /** Called with each path at which something may have changed; repeatedly for repeated changes. */
  readonly onChange: (path: Octets) => void;
  /** Called when changes may have been missed: among the entries of `directory`, or anywhere if it is undefined. */
  readonly onMissed: (directory?: Octets) => void;
  readonly onError: (error: unknown) => void;
  /** Called when changes come so fast that this thread could do nothing else. All watches are closed then. */
  readonly onFlood?: (() => void) | undefined;
}

/**
 * Watches a folder and everything below it, and reports that something may have changed. The caller finds out what changed.
 *
 * @param onEvents - called after a change; calls never overlap
 * @param onError - called with errors that hide changes, such as too many folders for the system's limit
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
 * Watches folders and reports single paths. Each directory has its own watch, which gives the names that changed in it. A reported name may
 * be a dangling symlink, a device, or gone.
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

  /** Watches those folders that are new, or are other directories than before. */
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

  /** Watches a folder, and the tree below it if `deep` is set. Other tasks get turns. */
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
    // Another directory took its name meanwhile; that is an event of its own.
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
    // An event of the directory itself comes under its own name. It may be gone, and another may have its name and inode number.
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
   * Watches a path if it is a directory now, and everything below it. Changes in it before it was watched are not reported, nor are those
   * reported for its former name; so `onMissed` is called.
   */
  #follow(path: Octets): void {
    // The caller renews the top folders.
    if (this.#folders.includes(path)) return;
    const known = this.#watched.get(path);
    const stat = statOf(path, false);
    // A change under one name of a hard link changes its other names, and this name may soon be gone.
    if (stat !== undefined && !stat.isDirectory() && stat.nlink > 1n) this.#options.onMissed();
    if (known !== undefined && (stat === undefined || !isSame(known, stat))) this.#drop(path);
    const ahead = [path];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      if (!this.#add(next)) continue;
      this.#options.onMissed(next);
      for (const below of directoriesIn(next)) ahead.push(below);
    }
  }

  /** Stops watching a directory and everything below it. */
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

  /** Counts an event. @returns whether there was a flood, so that nothing is watched any more */
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
    // It is unreadable or gone: the next look reports that.
    return [];
  }
}

/** Calls once for events that come together. Calls never overlap. */
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
