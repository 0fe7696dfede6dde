import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { IngestOnDemand } from '../blockify/ingest/ingest-on-demand.ts';
import { encodeDirent } from '../dirent/dirent-codec.ts';
import { formatDirent, parseDirent } from '../dirent/dirent-text.ts';
import { capability } from '../store/capability.ts';
import { baseName } from '../tree/path.ts';
import { isDamage } from '../tree/walk.ts';
import type { TailMark } from './checkpoint.ts';
import { base64, fromBase64 } from './checkpoint.ts';
import type { Followed, FollowedCounts } from './followed.ts';
import { GrownFiles } from './grown-files.ts';
import { namesIn } from './local-pattern.ts';
import { Retries } from './retries.ts';
import { statOfItself } from './stat-of.ts';
import { StoredSide } from './stored-side.ts';
import { WatchFindings } from './watch-findings.ts';
import type { WatchGroupOptions } from './watch-group-options.ts';
import { type Found, LARGE_SIZE, WatchImport } from './watch-import.ts';
import { WatchPaths } from './watch-paths.ts';
import { WatchRules } from './watch-rules.ts';

/** Changed paths in one round beyond which the whole tree is scanned. */
const MAX_DIRTY = 10_000;

/**
 * A local tree that is stored as PUT would store it. Changed paths are looked at one by one, and now and then the whole tree. What fails is
 * tried again later and delays nothing else; the stored version stays meanwhile.
 */
export class WatchGroup implements Followed {
  readonly folders: readonly Octets[];
  readonly isDeep = true;
  readonly #options: WatchGroupOptions;
  readonly #ingest: IngestOnDemand;
  readonly #grown: GrownFiles;
  readonly #rules: WatchRules | undefined;
  #dirty = new Set<Octets>();
  /** Directories whose entries may have changed. */
  #unlisted = new Set<Octets>();
  #scannedMs = Number.NEGATIVE_INFINITY;
  readonly #findings = new WatchFindings();
  readonly #imports: WatchImport;
  readonly #paths: WatchPaths;
  readonly #retries: Retries;
  readonly #stored: StoredSide;

  constructor(options: WatchGroupOptions) {
    this.#options = options;
    this.folders = [options.folder];
    this.#retries = new Retries('watch', options.onNotice, options.monotonicMs);
    this.#stored = new StoredSide(options);
    this.#rules = options.filter === undefined ? undefined : new WatchRules(options.filter, options.folder);
    this.#ingest = new IngestOnDemand(options.makeIngest, options.monotonicMs);
    this.#grown = new GrownFiles(options.store, options.scanner, this.#ingest, options.monotonicMs);
    const parts = { options, findings: this.#findings, rules: this.#rules, retries: this.#retries, stored: this.#stored };
    this.#imports = new WatchImport(parts);
    this.#paths = new WatchPaths({ ...parts, imports: this.#imports, grown: this.#grown });
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
    if (path === undefined || this.#rules?.isRuleFile(path) === true) this.#findings.needsScan = true;
    else if (this.#dirty.size < MAX_DIRTY) this.#dirty.add(path);
    else this.#findings.needsScan = true;
  }

  noteEntries(directory: Octets): void {
    this.#unlisted.add(directory);
  }

  async look(options: OpOptions): Promise<boolean> {
    const nowMs = this.#options.monotonicMs();
    for (const path of this.#retries.due()) this.#dirty.add(path);
    const unlisted = this.#unlisted;
    this.#unlisted = new Set();
    for (const directory of unlisted) if (!this.#findings.needsScan) await this.#noteNames(directory, options);
    const dirty = [...this.#dirty].sort();
    this.#dirty = new Set();
    this.#rules?.forget();
    try {
      if (!this.#findings.needsScan && nowMs - this.#scannedMs < this.#options.rescanMs) await this.#paths.look(dirty, options);
      if (this.#findings.needsScan || this.#options.monotonicMs() - this.#scannedMs >= this.#options.rescanMs) await this.#scan(options);
    } catch (error) {
      for (const path of dirty) this.#dirty.add(path);
      throw error;
    }
    this.#grown.rest();
    await this.#ingest.rest();
    return this.#findings.changes.length > 0;
  }

  async flush(options: OpOptions): Promise<void> {
    await this.#grown.flush(options);
  }

  async bind(): Promise<void> {
    for (let change = this.#findings.changes[0]; change !== undefined; change = this.#findings.changes[0]) {
      try {
        await change.make();
        this.#retries.clear(change.path);
      } catch (error) {
        this.#retries.fail(change.path, error);
      }
      this.#findings.changes.shift();
    }
  }

  get trouble(): string | undefined {
    return this.#retries.text;
  }

  marks(): TailMark[] {
    // Other files need no mark: the import cache knows them.
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
    // Nothing to note: the tree shows what it has of each file.
  }

  counts(): FollowedCounts {
    const { files, size, newBytes, readBytes } = this.#findings;
    const absent = statOfItself(this.#options.folder) === undefined ? 1 : 0;
    return {
      files,
      absent,
      size,
      newBytes,
      readBytes,
      unreadBytes: 0,
      rotations: 0,
    };
  }

  async close(): Promise<void> {
    this.#grown.close();
    await this.#ingest.close();
  }

  async #scan(options: OpOptions): Promise<void> {
    const { folder, target, tree, store, monotonicMs } = this.#options;
    const stat = statOfItself(folder);
    // Perhaps it is unmounted: keep what is stored.
    if (stat === undefined) return;
    if (!stat.isDirectory()) {
      this.#retries.failFor(folder, 'it is no directory any more');
      return;
    }
    // Makes the import cache of the last scan readable.
    await store.flush(options);
    this.#rules?.forget();
    const before = this.#retries.paths();
    let found: Found;
    try {
      found = await this.#imports.import(folder, folder, LARGE_SIZE, options);
    } catch (error) {
      this.#retries.fail(folder, error);
      return;
    }
    const { dirent, failed } = found;
    for (const path of before) if (!failed.includes(path)) this.#retries.clear(path);
    this.#findings.needsScan = false;
    this.#scannedMs = monotonicMs();
    this.#findings.changes = [];
    try {
      const isThere = (await tree.lookup(target, { follow: false, ...options })) !== undefined;
      if (isThere && Buffer.compare(encodeDirent(await tree.dirent(target, options)), encodeDirent(dirent)) === 0) return;
      this.#findings.add(folder, async () => await tree.bind(target, dirent, options));
    } catch (error) {
      if (!isDamage(error)) throw error;
      // The stored tree is unreadable: replace it.
      this.#findings.add(folder, async () => await tree.bind(target, dirent, options));
    }
  }

  /** Notes each name in a directory, local or stored. A name that only exists locally is imported completely. */
  async #noteNames(directory: Octets, options: OpOptions): Promise<void> {
    this.note(directory);
    const at = this.#stored.pathOf(directory);
    if (!(await this.#stored.areDirs(at, options))) return;
    for (const name of namesIn(directory)) this.note(`${directory}/${name}` as Octets);
    for await (const { name } of this.#options.tree.list(at, options)) this.note(`${directory}/${name}` as Octets);
  }
}
