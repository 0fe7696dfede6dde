import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { errorReason } from '../base/system-error.ts';
import type { Ingest } from '../blockify/ingest.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import { baseName, joinPath } from '../tree/path.ts';
import type { Tree, TreePath } from '../tree/tree.ts';
import type { TailMark } from './checkpoint.ts';
import type { Followed, FollowedCounts } from './followed.ts';
import { IngestOnDemand } from './ingest-on-demand.ts';
import type { LocalPattern } from './local-pattern.ts';
import { findPaths, fitsPattern } from './local-pattern.ts';
import { statOf } from './rotated-files.ts';
import type { TailContext } from './tail.ts';
import { fromBase64, Tail } from './tail.ts';

export interface TailGroupOptions extends Omit<TailContext, 'isElsewhere' | 'ingest'> {
  /** Starts the workers that take in what is much; without them all is done in this thread. */
  readonly makeIngest?: (() => Ingest) | undefined;
  readonly tree: Tree;
  readonly patterns: readonly LocalPattern[];
  /** The file that the one path becomes, or the Dir that all go into under their own names. */
  readonly target: TreePath;
  readonly intoDir: boolean;
  /** What goes wrong with one path while the others go on; each thing once. */
  readonly onNotice: (notice: string) => void;
}

/** The paths of some patterns, each a {@link Tail}; those that come to be later, too. */
export class TailGroup implements Followed {
  readonly #options: TailGroupOptions;
  readonly #tails = new Map<Octets, Tail>();
  readonly #names = new Map<TreePath, Octets>();
  /** By their names what of the tails stands in the tree. */
  readonly #bound = new Map<TreePath, FileDirent>();
  readonly #fits: readonly ((path: Octets) => boolean)[];
  readonly #told = new Set<string>();
  readonly #ingest: IngestOnDemand | undefined;
  #folders: readonly Octets[] = [];

  constructor(options: TailGroupOptions) {
    this.#options = options;
    this.#fits = options.patterns.map(fitsPattern);
    const { makeIngest, monotonicMs } = options;
    this.#ingest = makeIngest === undefined ? undefined : new IngestOnDemand(makeIngest, monotonicMs);
  }

  /** Goes on where a checkpoint says that an earlier process ended. */
  async restore(marks: readonly TailMark[], options: OpOptions): Promise<void> {
    for (const mark of marks) {
      const tail = this.#make(fromBase64(mark.path), fromBase64(mark.name) as TreePath);
      if (tail !== undefined) await tail.restore(mark, options);
    }
  }

  get folders(): readonly Octets[] {
    return this.#folders;
  }

  readonly isDeep = false;

  concerns(path: Octets): boolean {
    return this.#tails.has(path) || this.#folders.includes(path) || this.#fits.some((fits) => fits(path));
  }

  note(): void {
    // Every look is at all of them: a descriptor is asked in a microsecond.
  }

  async look(options: OpOptions): Promise<boolean> {
    await this.#discover(options);
    let changed = false;
    for (const tail of this.#tails.values()) {
      try {
        if (await tail.look(options)) changed = true;
      } catch (error) {
        // Of one file; what goes wrong with the Store does so for all.
        if (!isLocal(error)) throw error;
        this.#tell(`follow "${octetsToText(tail.path)}": ${errorReason(error)}`);
      }
    }
    await this.#ingest?.rest();
    return changed;
  }

  async flush(options: OpOptions): Promise<void> {
    for (const tail of this.#tails.values()) await tail.flush(options);
  }

  async bind(options: OpOptions): Promise<void> {
    const { tree } = this.#options;
    for (const { dirent, name } of this.#tails.values()) {
      if (dirent === undefined || this.#bound.get(name) === dirent) continue;
      await tree.bind(name, dirent, options);
      this.#bound.set(name, dirent);
    }
  }

  marks(): TailMark[] {
    return [...this.#tails.values()].map((tail) => tail.mark()).filter((mark) => mark !== undefined);
  }

  counts(): FollowedCounts {
    const sum = { files: 0, absent: 0, size: 0, newBytes: 0, readBytes: 0, unreadBytes: 0, rotations: 0 };
    for (const tail of this.#tails.values()) {
      const counts = tail.counts();
      sum.files++;
      if (!counts.isThere) sum.absent++;
      sum.size += counts.size;
      sum.newBytes += counts.newBytes;
      sum.readBytes += counts.readBytes;
      sum.unreadBytes += counts.unreadBytes;
      sum.rotations += counts.rotations;
    }
    return sum;
  }

  async close(): Promise<void> {
    for (const tail of this.#tails.values()) tail.close();
    await this.#ingest?.close();
  }

  /** Finds the paths that have come to be. */
  async #discover(options: OpOptions): Promise<void> {
    const folders = new Set<Octets>();
    for (const pattern of this.#options.patterns) {
      const found = findPaths(pattern);
      for (const folder of found.folders) folders.add(folder);
      for (const path of found.paths) if (!this.#tails.has(path)) await this.#consider(path, pattern, options);
    }
    this.#folders = [...folders];
  }

  async #consider(path: Octets, { isGlob }: LocalPattern, options: OpOptions): Promise<void> {
    const { target, intoDir, tree } = this.#options;
    const stat = statOf(path);
    if (stat?.isFile() !== true) {
      if (stat !== undefined && !isGlob) this.#tell(`follow "${octetsToText(path)}": it is not a regular file`);
      // A plain path is waited for.
      return;
    }
    for (const tail of this.#tails.values()) if (tail.had(path, stat)) return;
    const tail = this.#make(path, intoDir ? joinPath(target, baseName(path as TreePath)) : target);
    if (tail === undefined) return;
    const stored = await tree.lookup(tail.name, options);
    if (stored?.dirent.kind === 'file') await tail.adopt(stored.dirent, options);
  }

  #make(path: Octets, name: TreePath): Tail | undefined {
    const other = this.#names.get(name);
    if (other !== undefined) {
      this.#tell(`follow "${octetsToText(path)}": "${octetsToText(name)}" is "${octetsToText(other)}" already`);
      return undefined;
    }
    const isElsewhere: TailContext['isElsewhere'] = (file, asker) => {
      for (const each of this.#tails.values()) if (each !== asker && each.has(file)) return true;
      return false;
    };
    const tail = new Tail(path, name, { ...this.#options, ingest: this.#ingest, isElsewhere });
    this.#tails.set(path, tail);
    this.#names.set(name, path);
    return tail;
  }

  #tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#options.onNotice(notice);
  }
}

/** Whether an error is one of a system call on a local file, as a filesystem that went away gives. */
function isLocal(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
