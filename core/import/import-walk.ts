import { throwIfCancelled } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { Block } from '../block/block.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { encodeDirent } from '../dirent/dirent-codec.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import { CACHE_TAG, isCacheFolder } from './cache-tag.ts';
import type { CachedDir, CachedEntry } from './import-cache.ts';
import type { ImportContext } from './import-context.ts';
import type { EntryOutcome, ImportedDirBlock } from './import-dir.ts';
import { ImportedDir } from './import-dir.ts';
import { importLeaf, importLinked } from './import-leaf.ts';
import { kindOfMode, metaOf } from './import-meta.ts';
import type { FoundNode, StoredNode } from './import-node.ts';
import { elementOf, keptOutcome, LEFT_OUT } from './import-node.ts';
import type { ImportOptions } from './import-options.ts';
import type { LocalDir } from './local-dir.ts';
import type { OpenDirs } from './open-dirs.ts';
import type { Level } from './open-levels.ts';
import { Levels } from './open-levels.ts';
import type { RememberedDirs } from './remembered-dirs.ts';

/** Milliseconds of walking between two turns of the event loop. A turn costs about 10 µs. */
const TURN_MS = 8;

/** Bytes of pending Dir Blocks and superblocks after which they are sent to the Store. */
const MAX_PENDING_SIZE = 1024 * 1024;

/** A directory that is being listed. */
interface OpenDir extends Level {
  readonly names: readonly string[];
  next: number;
  readonly build: ImportedDir;
  readonly filter: DirFilter | undefined;
  readonly cached: CachedDir | undefined;
  /** The offset of the next entry in `cached`. */
  cachedAt: number;
  readonly users: Map<number, Octets | undefined>;
  readonly groups: Map<number, Octets | undefined>;
}

/** The parts and callbacks of a walk. */
interface WalkParts {
  readonly context: ImportContext;
  readonly remembered: RememberedDirs;
  /** Receives the Blocks of Dirs. */
  readonly dirs: BlockSink;
  /** Counts the open directories. */
  readonly open: OpenDirs;
  readonly options: Pick<ImportOptions, 'signal' | 'oneFilesystem' | 'excludesCaches' | 'filter' | 'isStoreFolder' | 'onWarning'>;
  readonly onProgress: () => void;
}

/** The walk of an import. It lists directories, starts the import of each node, and makes the Dir of each directory. */
export class ImportWalk {
  readonly #context: ImportContext;
  readonly #remembered: RememberedDirs;
  readonly #dirs: BlockSink;
  readonly #open: OpenDirs;
  readonly #options: WalkParts['options'];
  readonly #onProgress: () => void;
  readonly #levels: Levels<OpenDir>;
  readonly #completed: (() => void)[] = [];
  #isCompleting = false;
  #isDone = false;
  #topDev = 0n;

  constructor({ context, remembered, dirs, open, options, onProgress }: WalkParts) {
    this.#context = context;
    this.#remembered = remembered;
    this.#dirs = dirs;
    this.#open = open;
    this.#options = options;
    this.#onProgress = onProgress;
    this.#levels = new Levels(open.maxLevels);
  }

  /** Whether the walk is complete. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Visits the top and everything below, depth first, in the order of names. @throws the error that ended the import; ECANCELLED */
  async run(top: FoundNode): Promise<void> {
    const { ingest, failures } = this.#context;
    this.#topDev = top.stat.dev;
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
        ingest.send();
        await this.#open.room();
      }
      failures.throwIfEnded();
      if (ingest.busy) await ingest.ready();
      if (ingest.pending.size > MAX_PENDING_SIZE) await this.#remembered.flush();
      if (steps % 16 === 0 && performance.now() > turnEnds) {
        throwIfCancelled(this.#options.signal);
        this.#onProgress();
        await new Promise((resolve) => setImmediate(resolve));
        turnEnds = performance.now() + TURN_MS;
      }
    }
    this.#isDone = true;
    ingest.send();
    await ingest.settled();
    failures.throwIfEnded();
  }

  #visitName(dir: OpenDir, name: Octets): void {
    let stat: NodeStat;
    try {
      if (dir.lost !== undefined) throw dir.lost;
      stat = dir.dir.lstat(name);
    } catch (error) {
      const entry = dir.build.open(name, undefined);
      void this.#context.failures.keep({ dir: dir.dir, name }, error).then((stored) => dir.build.finish(entry, keptOutcome(name, stored)));
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
      this.#context.failures.fail(found, new Error('unknown file type'));
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
    const { top, failures } = this.#context;
    let opened: ReturnType<LocalDir['open']>;
    try {
      opened = found.dir.open(elementOf(found), top.isAt(found) ? top.path : undefined);
    } catch (error) {
      const { xattrs } = found.dir.xattrsOf(elementOf(found));
      void failures.keep(found, error).then((stored) => found.settle(this.#unlisted(found, stored, xattrs, error)));
      return;
    }
    // If another directory has replaced the one seen before, the opened one counts.
    const { dir, stat } = opened;
    if (!this.#visitOpened({ ...found, stat }, this.#crosses(stat) ? undefined : dir)) dir.release();
  }

  /** Reports a complete directory. A loop, not a recursion: the last file of a deep tree completes all directories above it. */
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
   * Lists a directory, and makes the walk continue in it.
   *
   * @param dir - undefined if its contents are left out
   * @returns whether the walk now holds `dir`
   */
  #visitOpened(found: FoundNode, dir: LocalDir | undefined): boolean {
    const { stat, name, settle } = found;
    if (this.#options.isStoreFolder?.(stat) === true) {
      this.#options.onWarning?.(this.#context.top.pathOf(found), "left out: the Store's own directory");
      settle(LEFT_OUT);
      return false;
    }
    let names: string[];
    const { xattrs, error: xattrError } = dir === undefined ? found.dir.xattrsOf(elementOf(found)) : dir.xattrs();
    try {
      names = dir === undefined ? [] : dir.names();
    } catch (error) {
      void this.#context.failures.keep(found, error).then((stored) => settle(this.#unlisted(found, stored, xattrs, error)));
      return false;
    }
    if (dir !== undefined && this.#options.excludesCaches === true && isCacheFolder(dir, names)) {
      this.#context.counts.excluded += names.length - 1;
      names = [CACHE_TAG];
    }
    const kept = xattrError === undefined ? undefined : this.#context.failures.keep(found, xattrError);
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
    // The cache is valid whatever the rules are: each entry is compared, and the whole is used only if every entry is found.
    const { key, cached } = this.#remembered.find(stat);
    const users = new Map<number, Octets | undefined>();
    const groups = new Map<number, Octets | undefined>();
    const done = ({ block, links, cacheValue }: ImportedDirBlock): void => {
      if (cacheValue !== undefined) this.#remembered.remember(key, cacheValue);
      give(block, links);
    };
    const parent = this.#levels.innermost;
    const filter = parent === undefined ? this.#options.filter : parent.filter?.enter(name);
    const build = new ImportedDir(this.#dirs, cached, { users, groups }, done);
    this.#levels.enter({ dir, lost: undefined, names, next: 0, build, filter, cached, cachedAt: cached?.start ?? 0, users, groups });
    return true;
  }

  /** The outcome of a directory that cannot be listed: a Dir with its metadata and the stored entries. */
  #unlisted(found: FoundNode, stored: StoredNode | undefined, xattrs: StoredNode['meta']['xattrs'], error: unknown): EntryOutcome {
    if (this.#context.top.isAt(found) || errorCode(error) === 'ENOENT') return LEFT_OUT;
    const { name, stat } = found;
    this.#context.counts.dirs++;
    const meta = metaOf(stat, this.#context.owners, xattrs ?? stored?.meta.xattrs);
    return keptOutcome(name, stored?.kind === 'dir' ? { ...stored, meta } : { kind: 'dir', name, meta, block: EMPTY_BLOCK });
  }

  /** Closes the directories of a walk that was given up. */
  abandon(): void {
    this.#levels.abandon();
  }
}

/** The cache entry of a name. Call this with ascending names. */
function cachedEntry(dir: OpenDir, name: Octets): CachedEntry | undefined {
  const { cached } = dir;
  if (cached === undefined) return undefined;
  for (let entry = cached.entryAt(dir.cachedAt); entry !== undefined && entry.name <= name; entry = cached.entryAt(dir.cachedAt)) {
    dir.cachedAt = entry.end;
    if (entry.name === name) return entry;
  }
  return undefined;
}
