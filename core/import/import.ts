import { namedError } from '../base/error-parts.ts';
import { throwIfCancelled } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { NO_OWNER_NAMES, systemOwnerNames } from '../base/system/owner-names.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { BothSinks } from '../block/block-sink.ts';
import { parserNamed } from '../blockify/choose-parser.ts';
import { Ingest } from '../blockify/ingest/ingest.ts';
import { decodeDirent } from '../dirent/dirent-codec.ts';
import type { Store } from '../store/store.ts';
import { withoutSingles } from '../tree/live/without-singles.ts';
import type { ImportContext } from './import-context.ts';
import type { EntryOutcome } from './import-dir.ts';
import { ImportFailures } from './import-failures.ts';
import { ImportedLinks } from './import-links.ts';
import { kindOfMode } from './import-meta.ts';
import type { StoredNode } from './import-node.ts';
import { elementOf } from './import-node.ts';
import type { ImportCounts, ImportOptions } from './import-options.ts';
import { ImportTop } from './import-top.ts';
import { ImportWalk } from './import-walk.ts';
import { OpenDirs } from './open-dirs.ts';
import { RememberedDirs } from './remembered-dirs.ts';

/** The result of an import. */
export interface Imported {
  /** Self-contained, with the local name. Its Blocks have been added, but not flushed. */
  readonly dirent: StoredNode;
  readonly counts: ImportCounts;
  /** A node below it has further names outside. */
  readonly isLinkedBeyond: boolean;
}

/** Milliseconds between two reports of progress when the walk makes none. */
const PROGRESS_MS = 100;

/**
 * Imports a local file or tree. Contents go to the Store through one {@link Ingest}, names and metadata into Dirs. Symlinks are stored,
 * not followed. Files that have not changed since an earlier import are not opened.
 *
 * A node that cannot be read is reported to `onFailure`, and its stored state is kept. A directory that cannot be listed becomes a Dir
 * with its current metadata. A file that keeps changing is reported too, and stored as it was last read.
 *
 * Symlinks in `path` are followed, except for its last name. Below it, each directory is opened from its parent. So nobody can make us
 * import
 * other files by replacing a directory by a symlink.
 *
 * @param path - local, without a trailing slash
 * @throws an error with the system's code if `path` itself cannot be read, the Store's error, or ECANCELLED
 * @throws {VtError} for a rules file that cannot be parsed
 * @throws {RangeError} for an unknown parser
 */
export async function importLocal(store: Store, path: Octets, options: ImportOptions = {}): Promise<Imported> {
  if (options.parser !== undefined) parserNamed(options.parser);
  throwIfCancelled(options.signal);
  await using ingest = new Ingest(store, { signal: options.signal, workers: options.workers, plan: options.plan, parser: options.parser });
  return await new Import(store, ingest, path, options).run();
}

class Import {
  readonly #store: Store;
  readonly #ingest: Ingest;
  readonly #options: ImportOptions;
  readonly #dirs: BlockSink;
  readonly #top: ImportTop;
  readonly #context: ImportContext;
  readonly #remembered: RememberedDirs;
  readonly #walk: ImportWalk;

  constructor(store: Store, ingest: Ingest, path: Octets, options: ImportOptions) {
    this.#store = store;
    this.#ingest = ingest;
    this.#options = options;
    this.#dirs = options.dirs === undefined ? ingest.pending : new BothSinks(ingest.pending, options.dirs);
    const open = new OpenDirs();
    const counts = { files: 0, bytes: 0, dirs: 0, others: 0, unchangedFiles: 0, unchangedBytes: 0, excluded: 0, failures: 0 };
    const owners = options.numericOwners === true ? NO_OWNER_NAMES : (options.owners ?? systemOwnerNames());
    this.#top = new ImportTop(path, open);
    this.#context = {
      top: this.#top,
      ingest,
      owners,
      links: new ImportedLinks(),
      counts,
      failures: new ImportFailures(this.#top, counts, options),
      reread: options.reread === true,
      keepsTypes: options.keepsTypes === true,
    };
    this.#remembered = new RememberedDirs(store, ingest, owners, options);
    const parts = { context: this.#context, remembered: this.#remembered, dirs: this.#dirs, open, options };
    this.#walk = new ImportWalk({ ...parts, onProgress: () => this.#tellProgress() });
  }

  async run(): Promise<Imported> {
    try {
      await this.#remembered.open();
      return await this.#importTop();
    } finally {
      this.#top.release();
      this.#walk.abandon();
    }
  }

  async #importTop(): Promise<Imported> {
    const { links } = this.#context;
    let dirent = await this.#walkFromTop();
    if (dirent.kind === 'dir') {
      const inodes = links.store(this.#dirs);
      if (inodes !== undefined) dirent = { ...dirent, inodes };
    }
    await this.#remembered.flush();
    throwIfCancelled(this.#options.signal);
    this.#tellProgress();
    const isLinkedBeyond = links.hasSingles;
    if (dirent.kind === 'dir' && isLinkedBeyond) dirent = await withoutSingles(this.#store, dirent, this.#options);
    return { dirent, counts: this.#counts(), isLinkedBeyond };
  }

  /** Imports the top and everything below. */
  async #walkFromTop(): Promise<StoredNode> {
    const { failures } = this.#context;
    const { place, path } = this.#top;
    const stat = place.dir.lstat(elementOf(place));
    let settle: (outcome: EntryOutcome) => void = () => {};
    const outcome = new Promise<EntryOutcome>((resolve) => {
      settle = resolve;
    });
    const top = { ...place, stat, settle };
    // Await the walk before the outcome: if the Store failed, there may be an outcome whose Blocks were not added.
    const ticker = setInterval(() => this.#tellProgress(), PROGRESS_MS);
    try {
      await this.#walk.run(kindOfMode(stat.mode) === 'dir' ? { ...top, cached: undefined } : this.#remembered.single(top));
    } finally {
      clearInterval(ticker);
    }
    const { record } = await outcome;
    failures.throwIfEnded();
    if (record === undefined)
      throw failures.ofTop === undefined ? new Error('left out') : namedError(failures.ofTop.error, octetsToText(path));
    if (failures.ofTop !== undefined) this.#options.onFailure?.(path, failures.ofTop.error, false);
    const { value: dirent } = decodeDirent(record, 0);
    if (dirent.kind === 'indirect') throw new Error('import: the top became a hard link');
    return dirent;
  }

  #tellProgress(): void {
    const counts = this.#counts();
    const doneBytes = Math.min(counts.bytes, counts.unchangedBytes + this.#ingest.readBytes);
    this.#options.onProgress?.({ ...counts, doneBytes, isWalked: this.#walk.isDone });
  }

  #counts(): ImportCounts {
    return { ...this.#context.counts, ...this.#ingest.counts() };
  }
}
