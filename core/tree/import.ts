import type { BigIntStats } from 'node:fs';
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { throwIfCancelled } from '../base/errors.ts';
import type { FileSignature } from '../base/file-signature.ts';
import { findXattrs } from '../base/find-xattrs.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import type { OwnerNames } from '../base/owner-names.ts';
import { NO_OWNER_NAMES, systemOwnerNames } from '../base/owner-names.ts';
import { pathBytes } from '../base/system-error.ts';
import type { Block } from '../block/block.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { IntakeCounts } from '../blockify/block-intake.ts';
import type { IngestedFile } from '../blockify/ingest.ts';
import { Ingest } from '../blockify/ingest.ts';
import type { Store } from '../store/store.ts';
import type { Dirent, IndirectDirent } from './dirent.ts';
import { decodeDirent, encodeDirent } from './dirent-codec.ts';
import type { CachedEntry, OwnerPairs } from './import-cache.ts';
import { CachedDir, cacheKey, isCachedSignature, TRUST_AGE_NS } from './import-cache.ts';
import type { EntryOutcome, ImportedDirBlock, ImportedEntry } from './import-dir.ts';
import { ImportedDir } from './import-dir.ts';
import type { LinkedNode } from './import-links.ts';
import { ImportedLinks, settleLinkedNode } from './import-links.ts';
import { kindOfMode, metaOf, rdevOf } from './import-meta.ts';

/** What an import met. */
export interface ImportCounts extends IntakeCounts {
  readonly files: number;
  /** Octets of the content of files, those of unchanged ones included; a hard-linked file counts once. */
  readonly bytes: number;
  readonly dirs: number;
  /** Symlinks, FIFOs, sockets and devices, and further names of hard links. */
  readonly others: number;
  /** Files that were not opened, since they are as an earlier import left them. */
  readonly unchangedFiles: number;
  readonly unchangedBytes: number;
  /** Nodes that failed, each told to `onFailure`. */
  readonly failures: number;
}

export interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Store nothing: look up what would be new. */
  readonly plan?: boolean | undefined;
  /** Record owners by their numbers alone. */
  readonly numericOwners?: boolean | undefined;
  /** Names of owners; default: this machine's. */
  readonly owners?: OwnerNames | undefined;
  /** Do not descend into directories of other filesystems: they become empty Dirs. */
  readonly oneFilesystem?: boolean | undefined;
  /** Directories that are left out with a warning: the Store's own. */
  readonly exclude?: readonly { readonly dev: bigint; readonly ino: bigint }[] | undefined;
  /** Read every file, whatever is remembered of it. */
  readonly reread?: boolean | undefined;
  /** Worker threads, 0 for none; default: one a core, at most 2. */
  readonly workers?: number | undefined;
  /** Something that is left out, or stored in a state that was never on disk as a whole. */
  readonly onFailure?: ((path: Octets, error: unknown) => void) | undefined;
  readonly onWarning?: ((path: Octets, what: string) => void) | undefined;
  /** Called a few times a second. */
  readonly onProgress?: ((counts: ImportCounts) => void) | undefined;
}

/** What an import gives. */
export interface Imported {
  /** Self-contained, under the local name; its Blocks are added, to be flushed. */
  readonly dirent: Exclude<Dirent, IndirectDirent>;
  readonly counts: ImportCounts;
}

/** How long the walk keeps the thread for itself. A turn of the event loop costs some 10 µs. */
const TURN_MS = 8;

/** Octets of Dir Blocks and superblocks that wait before they go to the Store. */
const MAX_PENDING_SIZE = 1024 * 1024;

/**
 * Imports a local file or tree: content goes to the Store through one {@link Ingest}, names and metadata into Dirs.
 * Symlinks are recorded, not followed. Files that are as an earlier import left them are not opened.
 *
 * A node that cannot be read is told to `onFailure` and left out; so is, though kept as it was read last, a file that
 * goes on changing while it is read.
 *
 * @param path - local; without a trailing slash
 * @throws a SystemError if `path` itself cannot be read, what the Store throws, ECANCELLED
 */
export async function importLocal(store: Store, path: Octets, options: ImportOptions = {}): Promise<Imported> {
  await using ingest = new Ingest(store, { signal: options.signal, workers: options.workers, plan: options.plan });
  return await new Import(store, ingest, options).run(path);
}

/** A directory that is being listed. */
interface OpenDir {
  readonly path: Octets;
  readonly names: readonly string[];
  next: number;
  readonly build: ImportedDir;
  readonly cached: CachedDir | undefined;
  /** Where in `cached` the next entry stands, or its end. */
  cachedAt: number;
  readonly users: Map<number, Octets | undefined>;
  readonly groups: Map<number, Octets | undefined>;
}

/** A node on its way, with where its outcome goes. */
interface Found {
  readonly name: Octets;
  readonly path: Octets;
  readonly stat: BigIntStats;
  readonly cached: CachedEntry | undefined;
  readonly settle: (outcome: EntryOutcome) => void;
}

const LEFT_OUT: EntryOutcome = { record: undefined };
const NO_BYTES = new Uint8Array(0);

class Import {
  readonly #store: Store;
  readonly #ingest: Ingest;
  readonly #options: ImportOptions;
  readonly #owners: OwnerNames;
  readonly #links = new ImportedLinks();
  readonly #stack: OpenDir[] = [];
  readonly #cachePuts: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
  #topPath = '' as Octets;
  #topDev = 0n;
  /** Directories listed, not encoded yet, and files on their way. */
  #flushing: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  readonly #counts = { files: 0, bytes: 0, dirs: 0, others: 0, unchangedFiles: 0, unchangedBytes: 0, failures: 0 };

  constructor(store: Store, ingest: Ingest, options: ImportOptions) {
    this.#store = store;
    this.#ingest = ingest;
    this.#options = options;
    this.#owners = options.numericOwners === true ? NO_OWNER_NAMES : (options.owners ?? systemOwnerNames());
  }

  async run(path: Octets): Promise<Imported> {
    throwIfCancelled(this.#options.signal);
    const stat = lstatSync(pathBytes(path), { bigint: true });
    this.#topPath = path;
    this.#topDev = stat.dev;
    const name = path.slice(path.lastIndexOf('/') + 1) as Octets;
    let failed: { readonly error: unknown } | undefined;
    const record = await new Promise<Uint8Array | undefined>((resolve, reject) => {
      const top: Found = { name, path, stat, cached: undefined, settle: (outcome) => resolve(outcome.record) };
      this.#walk(top, (error) => {
        failed = { error };
      }).catch(reject);
    });
    if (record === undefined) throw failed?.error ?? new Error(`import "${path}": nothing read`);
    let { value: dirent } = decodeDirent(record, 0);
    if (dirent.kind === 'indirect') throw new Error('import: the top became a hard link');
    if (dirent.kind === 'dir') {
      const inodes = this.#links.store(this.#ingest.pending);
      if (inodes !== undefined) dirent = { ...dirent, inodes };
    }
    await this.#flush();
    throwIfCancelled(this.#options.signal);
    this.#options.onProgress?.(this.counts());
    return { dirent, counts: this.counts() };
  }

  counts(): ImportCounts {
    return { ...this.#counts, ...this.#ingest.counts() };
  }

  /** Visits the top and all below, depth first, in order of names. @param onTopFailure - told what kept the top from being read */
  async #walk(top: Found, onTopFailure: (error: unknown) => void): Promise<void> {
    const { signal } = this.#options;
    this.#topFailed = onTopFailure;
    this.#visit(top, true);
    let turnEnds = performance.now() + TURN_MS;
    for (let steps = 0; ; steps++) {
      const dir = this.#stack.at(-1);
      if (dir === undefined) break;
      const name = dir.names[dir.next++] as Octets | undefined;
      if (name === undefined) {
        this.#stack.pop();
        dir.build.close();
        continue;
      }
      this.#visitName(dir, name);
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#ingest.busy) await this.#ingest.ready();
      if (this.#ingest.pending.size > MAX_PENDING_SIZE) await this.#flush();
      if (steps % 16 === 0 && performance.now() > turnEnds) {
        throwIfCancelled(signal);
        this.#options.onProgress?.(this.counts());
        await new Promise((resolve) => setImmediate(resolve));
        turnEnds = performance.now() + TURN_MS;
      }
    }
    this.#ingest.send();
    await this.#ingest.settled();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #topFailed: (error: unknown) => void = () => {};

  #fail(path: Octets, error: unknown): void {
    this.#counts.failures++;
    if (path === this.#topPath) this.#topFailed(error);
    else this.#options.onFailure?.(path, error);
  }

  #visitName(dir: OpenDir, name: Octets): void {
    const path = (dir.path === '/' ? `/${name}` : `${dir.path}/${name}`) as Octets;
    let stat: BigIntStats;
    try {
      stat = lstatSync(pathBytes(path), { bigint: true });
    } catch (error) {
      this.#fail(path, error);
      return;
    }
    const uid = Number(stat.uid);
    const gid = Number(stat.gid);
    if (!dir.users.has(uid)) dir.users.set(uid, this.#owners.userName(uid));
    if (!dir.groups.has(gid)) dir.groups.set(gid, this.#owners.groupName(gid));
    const cached = cachedEntry(dir, name);
    const entry: ImportedEntry = dir.build.open(name, cached);
    this.#visit({ name, path, stat, cached, settle: (outcome) => dir.build.settle(entry, outcome) }, false);
  }

  #visit(found: Found, isTop: boolean): void {
    const { stat, path } = found;
    const kind = kindOfMode(stat.mode);
    if (kind === 'dir') return this.#visitDir(found, isTop);
    if (kind === undefined) {
      this.#fail(path, new Error('unknown file type'));
      return found.settle(LEFT_OUT);
    }
    if (stat.nlink > 1n && !isTop) return this.#visitLinked(found);
    this.#counts[kind === 'file' ? 'files' : 'others']++;
    if (kind === 'file') this.#counts.bytes += Number(stat.size);
    const { cached } = found;
    if (cached !== undefined && cached.node === undefined && isCachedSignature(cached.signature, stat) && this.#options.reread !== true) {
      if (kind === 'file') this.#countUnchanged(stat);
      return found.settle({ record: cached.record, signature: stat, same: true });
    }
    this.#readNode(found, found.name, (dirent, signature) => {
      found.settle(dirent === undefined ? LEFT_OUT : { record: encodeDirent(dirent), signature });
    });
  }

  /** One name of a node that has several. */
  #visitLinked(found: Found): void {
    const { name, stat, cached, settle } = found;
    const { node, isFirst } = this.#links.meet(stat, this.#relative(found.path));
    const record = encodeDirent({ kind: 'indirect', name, uuid: node.uuid, meta: {} });
    const isFile = kindOfMode(stat.mode) === 'file';
    const unchanged = cached?.node !== undefined && isCachedSignature(cached.signature, stat) && this.#options.reread !== true;
    const sameRecord = unchanged && Buffer.compare(cached.record, record) === 0;
    if (!isFirst) {
      this.#counts.others++;
      const finish = (): void => {
        if (node.failed) return settle(LEFT_OUT);
        node.names++;
        settle({ record, signature: stat, node: NO_BYTES, same: sameRecord && cached.node?.length === 0, links: 1 });
      };
      if (node.encoded !== undefined || node.failed) finish();
      else node.waiting.push(finish);
      return;
    }
    this.#counts[isFile ? 'files' : 'others']++;
    if (isFile) this.#counts.bytes += Number(stat.size);
    if (unchanged && cached.node !== undefined && cached.node.length > 0) {
      if (isFile) this.#countUnchanged(stat);
      const encoded = sameRecord ? Uint8Array.from(cached.node) : renamed(cached.node, node);
      settleLinkedNode(node, encoded);
      node.names++;
      return settle({ record, signature: stat, node: encoded, same: sameRecord, links: 1 });
    }
    this.#readNode(found, node.uuid as Octets, (dirent, signature) => {
      if (dirent === undefined) {
        settleLinkedNode(node, undefined);
        return settle(LEFT_OUT);
      }
      const encoded = encodeDirent({ ...dirent, uuid: node.uuid });
      settleLinkedNode(node, encoded);
      node.names++;
      settle({ record, signature, node: encoded, links: 1 });
    });
  }

  /** The path from the top of the import. */
  #relative(path: Octets): Octets {
    return path.slice(this.#topPath.length) as Octets;
  }

  #countUnchanged(stat: BigIntStats): void {
    this.#counts.unchangedFiles++;
    this.#counts.unchangedBytes += Number(stat.size);
  }

  /** Reads a node that is no directory and gives its Dirent, or undefined if that failed. */
  #readNode(
    { path, stat }: Found,
    name: Octets,
    done: (dirent: Exclude<Dirent, IndirectDirent> | undefined, signature: FileSignature | undefined) => void,
  ): void {
    const kind = kindOfMode(stat.mode);
    if (kind === 'file') {
      this.#ingest.file(pathBytes(path), stat).then(
        (file) => {
          const signature = this.#checkFile(path, file);
          const meta = metaOf(file.stat ?? stat, this.#owners, file.xattrs);
          done({ kind, name, meta, block: file.block }, signature ? (file.stat ?? stat) : undefined);
        },
        (error: unknown) => {
          if (this.#ingest.failed) this.#failure ??= { error };
          else this.#fail(path, error);
          done(undefined, undefined);
        },
      );
      return;
    }
    try {
      const readAtMs = Date.now();
      const bytes = pathBytes(path);
      const { xattrs, error } = findXattrs(bytes);
      if (error !== undefined) this.#fail(path, error);
      const meta = metaOf(stat, this.#owners, xattrs);
      const signature = error === undefined && isTrusted(stat, readAtMs) ? stat : undefined;
      if (kind === 'symlink') done({ kind, name, meta, target: octetsFromBytes(readlinkSync(bytes, 'buffer')) }, signature);
      else if (kind === 'char' || kind === 'block') done({ kind, name, meta: { ...meta, rdev: rdevOf(stat) } }, signature);
      else if (kind === 'fifo' || kind === 'socket') done({ kind, name, meta }, signature);
    } catch (error) {
      this.#fail(path, error);
      done(undefined, undefined);
    }
  }

  /** Reports what went wrong with a file that was read all the same. @returns whether it may be trusted to be so later */
  #checkFile(path: Octets, file: IngestedFile): boolean {
    if (!file.settled) this.#fail(path, new Error('changed while it was read'));
    if (file.xattrError !== undefined) this.#fail(path, file.xattrError);
    return file.settled && file.xattrError === undefined && isTrusted(file.seen, file.readAtMs);
  }

  #visitDir(found: Found, isTop: boolean): void {
    const { path, stat, name, settle } = found;
    if (this.#options.exclude?.some(({ dev, ino }) => dev === stat.dev && ino === stat.ino) === true) {
      this.#options.onWarning?.(path, "left out: the Store's own directory");
      return settle(LEFT_OUT);
    }
    const bytes = pathBytes(path);
    const crosses = this.#options.oneFilesystem === true && stat.dev !== this.#topDev;
    let names: string[];
    const { xattrs, error: xattrError } = findXattrs(bytes);
    try {
      names = crosses ? [] : readdirSync(bytes, 'latin1').sort();
    } catch (error) {
      this.#fail(path, error);
      return settle(LEFT_OUT);
    }
    if (xattrError !== undefined) this.#fail(path, xattrError);
    this.#counts.dirs++;
    const meta = metaOf(stat, this.#owners, xattrs);
    const give = (block: Block, links: number): void => {
      const record = encodeDirent({ kind: 'dir', name: isTop ? name : name, meta, block, ...(links === 0 ? {} : { links }) });
      settle({ record, same: found.cached !== undefined && Buffer.compare(found.cached.record, record) === 0, links });
    };
    if (names.length === 0) return give(EMPTY_BLOCK, 0);
    const key = cacheKey(stat, this.#options.numericOwners === true ? 1 : 0);
    const cached = CachedDir.load(this.#store.cache, key, this.#owners);
    const users = new Map<number, Octets | undefined>();
    const groups = new Map<number, Octets | undefined>();
    const owners = (): OwnerPairs => ({ users, groups });
    const done = ({ block, links, cacheValue }: ImportedDirBlock): void => {
      if (cacheValue !== undefined && this.#options.plan !== true) this.#cachePuts.push({ key, value: cacheValue });
      give(block, links);
    };
    const build = new ImportedDir(this.#ingest.pending, cached, owners, done);
    this.#stack.push({ path, names, next: 0, build, cached, cachedAt: cached?.start ?? 0, users, groups });
  }

  /** Adds the Blocks of Dirs and superblocks that wait, and remembers the directories whose Blocks are then all added. */
  #flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      const puts = this.#cachePuts.splice(0);
      await this.#ingest.flushPending();
      for (const { key, value } of puts) this.#store.cache?.put(key, value);
    });
    return this.#flushing;
  }
}

/** Whether a file may be taken to be as it was read, as long as its signature is the same. */
function isTrusted(signature: FileSignature, readAtMs: number): boolean {
  return BigInt(readAtMs) * 1_000_000n - signature.ctimeNs > TRUST_AGE_NS;
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

/** A remembered node under the uuid that it has now. */
function renamed(encoded: Uint8Array, node: LinkedNode): Uint8Array {
  return encodeDirent({ ...decodeDirent(encoded, 0).value, name: node.uuid as Octets, uuid: node.uuid });
}
