import { openArchiveFile } from '../archive/archive-file.ts';
import { ClosedError, CorruptBlockError, ReadOnlyError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { PRIVATE_ACCESS } from '../base/system/store-files.ts';
import { errorReason } from '../base/system/system-error.ts';
import { formatBlock } from '../block/block-text.ts';
import { digestKey, digestOfKey } from '../block/digest-key.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { leavesOf } from '../block/tree-walk.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { importLocal } from '../import/import.ts';
import type { FolderMonitor } from '../monitor/folder-monitor.ts';
import type { BlockLocation } from '../store/block-location.ts';
import { capability, type Offers } from '../store/capability.ts';
import type { AddResult, Store } from '../store/store.ts';
import type { WalkItem } from '../tree/walk.ts';
import { walkDirent } from '../tree/walk.ts';
import type { Place } from './platonic-places.ts';
import { asSeenTest, Places } from './platonic-places.ts';
import { PlatonicSink } from './platonic-sink.ts';

/** Milliseconds between two scans of the files because of missing Blocks, at least. */
const LOOK_AGAIN_MS = 1000;
/** Files named in one notice, at most. */
const MAX_NAMED = 3;
const ARCHIVE = 'default';

export interface PlatonicOptions {
  /** Absolute path of the folder of ordinary files, without a trailing slash. */
  readonly folder: Octets;
  readonly name: string;
  /** Holds superblocks, Dirs, the archive and the import cache; closed with this Store. */
  readonly meta: Store & { archivePath(name: string): string };
  readonly onNotice: (notice: string) => void;
  readonly clock: () => Date;
  /** A clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
}

/**
 * A Store whose Blocks are parts of ordinary files, read in place.
 *
 * The files are imported as by PUT, with the same edges, so their tree has the same Dirref as after a put. Superblocks and Dirs are kept in
 * `meta`, contents only in the files. Each new state of the tree is recorded in an archive.
 *
 * Files may be moved, changed, extended and removed at any time. Every Block is verified when it is read. If its place no longer has it,
 * its other known places are tried, and then all files.
 */
export class PlatonicStore implements Store {
  readonly name: string;
  readonly hashName: Store['hashName'];
  readonly edges: EdgeSettings;
  readonly offers: Offers;
  readonly #options: PlatonicOptions;
  readonly #meta: PlatonicOptions['meta'];
  readonly #places: Places;
  /** The paths whose Blocks are in `#places`, each with the text of its content's Block. */
  readonly #indexed = new Map<string, string>();
  readonly #closing = new AbortController();
  readonly #told = new Set<string>();
  #looking: Promise<void> | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #hasOlder = false;
  #monitor: FolderMonitor | undefined;
  #closed = false;

  constructor(options: PlatonicOptions) {
    this.#options = options;
    this.#meta = options.meta;
    this.name = options.name;
    this.hashName = options.meta.hashName;
    this.edges = options.meta.edges;
    this.offers = {
      access: { write: false },
      archives: { open: (archive) => openArchiveFile(this.archivePath(archive), { readOnly: true }) },
      enumeration: this,
      folders: capability(options.meta, 'folders'),
      location: this,
    };
    this.#places = new Places(hashByName(this.hashName));
  }

  /** Scans all files: reads new and changed ones, and records the tree if it changed. If a scan is running, waits for it. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  /** Scans after each change, from the time when the promise resolves until the Store is closed. @param onLook - called after each scan */
  async watch(onLook: () => void = () => undefined): Promise<void> {
    const { watchFolder } = await import('../monitor/folder-monitor.ts');
    this.#monitor = await watchFolder(
      octetsToText(this.#options.folder),
      async () => {
        if (this.#closed) return;
        await this.look();
        onLook();
      },
      (error) =>
        this.#tell(`watch "${octetsToText(this.#options.folder)}": ${errorReason(error)}; changes are seen when a Block is missed`),
    );
    await this.#monitor.ready;
  }

  async #look(): Promise<void> {
    const { folder, clock, monotonicMs } = this.#options;
    const { signal } = this.#closing;
    const failed: string[] = [];
    const { dirent } = await importLocal(new PlatonicSink(this.#meta), folder, {
      signal,
      onFailure: (path, error) => failed.push(`"${octetsToText(path)}" (${errorReason(error)})`),
    });
    if (failed.length > 0) {
      const more = failed.length > MAX_NAMED ? ` and ${failed.length - MAX_NAMED} more` : '';
      this.#tell(`Store "${this.name}" passes over ${failed.slice(0, MAX_NAMED).join(', ')}${more}`);
    }
    const root = { ...dirent, name: '' as Octets };
    await this.#index(root);
    await this.#meta.flush({ signal });
    const archive = openArchiveFile(this.#meta.archivePath(ARCHIVE), { access: PRIVATE_ACCESS });
    const text = formatDirent(root);
    const line = { whenNs: BigInt(clock().getTime()) * 1_000_000n, dirent: root };
    await archive.append((last) => Promise.resolve(last !== undefined && formatDirent(last.dirent) === text ? undefined : line), {
      signal,
    });
    this.#lookedMs = monotonicMs();
  }

  /** Notes the places of the Blocks of a tree's files; parts that were noted before are skipped. */
  async #index(root: Dirent): Promise<void> {
    const { signal } = this.#closing;
    const walk = walkDirent(this.#meta, root, { signal, damage: true });
    for (let step = await walk.next(); step.done !== true; ) {
      const item: WalkItem = step.value;
      let skip: 'skip' | undefined;
      if (item.kind === 'enter' && (item.dirent.links ?? 0) === 0 && item.dirent.inodes === undefined) {
        skip = this.#isIndexed(item.path, formatBlock(item.dirent.block)) ? 'skip' : undefined;
      } else if (item.kind === 'node' && item.dirent.kind === 'file') await this.#indexFile(item.path, item.dirent);
      step = await (skip === undefined ? walk.next() : walk.next(skip));
    }
  }

  async #indexFile(path: string, dirent: Extract<Dirent, { kind: 'file' }>): Promise<void> {
    const { block, meta } = dirent;
    if (this.#isIndexed(path, formatBlock(block))) return;
    const file = { path: `${this.#options.folder}${path}` as Octets, size: block.span, mtimeNs: meta.mtimeNs ?? 0n };
    try {
      for await (const leaf of leavesOf(this.#meta, block, { signal: this.#closing.signal })) {
        if (leaf.block.kind === 'hash') this.#places.add(leaf.block.hashcode.digest, { file, offset: leaf.start, size: leaf.block.span });
      }
    } catch (error) {
      if (!(error instanceof VtError) || error.code === 'ECANCELLED') throw error;
      this.#indexed.delete(path);
      this.#tell(`Store "${this.name}": ${error.message}`);
    }
  }

  #isIndexed(path: string, block: string): boolean {
    if (this.#indexed.get(path) === block) return true;
    this.#indexed.set(path, block);
    return false;
  }

  /** Makes the next scan index a changed file, and the Dirs above it, again. */
  #forget(file: Octets): void {
    let path = file.slice(this.#options.folder.length);
    for (;;) {
      this.#indexed.delete(path === '' ? '/' : path);
      if (path === '') return;
      path = path.slice(0, path.lastIndexOf('/'));
    }
  }

  add(): Promise<AddResult> {
    return Promise.reject(this.#refusal());
  }

  addBatch(): Promise<boolean[]> {
    return Promise.reject(this.#refusal());
  }

  #refusal(): VtError {
    if (this.#closed) return new ClosedError('add to', this.name);
    return new ReadOnlyError('add to', this.name, { remedy: 'put files into its folder' });
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    if (hashcode.hashName !== this.hashName) return undefined;
    const key = digestKey(hashcode.digest);
    const first = await this.#read(hashcode, key, options);
    if (first.data !== undefined) return first.data;
    // The file has changed or moved, or the Block came after the last scan.
    if (first.stale.length > 0 || this.#options.monotonicMs() - this.#lookedMs >= LOOK_AGAIN_MS) {
      await this.look();
      this.#check('get from', options);
    }
    await this.#indexOlder();
    this.#check('get from', options);
    const second = await this.#read(hashcode, key, options);
    if (second.data !== undefined) return second.data;
    const [place] = second.stale;
    if (place === undefined || !asSeenTest()(place.file)) return undefined;
    throw new CorruptBlockError(
      hashcodeLabel(hashcode),
      octetsToText(place.file.path),
      `other bytes at byte ${place.offset}, though size and time of the file are as they were`,
      {
        remedy: 'restore the file from a copy',
      },
    );
  }

  async #read(
    hashcode: HashCode,
    key: string,
    options: OpOptions,
  ): Promise<{ readonly data?: Uint8Array | undefined; readonly stale: readonly Place[] }> {
    const stale: Place[] = [];
    for (const place of this.#places.of(key)) {
      const data = this.#places.read(place, hashcode.digest);
      if (data !== undefined) return { data, stale };
      stale.push(place);
      this.#places.remove(key, place);
      this.#forget(place.file.path);
    }
    return { data: await this.#meta.get(hashcode, options), stale };
  }

  /** Indexes earlier states too, once per session: a file may still hold older Blocks, such as the former end of a file that grew. */
  async #indexOlder(): Promise<void> {
    if (this.#hasOlder) return;
    this.#hasOlder = true;
    const current = new Map(this.#indexed);
    const archive = openArchiveFile(this.#meta.archivePath(ARCHIVE), { readOnly: true });
    for await (const { dirent } of archive.entries({ signal: this.#closing.signal })) await this.#index(dirent);
    for (const [path, block] of current) this.#indexed.set(path, block);
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    const inMeta = await this.#meta.has(hashcodes, options);
    const isAsSeen = asSeenTest();
    return hashcodes.map(({ hashName, digest }, i) => {
      if (inMeta[i] === true) return true;
      if (hashName !== this.hashName) return false;
      return this.#places.of(digestKey(digest)).some((place) => isAsSeen(place.file) || this.#places.read(place, digest) !== undefined);
    });
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    await this.#meta.flush(options);
  }

  locate(digests: readonly Uint8Array[]): (BlockLocation | undefined)[] {
    if (this.#closed) throw new ClosedError('locate in', this.name);
    const isAsSeen = asSeenTest();
    return digests.map((digest) => this.#places.locate(digest, isAsSeen) ?? capability(this.#meta, 'location')?.locate([digest])[0]);
  }

  async *hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    this.#check('list', options);
    const keys = new Set(this.#places.keys());
    for await (const { digest } of capability(this.#meta, 'enumeration')?.hashcodes(options) ?? []) keys.add(digestKey(digest));
    for (const key of [...keys].sort()) {
      this.#check('list', options);
      yield { hashName: this.hashName, digest: digestOfKey(key) };
    }
  }

  archivePath(name: string): string {
    return this.#meta.archivePath(name);
  }

  #tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#options.onNotice(notice);
  }

  #check(action: string, options: OpOptions): void {
    if (this.#closed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    await this.#monitor?.[Symbol.asyncDispose]();
    await this.#looking?.catch(() => undefined);
    await this.#meta[Symbol.asyncDispose]();
  }
}
