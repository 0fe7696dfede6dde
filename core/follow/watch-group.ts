import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { Beneath } from '../base/system/beneath.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import type { EdgeScanner } from '../blockify/edge-scanner.ts';
import type { Ingest } from '../blockify/ingest/ingest.ts';
import { IngestOnDemand } from '../blockify/ingest/ingest-on-demand.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { encodeDirent } from '../dirent/dirent-codec.ts';
import { formatDirent, parseDirent } from '../dirent/dirent-text.ts';
import type { NameFilter } from '../filter/name-filter.ts';
import { importLocal } from '../import/import.ts';
import { metaOf } from '../import/import-meta.ts';
import type { ImportOptions } from '../import/import-options.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import { direntBelow } from '../tree/lookup-below.ts';
import type { TreePath } from '../tree/path.ts';
import { baseName } from '../tree/path.ts';
import type { Tree } from '../tree/tree.ts';
import { isDamage } from '../tree/walk.ts';
import type { TailMark } from './checkpoint.ts';
import { base64, fromBase64 } from './checkpoint.ts';
import type { Followed, FollowedCounts } from './followed.ts';
import { GrownFiles } from './grown-files.ts';
import { namesIn, parentOf } from './local-pattern.ts';
import { Retries } from './retries.ts';
import { statOfItself } from './stat-of.ts';
import { isLinked, StoredSide } from './stored-side.ts';
import { WatchRules } from './watch-rules.ts';

/** Paths that change in one round beyond which all is looked at. */
const MAX_DIRTY = 10_000;

/** Files below this size are read in this thread: octets. */
const LARGE_SIZE = 4 * 1024 * 1024;

export interface WatchOptions {
  readonly store: Store;
  readonly tree: Tree;
  /** Absolute, without a trailing slash. */
  readonly folder: Octets;
  readonly target: TreePath;
  readonly scanner: EdgeScanner;
  readonly owners: OwnerNames;
  /** How all of it is imported. */
  readonly imports: Pick<ImportOptions, 'isStoreFolder' | 'parser' | 'oneFilesystem'>;
  /** Which names count; default all. */
  readonly filter?: NameFilter | undefined;
  /** Of files that had grown, where an earlier process ended. */
  readonly marks?: readonly TailMark[] | undefined;
  /** Between two looks at all of it: milliseconds. */
  readonly rescanMs: number;
  /** Starts the workers that take in what is much of a file that has grown. */
  readonly makeIngest: () => Ingest;
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: string) => void;
}

type Node = Exclude<Dirent, IndirectDirent>;

/** What stands at a path, and what below it could not be read. */
interface Found {
  readonly dirent: Node;
  readonly failed: readonly Octets[];
  /** A node of it has other names elsewhere. */
  readonly isLinkedBeyond: boolean;
}

/** Something to be done to the tree, for one path. */
interface Change {
  readonly path: Octets;
  readonly make: () => Promise<void>;
}

/**
 * A whole local tree, kept as PUT would store it: what changes is looked at alone, and all of it now and then. What fails is tried
 * again later, and keeps nothing else waiting; the tree keeps what it has of it.
 */
export class WatchGroup implements Followed {
  readonly folders: readonly Octets[];
  readonly isDeep = true;
  readonly #options: WatchOptions;
  readonly #ingest: IngestOnDemand;
  readonly #grown: GrownFiles;
  readonly #rules: WatchRules | undefined;
  #dirty = new Set<Octets>();
  /** Directories of which any entry may have changed. */
  #unlisted = new Set<Octets>();
  #scansAll = true;
  #scannedMs = Number.NEGATIVE_INFINITY;
  /** What is to be brought into the tree, in order. */
  #changes: Change[] = [];
  readonly #retries: Retries;
  readonly #stored: StoredSide;
  #files = 0;
  #size = 0;
  #newBytes = 0;
  #readBytes = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.folders = [options.folder];
    this.#retries = new Retries('watch', options.onNotice, options.monotonicMs);
    this.#stored = new StoredSide(options);
    this.#rules = options.filter === undefined ? undefined : new WatchRules(options.filter, options.folder);
    this.#ingest = new IngestOnDemand(options.makeIngest, options.monotonicMs);
    this.#grown = new GrownFiles(options.store, options.scanner, this.#ingest, options.monotonicMs);
    for (const { path, dirent, files, stable, isDeaf, parsing } of options.marks ?? []) {
      const kept = parseDirent(dirent);
      const [file] = files;
      if (kept.kind === 'file' && file !== undefined)
        this.#grown.remember(fromBase64(path), { block: kept.block, point: { stable, isDeaf, parsing }, file });
    }
  }

  concerns(path: Octets): boolean {
    const { folder, store } = this.#options;
    if (path !== folder && !path.startsWith(folder === '/' ? '/' : `${folder}/`)) return false;
    if (this.#rules?.mayCount(path) === false) return false;
    const text = octetsToText(path);
    return !(capability(store, 'folders') ?? []).some((own) => text === own || text.startsWith(`${own}/`));
  }

  note(path: Octets | undefined): void {
    if (path === undefined || this.#rules?.isRuleFile(path) === true) this.#scansAll = true;
    else if (this.#dirty.size < MAX_DIRTY) this.#dirty.add(path);
    else this.#scansAll = true;
  }

  noteEntries(directory: Octets): void {
    this.#unlisted.add(directory);
  }

  async look(options: OpOptions): Promise<boolean> {
    const nowMs = this.#options.monotonicMs();
    for (const path of this.#retries.due()) this.#dirty.add(path);
    const unlisted = this.#unlisted;
    this.#unlisted = new Set();
    for (const directory of unlisted) if (!this.#scansAll) await this.#noteNames(directory, options);
    const dirty = [...this.#dirty].sort();
    this.#dirty = new Set();
    this.#rules?.forget();
    try {
      if (!this.#scansAll && nowMs - this.#scannedMs < this.#options.rescanMs) await this.#lookAt(dirty, options);
      if (this.#scansAll || this.#options.monotonicMs() - this.#scannedMs >= this.#options.rescanMs) await this.#scan(options);
    } catch (error) {
      for (const path of dirty) this.#dirty.add(path);
      throw error;
    }
    this.#grown.rest();
    await this.#ingest.rest();
    return this.#changes.length > 0;
  }

  async flush(options: OpOptions): Promise<void> {
    await this.#grown.flush(options);
  }

  async bind(): Promise<void> {
    for (let change = this.#changes[0]; change !== undefined; change = this.#changes[0]) {
      try {
        await change.make();
        this.#retries.clear(change.path);
      } catch (error) {
        this.#retries.fail(change.path, error);
      }
      this.#changes.shift();
    }
  }

  get trouble(): string | undefined {
    return this.#retries.text;
  }

  marks(): TailMark[] {
    // What put remembers of each file is all that is needed of others.
    return [...this.#grown.points()].map(([path, { block, point, file }]) => ({
      path: base64(path),
      name: base64(this.#stored.pathOf(path)),
      ...point,
      dirent: formatDirent({ kind: 'file', name: baseName(this.#stored.pathOf(path)), meta: {}, block }),
      files: [file],
      done: [],
    }));
  }

  noteRecorded(): void {
    // The tree itself tells what it has of each file.
  }

  counts(): FollowedCounts {
    const absent = statOfItself(this.#options.folder) === undefined ? 1 : 0;
    return {
      files: this.#files,
      absent,
      size: this.#size,
      newBytes: this.#newBytes,
      readBytes: this.#readBytes,
      unreadBytes: 0,
      rotations: 0,
    };
  }

  async close(): Promise<void> {
    this.#grown.close();
    await this.#ingest.close();
  }

  /** Imports what stands at a path. @param entry - where the system reaches it @returns it, and what of it could not be read */
  async #import(path: Octets, entry: Octets, size: number, options: OpOptions): Promise<Found> {
    const { store, tree, imports } = this.#options;
    const failed: Octets[] = [];
    const { dirent, counts, isLinkedBeyond } = await importLocal(store, entry, {
      ...imports,
      ...options,
      stored: async (below) => await direntBelow(tree, this.#stored.pathOf(path), below, options),
      filter: this.#rules?.within(path),
      ...(size < LARGE_SIZE ? { workers: 0 } : {}),
      onFailure: (at, error) => {
        if (isReplaced(error)) return;
        const below = `${path}${at.slice(entry.length)}` as Octets;
        failed.push(below);
        this.#retries.failFor(below, errorReason(error));
      },
    });
    const read = counts.bytes - counts.unchangedBytes;
    this.#newBytes += read;
    this.#readBytes += read;
    if (path === this.#options.folder) {
      this.#files = counts.files;
      this.#size = counts.bytes;
    }
    return { dirent: { ...dirent, name: baseName(this.#stored.pathOf(path)) }, failed, isLinkedBeyond };
  }

  async #scan(options: OpOptions): Promise<void> {
    const { folder, target, tree, store, monotonicMs } = this.#options;
    const stat = statOfItself(folder);
    // Unmounted, perhaps: what was stored stays.
    if (stat === undefined) return;
    if (!stat.isDirectory()) {
      this.#retries.failFor(folder, 'it is no directory any more');
      return;
    }
    // What the last one remembered of the files can be read from now on.
    await store.flush(options);
    this.#rules?.forget();
    const before = this.#retries.paths();
    let found: Found;
    try {
      found = await this.#import(folder, folder, LARGE_SIZE, options);
    } catch (error) {
      this.#retries.fail(folder, error);
      return;
    }
    const { dirent, failed } = found;
    for (const path of before) if (!failed.includes(path)) this.#retries.clear(path);
    this.#scansAll = false;
    this.#scannedMs = monotonicMs();
    this.#changes = [];
    try {
      const isThere = (await tree.lookup(target, { follow: false, ...options })) !== undefined;
      if (isThere && Buffer.compare(encodeDirent(await tree.dirent(target, options)), encodeDirent(dirent)) === 0) return;
      this.#changes.push({ path: folder, make: async () => await tree.bind(target, dirent, options) });
    } catch (error) {
      if (!isDamage(error)) throw error;
      // What is stored cannot be read: it is replaced.
      this.#changes.push({ path: folder, make: async () => await tree.bind(target, dirent, options) });
    }
  }

  /** Notes each name in a directory, here or in the tree. One that the tree has not is taken in as a whole. */
  async #noteNames(directory: Octets, options: OpOptions): Promise<void> {
    this.note(directory);
    const at = this.#stored.pathOf(directory);
    if (!(await this.#stored.areDirs(at, options))) return;
    for (const name of namesIn(directory)) this.note(`${directory}/${name}` as Octets);
    for await (const { name } of this.#options.tree.list(at, options)) this.note(`${directory}/${name}` as Octets);
  }

  async #lookAt(dirty: readonly Octets[], options: OpOptions): Promise<void> {
    const parents = new Set<Octets>();
    const looked = new Set<Octets>();
    const { folder } = this.#options;
    using beneath = new Beneath(folder);
    let whole: Octets | undefined;
    for (const noted of dirty) {
      // All below a folder that was taken in as a whole came with it.
      if (whole !== undefined && noted.startsWith(`${whole}/`)) continue;
      let path = noted;
      try {
        path = await this.#placeOf(noted, beneath, options);
        if (path !== noted && (await this.#stored.hasOtherNames(noted, options))) this.#scansAll = true;
        if (this.#scansAll) return;
        if (looked.has(path)) continue;
        looked.add(path);
        const before = this.#changes.length;
        const found = await this.#lookAtOne(path, beneath, options);
        if (this.#changes.length === before) this.#retries.clear(path);
        if (path !== noted) this.#retries.clear(noted);
        if (found === 'same') continue;
        if (path !== folder) parents.add(parentOf(path));
        if (found === 'whole') whole = path;
      } catch (error) {
        this.#retries.fail(path, error);
      }
      if (this.#scansAll) return;
    }
    for (const parent of [...parents].sort().reverse())
      this.#changes.push({ path: parent, make: async () => await this.#stored.setDirMeta(parent, options) });
  }

  /** The path, or the nearest one above it that is no directory any more, here or in the tree: then that has changed. */
  async #placeOf(path: Octets, beneath: Beneath, options: OpOptions): Promise<Octets> {
    const { folder, tree } = this.#options;
    const entry = beneath.entry(path);
    const last = typeof entry === 'string' ? path : entry.notDirectory;
    for (let end = folder.length; end !== -1 && end < last.length; end = path.indexOf('/', end + 1)) {
      const above = path.slice(0, end) as Octets;
      if ((await tree.lookup(this.#stored.pathOf(above), { follow: false, ...options }))?.dirent.kind !== 'dir') return above;
    }
    return last;
  }

  async #lookAtOne(path: Octets, beneath: Beneath, options: OpOptions): Promise<'whole' | 'same' | undefined> {
    const { tree, folder, target } = this.#options;
    const at = this.#stored.pathOf(path);
    const entry = beneath.entry(path);
    const stat = typeof entry === 'string' ? statOfItself(entry) : undefined;
    const stored = await tree.lookup(at, { follow: false, ...options });
    // What was done to a node by a name that is gone nobody tells of its other names.
    if (isLinked(stored)) this.#scansAll = true;
    if (stat === undefined || typeof entry !== 'string') {
      this.#grown.drop(path);
      if (stored !== undefined && at !== target) this.#changes.push({ path, make: async () => await this.#stored.remove(at, options) });
      return undefined;
    }
    if (this.#rules?.excludes(path, stat.isDirectory()) === true) {
      // Another kind of node had the name, and was not excluded.
      if (stored !== undefined) this.#changes.push({ path, make: async () => await this.#stored.remove(at, options) });
      return undefined;
    }
    if (stat.isDirectory() && stored?.dirent.kind === 'dir') {
      this.#changes.push({ path, make: async () => await this.#stored.setDirMeta(path, options) });
      return undefined;
    }
    // Names of one node are found together only; and the top is all.
    if (path === folder || isLinked(stored) || (stat.nlink > 1n && !stat.isDirectory())) {
      this.#scansAll = true;
      return undefined;
    }
    const grown =
      stored?.dirent.kind === 'file' && stat.isFile() ? await this.#grown.look(path, entry, stored.dirent, stat, options) : undefined;
    if (grown === 'same') return 'same';
    if (grown !== undefined) {
      this.#newBytes += grown.bytes;
      this.#readBytes += grown.readBytes;
      const meta = metaOf(grown.stat, this.#options.owners, grown.xattrs);
      const dirent: Node = { kind: 'file', name: baseName(at), meta, block: grown.block };
      this.#changes.push({ path, make: async () => await tree.bind(at, dirent, options) });
      return undefined;
    }
    try {
      const { dirent, isLinkedBeyond } = await this.#import(path, entry, stat.isDirectory() ? LARGE_SIZE : Number(stat.size), options);
      // Names of one node are found together only, by a look at all.
      if (isLinkedBeyond || (dirent.kind === 'dir' && dirent.inodes !== undefined)) {
        this.#scansAll = true;
        return undefined;
      }
      this.#changes.push({ path, make: async () => await tree.bind(at, dirent, options) });
    } catch (error) {
      if (!isReplaced(error)) throw error;
    }
    return stat.isDirectory() ? 'whole' : undefined;
  }
}

/** Whether what was to be read is gone, or something else has its name: that is told of by itself. */
function isReplaced(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '');
}
