import type { BigIntStats } from 'node:fs';
import { throwIfCancelled } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import { NO_OWNER_NAMES, systemOwnerNames } from '../base/system/owner-names.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { Block } from '../block/block.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { BothSinks } from '../block/block-sink.ts';
import { parserNamed } from '../blockify/choose-parser.ts';
import type { IntakeCounts } from '../blockify/ingest/block-intake.ts';
import { Ingest } from '../blockify/ingest/ingest.ts';
import { decodeDirent, encodeDirent } from '../dirent/dirent-codec.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import type { ImportMemory } from '../store/capabilities.ts';
import { importMemoryOf } from '../store/import-memory.ts';
import type { Store } from '../store/store.ts';
import { withoutSingles } from '../tree/live/without-singles.ts';
import type { CachedEntry } from './import-cache.ts';
import { CachedDir, CacheWriter, cacheKey } from './import-cache.ts';
import type { FoundNode, ImportContext, NodeCounts, NodePlace, StoredNode } from './import-context.ts';
import { keptOutcome, LEFT_OUT } from './import-context.ts';
import type { EntryOutcome, ImportedDirBlock } from './import-dir.ts';
import { ImportedDir } from './import-dir.ts';
import { importLeaf, importLinked } from './import-leaf.ts';
import { ImportedLinks } from './import-links.ts';
import { kindOfMode, metaOf } from './import-meta.ts';
import { LocalDir } from './local-dir.ts';
import { isReplaced, replacedError } from './node-replaced.ts';
import { OpenDirs } from './open-dirs.ts';
import type { Level } from './open-levels.ts';
import { Levels } from './open-levels.ts';

/** What an import met. */
export interface ImportCounts extends IntakeCounts, Readonly<NodeCounts> {}

/** How far an import is. */
export interface ImportProgress extends ImportCounts {
  /** Octets of `bytes` that are done: read, or unchanged. */
  readonly doneBytes: number;
  /** All is met: `bytes` is what there is to do. */
  readonly isWalked: boolean;
}

export interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Store nothing: look up what would be new. */
  readonly plan?: boolean | undefined;
  /** Given the Blocks of new Dirs as well, so that what is planned can be read. */
  readonly dirs?: BlockSink | undefined;
  /** Record owners by their numbers alone. */
  readonly numericOwners?: boolean | undefined;
  /** Names of owners; default: this machine's. */
  readonly owners?: OwnerNames | undefined;
  /** Do not descend into directories of other filesystems: they become empty Dirs. */
  readonly oneFilesystem?: boolean | undefined;
  /** The rules as they hold in `path`: names that they exclude are left out. */
  readonly filter?: DirFilter | undefined;
  /** Whether a directory is to be left out, with a warning: the Store's own, which may be made while the import runs. */
  readonly isStoreFolder?: ((directory: Pick<BigIntStats, 'dev' | 'ino'>) => boolean) | undefined;
  /** Read every file, whatever is remembered of it. */
  readonly reread?: boolean | undefined;
  /** The name of a parser for all files, or `none`; default: for each the one that fits. */
  readonly parser?: string | undefined;
  /** Keep the MIME type that content is found to have, as `user.mime_type`, where it has none. */
  readonly keepsTypes?: boolean | undefined;
  /** Worker threads, 0 for none; default: one a core, at most 2. */
  readonly workers?: number | undefined;
  /**
   * What is stored of a node below the top so far: it stays where the node cannot be read, but for one that is gone.
   *
   * @param path - from the top, without a slash in front
   */
  readonly stored?: ((path: Octets) => Promise<StoredNode | undefined>) | undefined;
  /**
   * Something that is left out, or stored in a state that was never on disk as a whole.
   *
   * @param isKept - its stored state stays
   */
  readonly onFailure?: ((path: Octets, error: unknown, isKept: boolean) => void) | undefined;
  readonly onWarning?: ((path: Octets, what: string) => void) | undefined;
  /** Called some ten times a second. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

/** What an import gives. */
export interface Imported {
  /** Self-contained, under the local name; its Blocks are added, to be flushed. */
  readonly dirent: StoredNode;
  readonly counts: ImportCounts;
  /** A node below it has other names elsewhere. */
  readonly isLinkedBeyond: boolean;
}

/** How long the walk keeps the thread for itself. A turn of the event loop costs some 10 µs. */
const TURN_MS = 8;

/** Between two reports of progress where the walk itself makes none. */
const PROGRESS_MS = 100;

/** Octets of Dir Blocks and superblocks that wait before they go to the Store. */
const MAX_PENDING_SIZE = 1024 * 1024;

/**
 * Imports a local file or tree: content goes to the Store through one {@link Ingest}, names and metadata into Dirs.
 * Symlinks are recorded, not followed. Files that are as an earlier import left them are not opened.
 *
 * A node that cannot be read is told to `onFailure`, and what `stored` has of it stays; a directory that cannot be listed
 * becomes a Dir with its own metadata all the same. A file that goes on changing is told, too, and is stored as read last.
 *
 * Symlinks in `path` are followed but for its last name. Below it each directory is opened from the one that it lies in: nobody who swaps
 * one for a symlink meanwhile can have foreign files taken in.
 *
 * @param path - local; without a trailing slash
 * @throws a SystemError if `path` itself cannot be read, what the Store throws, ECANCELLED; a VtError for a file of
 *   rules that cannot be understood
 * @throws {RangeError} for a parser that there is not
 */
export async function importLocal(store: Store, path: Octets, options: ImportOptions = {}): Promise<Imported> {
  if (options.parser !== undefined) parserNamed(options.parser);
  await using ingest = new Ingest(store, { signal: options.signal, workers: options.workers, plan: options.plan, parser: options.parser });
  return await new Import(store, ingest, options).run(path);
}

/** A directory that is being listed. */
interface OpenDir extends Level {
  readonly names: readonly string[];
  next: number;
  readonly build: ImportedDir;
  readonly filter: DirFilter | undefined;
  readonly cached: CachedDir | undefined;
  /** Where in `cached` the next entry stands, or its end. */
  cachedAt: number;
  readonly users: Map<number, Octets | undefined>;
  readonly groups: Map<number, Octets | undefined>;
}

/** Of the keys of what is remembered: owners are recorded by number alone. */
const PROFILE_NUMERIC = 1;
/** The value is not of a directory, but of one file that was imported by itself. */
const PROFILE_SINGLE = 2;
/** MIME types that were found are kept. */
const PROFILE_TYPES = 4;

class Import {
  readonly #store: Store;
  readonly #memory: ImportMemory | undefined;
  readonly #ingest: Ingest;
  readonly #dirs: BlockSink;
  readonly #options: ImportOptions;
  readonly #context: ImportContext;
  readonly #open = new OpenDirs();
  readonly #levels = new Levels<OpenDir>(this.#open.maxLevels);
  readonly #cachePuts: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
  readonly #profile: number;
  readonly #completed: (() => void)[] = [];
  #isCompleting = false;
  #isWalked = false;
  #topPath = '' as Octets;
  /** What the top lies in. */
  #container: LocalDir | undefined;
  #topDev = 0n;
  #topFailure: { readonly error: unknown } | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(store: Store, ingest: Ingest, options: ImportOptions) {
    this.#store = store;
    this.#memory = importMemoryOf(store);
    this.#ingest = ingest;
    this.#dirs = options.dirs === undefined ? ingest.pending : new BothSinks(ingest.pending, options.dirs);
    this.#options = options;
    this.#profile = (options.numericOwners === true ? PROFILE_NUMERIC : 0) | (options.keepsTypes === true ? PROFILE_TYPES : 0);
    this.#context = {
      ingest,
      owners: options.numericOwners === true ? NO_OWNER_NAMES : (options.owners ?? systemOwnerNames()),
      links: new ImportedLinks(),
      counts: { files: 0, bytes: 0, dirs: 0, others: 0, unchangedFiles: 0, unchangedBytes: 0, excluded: 0, failures: 0 },
      reread: options.reread === true,
      keepsTypes: options.keepsTypes === true,
      relative: (place) => this.#pathOf(place).slice(this.#topPath.length) as Octets,
      fail: (place, error) => this.#fail(place, error, false),
      keep: async (place, error) => await this.#keep(place, error),
      end: (error) => {
        this.#failure ??= { error };
      },
    };
  }

  async run(path: Octets): Promise<Imported> {
    throwIfCancelled(this.#options.signal);
    await this.#memory?.open(this.#options);
    const nameAt = path.lastIndexOf('/') + 1;
    const name = path.slice(nameAt) as Octets;
    const dir = LocalDir.container((nameAt === 0 ? '.' : nameAt === 1 ? '/' : path.slice(0, nameAt - 1)) as Octets, this.#open);
    this.#topPath = path;
    this.#container = dir;
    try {
      return await this.#runIn({ dir, name });
    } finally {
      dir.release();
      // What is open still was given up.
      this.#levels.abandon();
    }
  }

  async #runIn(place: NodePlace): Promise<Imported> {
    const path = this.#topPath;
    const stat = place.dir.lstat(elementOf(place));
    this.#topDev = stat.dev;
    const top = { ...place, stat };
    let settle: (outcome: EntryOutcome) => void = () => {};
    const outcome = new Promise<EntryOutcome>((resolve) => {
      settle = resolve;
    });
    // The walk has the last word: where the Store failed, a top that is settled all the same lacks what it was given.
    const ticker = setInterval(() => this.#tellProgress(), PROGRESS_MS);
    try {
      await this.#walk(kindOfMode(stat.mode) === 'dir' ? { ...top, cached: undefined, settle } : this.#single(top, settle));
    } finally {
      clearInterval(ticker);
    }
    const { record } = await outcome;
    if (this.#failure !== undefined) throw this.#failure.error;
    if (record === undefined) throw this.#topFailure?.error ?? new Error('left out');
    if (this.#topFailure !== undefined) this.#options.onFailure?.(path, this.#topFailure.error, false);
    let { value: dirent } = decodeDirent(record, 0);
    if (dirent.kind === 'indirect') throw new Error('import: the top became a hard link');
    if (dirent.kind === 'dir') {
      const inodes = this.#context.links.store(this.#dirs);
      if (inodes !== undefined) dirent = { ...dirent, inodes };
    }
    await this.#flush();
    throwIfCancelled(this.#options.signal);
    this.#tellProgress();
    const isLinkedBeyond = this.#context.links.hasSingles;
    if (dirent.kind === 'dir' && isLinkedBeyond) dirent = await withoutSingles(this.#store, dirent, this.#options);
    return { dirent, counts: this.#counts(), isLinkedBeyond };
  }

  #tellProgress(): void {
    const counts = this.#counts();
    const doneBytes = Math.min(counts.bytes, counts.unchangedBytes + this.#ingest.readBytes);
    this.#options.onProgress?.({ ...counts, doneBytes, isWalked: this.#isWalked });
  }

  #counts(): ImportCounts {
    return { ...this.#context.counts, ...this.#ingest.counts() };
  }

  #isTop({ dir }: NodePlace): boolean {
    return dir === this.#container;
  }

  #pathOf(place: NodePlace): Octets {
    return this.#isTop(place) ? this.#topPath : place.dir.pathOf(place.name);
  }

  #fail(place: NodePlace, found: unknown, isKept: boolean): void {
    this.#context.counts.failures++;
    const error = isReplaced(found) ? replacedError(found) : found;
    if (this.#isTop(place)) this.#topFailure = { error };
    else this.#options.onFailure?.(this.#pathOf(place), error, isKept);
  }

  /** Never rejects: what was asked for would wait for ever. */
  async #keep(place: NodePlace, error: unknown): Promise<StoredNode | undefined> {
    let stored: StoredNode | undefined;
    try {
      if (errorCode(error) !== 'ENOENT' && !this.#isTop(place) && this.#failure === undefined)
        stored = await this.#options.stored?.(this.#context.relative(place).replace(/^\//, '') as Octets);
    } catch (failure) {
      this.#failure ??= { error: failure };
    }
    this.#fail(place, error, stored !== undefined);
    return stored;
  }

  /** A file imported by itself is remembered as the one entry of a directory. */
  #single(top: Omit<FoundNode, 'cached' | 'settle'>, settle: (outcome: EntryOutcome) => void): FoundNode {
    const { stat, name } = top;
    const { owners } = this.#context;
    const key = cacheKey(stat, this.#profile | PROFILE_SINGLE, this.#options.parser);
    const dir = CachedDir.load(this.#memory, key, owners);
    const entry = dir?.entryAt(dir.start);
    const done = (outcome: EntryOutcome): void => {
      const { record, signature, same } = outcome;
      if (record !== undefined && signature !== undefined && same !== true) {
        const writer = new CacheWriter();
        writer.add(name, signature, record, undefined);
        const uid = Number(stat.uid);
        const gid = Number(stat.gid);
        const pairs = { users: new Map([[uid, owners.userName(uid)]]), groups: new Map([[gid, owners.groupName(gid)]]) };
        this.#remember(key, writer.finish(EMPTY_BLOCK, 0, pairs));
      }
      settle(outcome);
    };
    return { ...top, cached: entry?.name === name ? entry : undefined, settle: done };
  }

  #remember(key: Uint8Array, value: Uint8Array): void {
    if (this.#options.plan !== true) this.#cachePuts.push({ key, value });
  }

  /** Visits the top and all below, depth first, in order of names. */
  async #walk(top: FoundNode): Promise<void> {
    this.#visit(top, true);
    let turnEnds = performance.now() + TURN_MS;
    for (let steps = 0; ; steps++) {
      const dir = this.#levels.innermost;
      if (dir === undefined) break;
      const name = dir.names[dir.next++] as Octets | undefined;
      if (name === undefined) {
        this.#levels.leave();
        dir.build.close();
        continue;
      }
      this.#visitName(dir, name);
      if (this.#open.isFull) {
        this.#ingest.send();
        await this.#open.room();
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#ingest.busy) await this.#ingest.ready();
      if (this.#ingest.pending.size > MAX_PENDING_SIZE) await this.#flush();
      if (steps % 16 === 0 && performance.now() > turnEnds) {
        throwIfCancelled(this.#options.signal);
        this.#tellProgress();
        await new Promise((resolve) => setImmediate(resolve));
        turnEnds = performance.now() + TURN_MS;
      }
    }
    this.#isWalked = true;
    this.#ingest.send();
    await this.#ingest.settled();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #visitName(dir: OpenDir, name: Octets): void {
    let stat: NodeStat;
    try {
      if (dir.lost !== undefined) throw dir.lost;
      stat = dir.dir.lstat(name);
    } catch (error) {
      const entry = dir.build.open(name, undefined);
      void this.#keep({ dir: dir.dir, name }, error).then((stored) => dir.build.finish(entry, keptOutcome(name, stored)));
      return;
    }
    if (dir.filter?.excludes(name, kindOfMode(stat.mode) === 'dir') === true) {
      this.#context.counts.excluded++;
      return;
    }
    const uid = Number(stat.uid);
    const gid = Number(stat.gid);
    const { owners } = this.#context;
    if (!dir.users.has(uid)) dir.users.set(uid, owners.userName(uid));
    if (!dir.groups.has(gid)) dir.groups.set(gid, owners.groupName(gid));
    const cached = cachedEntry(dir, name);
    const entry = dir.build.open(name, cached);
    this.#visit({ dir: dir.dir, name, stat, cached, settle: (outcome) => dir.build.finish(entry, outcome) }, false);
  }

  #visit(found: FoundNode, isTop: boolean): void {
    const { stat } = found;
    const kind = kindOfMode(stat.mode);
    if (kind === undefined) {
      this.#fail(found, new Error('unknown file type'), false);
      found.settle(LEFT_OUT);
    } else if (kind === 'dir') this.#visitDir(found);
    else if (stat.nlink > 1n && !isTop) importLinked(this.#context, found, kind);
    else importLeaf(this.#context, found, kind);
  }

  #visitDir(found: FoundNode): void {
    if (this.#crosses(found.stat)) {
      this.#visitOpened(found, undefined);
      return;
    }
    let opened: ReturnType<LocalDir['open']>;
    try {
      opened = found.dir.open(elementOf(found), this.#isTop(found) ? this.#topPath : undefined);
    } catch (error) {
      const { xattrs } = found.dir.xattrsOf(elementOf(found));
      void this.#keep(found, error).then((stored) => found.settle(this.#unlisted(found, stored, xattrs, error)));
      return;
    }
    // What was opened counts, should it be another directory than the one seen before.
    const { dir, stat } = opened;
    if (!this.#visitOpened({ ...found, stat }, this.#crosses(stat) ? undefined : dir)) dir.release();
  }

  /** Tells of a directory that is complete: by a loop, since the last file of a deep tree completes all above it. */
  #complete(tell: () => void): void {
    this.#completed.push(tell);
    if (this.#isCompleting) return;
    this.#isCompleting = true;
    try {
      for (let next = this.#completed.shift(); next !== undefined; next = this.#completed.shift()) next();
    } finally {
      this.#isCompleting = false;
    }
  }

  #crosses({ dev }: NodeStat): boolean {
    return this.#options.oneFilesystem === true && dev !== this.#topDev;
  }

  /**
   * Lists a directory, and has the walk go on in it.
   *
   * @param dir - undefined where what is in it is left out
   * @returns whether the walk holds it now
   */
  #visitOpened(found: FoundNode, dir: LocalDir | undefined): boolean {
    const { stat, name, settle } = found;
    if (this.#options.isStoreFolder?.(stat) === true) {
      this.#options.onWarning?.(this.#pathOf(found), "left out: the Store's own directory");
      settle(LEFT_OUT);
      return false;
    }
    let names: string[];
    const { xattrs, error: xattrError } = dir === undefined ? found.dir.xattrsOf(elementOf(found)) : dir.xattrs();
    try {
      names = dir === undefined ? [] : dir.names();
    } catch (error) {
      void this.#keep(found, error).then((stored) => settle(this.#unlisted(found, stored, xattrs, error)));
      return false;
    }
    const kept = xattrError === undefined ? undefined : this.#keep(found, xattrError);
    this.#context.counts.dirs++;
    const giveWith = (block: Block, links: number, attributes: StoredNode['meta']['xattrs']): void => {
      const meta = metaOf(stat, this.#context.owners, attributes);
      const record = encodeDirent({ kind: 'dir', name, meta, block, ...(links === 0 ? {} : { links }) });
      const same = found.cached !== undefined && Buffer.compare(found.cached.record, record) === 0;
      this.#complete(() => settle({ record, same, links }));
    };
    const give = (block: Block, links: number): void => {
      if (kept === undefined) giveWith(block, links, xattrs);
      else void kept.then((stored) => giveWith(block, links, stored?.meta.xattrs));
    };
    if (dir === undefined || names.length === 0) {
      give(EMPTY_BLOCK, 0);
      return false;
    }
    // Whatever the rules: what is remembered holds entry by entry, and all of it only where each entry is met.
    const key = cacheKey(stat, this.#profile, this.#options.parser);
    const cached = CachedDir.load(this.#memory, key, this.#context.owners);
    const users = new Map<number, Octets | undefined>();
    const groups = new Map<number, Octets | undefined>();
    const done = ({ block, links, cacheValue }: ImportedDirBlock): void => {
      if (cacheValue !== undefined) this.#remember(key, cacheValue);
      give(block, links);
    };
    const parent = this.#levels.innermost;
    const filter = parent === undefined ? this.#options.filter : parent.filter?.enter(name);
    const build = new ImportedDir(this.#dirs, cached, { users, groups }, done);
    this.#levels.enter({ dir, lost: undefined, names, next: 0, build, filter, cached, cachedAt: cached?.start ?? 0, users, groups });
    return true;
  }

  /** Of a directory that cannot be listed: the Dir that it is, with the entries that are stored. */
  #unlisted(found: FoundNode, stored: StoredNode | undefined, xattrs: StoredNode['meta']['xattrs'], error: unknown): EntryOutcome {
    if (this.#isTop(found) || errorCode(error) === 'ENOENT') return LEFT_OUT;
    const { name, stat } = found;
    this.#context.counts.dirs++;
    const meta = metaOf(stat, this.#context.owners, xattrs ?? stored?.meta.xattrs);
    return keptOutcome(name, stored?.kind === 'dir' ? { ...stored, meta } : { kind: 'dir', name, meta, block: EMPTY_BLOCK });
  }

  /** Adds the Blocks of Dirs and superblocks that wait, and remembers the directories whose Blocks are then all added. */
  #flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      const puts = this.#cachePuts.splice(0);
      await this.#ingest.flushPending();
      for (const { key, value } of puts) this.#memory?.put(key, value);
      if (this.#memory?.isFull === true) await this.#store.flush(this.#options);
    });
    return this.#flushing;
  }
}

/** What a node is called in its directory: the root, in itself, by a dot. */
function elementOf({ name }: NodePlace): Octets {
  return name === '' ? ('.' as Octets) : name;
}

/** The remembered entry of a name; names come ascending. */
function cachedEntry(dir: OpenDir, name: Octets): CachedEntry | undefined {
  const { cached } = dir;
  if (cached === undefined) return undefined;
  for (let entry = cached.entryAt(dir.cachedAt); entry !== undefined && entry.name <= name; entry = cached.entryAt(dir.cachedAt)) {
    dir.cachedAt = entry.end;
    if (entry.name === name) return entry;
  }
  return undefined;
}
