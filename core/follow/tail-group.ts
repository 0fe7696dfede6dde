import { closeSync } from 'node:fs';
import { PathError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { errorReason } from '../base/system/system-error.ts';
import { UntrustedLinkError } from '../base/system/trusted-open.ts';
import { formatBlock } from '../block/block-text.ts';
import type { Ingest } from '../blockify/ingest/ingest.ts';
import { IngestOnDemand } from '../blockify/ingest/ingest-on-demand.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import type { Meta } from '../dirent/meta.ts';
import { makeDirs } from '../tree/make-dirs.ts';
import type { TreePath } from '../tree/path.ts';
import { baseName, joinPath, parentPath } from '../tree/path.ts';
import type { Tree } from '../tree/tree.ts';
import { isDamage } from '../tree/walk.ts';
import type { Checkpoint, TailMark, TailState } from './checkpoint.ts';
import { fileOf, fromBase64 } from './checkpoint.ts';
import type { Followed, FollowedCounts } from './followed.ts';
import { ItemFailures } from './item-failures.ts';
import type { LocalPattern } from './local-pattern.ts';
import { findPaths, fitsPattern } from './local-pattern.ts';
import { statOf } from './stat-of.ts';
import { Tail } from './tail.ts';
import type { TailContext } from './tail-context.ts';
import { isWholeContent } from './whole-content.ts';

export interface TailGroupOptions extends Omit<TailContext, 'isElsewhere' | 'ingest'> {
  /** Starts the workers for large reads; without it everything runs in this thread. */
  readonly makeIngest?: (() => Ingest) | undefined;
  readonly tree: Tree;
  readonly patterns: readonly LocalPattern[];
  /** The file in the tree that mirrors the one path; with `intoDir` the Dir for all paths, under their own names. */
  readonly target: TreePath;
  readonly intoDir: boolean;
  /** Gives the metadata of new Dirs. */
  readonly dirMeta: () => Meta;
  /** Called with each failure of a single path, once. */
  readonly onNotice: (notice: string) => void;
}

/** A {@link Tail} for each path that matches some patterns, now or later. */
export class TailGroup implements Followed {
  readonly #options: TailGroupOptions;
  readonly #tails = new Map<Octets, Tail>();
  readonly #names = new Map<TreePath, Octets>();
  /** The Dirents that were bound in the tree, by name. */
  readonly #bound = new Map<TreePath, FileDirent>();
  readonly #fits: readonly ((path: Octets) => boolean)[];
  readonly #told = new Set<string>();
  /** Paths that cannot be read; `#unbound`: paths that cannot be bound in the tree. */
  readonly #failures: ItemFailures;
  readonly #unbound: ItemFailures;
  readonly #ingest: IngestOnDemand | undefined;
  #folders: readonly Octets[] = [];

  constructor(options: TailGroupOptions) {
    this.#options = options;
    this.#fits = options.patterns.map(fitsPattern);
    const { makeIngest, monotonicMs, onNotice } = options;
    this.#failures = new ItemFailures('follow', onNotice);
    this.#unbound = new ItemFailures('follow', onNotice);
    this.#ingest = makeIngest === undefined ? undefined : new IngestOnDemand(makeIngest, monotonicMs);
  }

  /**
   * Continues from a checkpoint, or from the state of the previous root if the newer Blocks are lost.
   *
   * @throws {VtError} EFAILED if a checkpoint without a checksum contradicts the files
   */
  async restore({ tails, isChecked }: Pick<Checkpoint, 'tails' | 'isChecked'>, options: OpOptions): Promise<void> {
    for (const mark of tails) await this.#restoreOne(mark, isChecked, options);
  }

  async #restoreOne(mark: TailMark, isChecked: boolean, options: OpOptions): Promise<void> {
    const path = fromBase64(mark.path);
    const name = fromBase64(mark.name) as TreePath;
    if (!isChecked && !(this.#fits.some((fits) => fits(path)) && name === this.#nameOf(path))) throw contradiction(path);
    const states = mark.recorded === undefined || mark.recorded === null ? [mark] : [mark, mark.recorded];
    for (const state of states) {
      if (!(await this.#isThere(name, state, options))) continue;
      const tail = this.#make(path, name);
      if (tail === undefined) return;
      try {
        if (isChecked) await tail.restore(state, mark.recorded ?? undefined, options);
        else if (!(await tail.restoreUnchecked(state, options))) throw contradiction(path);
        return;
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#drop(tail);
      }
    }
    const lost = this.#make(path, name)?.begin(mark);
    if (lost === undefined) return;
    const where = `follow "${octetsToText(path)}": Blocks of "${octetsToText(name)}" are not in the Store any more`;
    if (lost === 0) this.#tell(`${where}: all of it is read from the file again`);
    else
      this.#tell(
        `${where}, and no file has ${lost} of its bytes: it goes on without them; log "${octetsToText(name)}" lists its earlier states`,
      );
  }

  /** Whether the Blocks of a state exist. Those of the tree's content do: a root protects them. */
  async #isThere(name: TreePath, state: TailState, options: OpOptions): Promise<boolean> {
    const { tree, store } = this.#options;
    const { block } = fileOf(state);
    const stored = await tree.lookup(name, options).catch(() => undefined);
    if (stored?.dirent.kind === 'file' && formatBlock(stored.dirent.block) === formatBlock(block)) return true;
    return await isWholeContent(store, block, options);
  }

  get folders(): readonly Octets[] {
    return this.#folders;
  }

  readonly isDeep = false;

  concerns(path: Octets): boolean {
    return this.#tails.has(path) || this.#folders.includes(path) || this.#fits.some((fits) => fits(path));
  }

  note(): void {
    // Every round looks at all files: fstat takes a microsecond.
  }

  noteEntries(): void {
    // As in `note`.
  }

  async look(options: OpOptions): Promise<boolean> {
    // After a failure of the Store, stored bytes come first; then more is read.
    await this.flush(options);
    await this.#discover(options);
    let changed = false;
    for (const tail of this.#tails.values()) {
      try {
        if (await tail.look(options)) changed = true;
        this.#failures.clear(tail.path);
      } catch (error) {
        this.#failures.note(tail.path, error);
      }
    }
    await this.#ingest?.rest();
    return changed || this.#unbound.text !== undefined;
  }

  async flush(options: OpOptions): Promise<void> {
    for (const tail of this.#tails.values()) await tail.flush(options);
  }

  async bind(options: OpOptions): Promise<void> {
    const { tree, dirMeta } = this.#options;
    for (const { dirent, name, path } of this.#tails.values()) {
      if (dirent === undefined || this.#bound.get(name) === dirent) continue;
      try {
        await tree.bind(name, dirent, options).catch(async (error: unknown) => {
          if (!(error instanceof PathError) || error.errno !== 'ENOENT') throw error;
          await makeDirs(tree, parentPath(name), dirMeta(), options);
          await tree.bind(name, dirent, options);
        });
        this.#bound.set(name, dirent);
        this.#unbound.clear(path);
      } catch (error) {
        this.#unbound.note(path, error);
      }
    }
  }

  noteRecorded(): void {
    for (const tail of this.#tails.values())
      if (tail.dirent !== undefined && this.#bound.get(tail.name) === tail.dirent) tail.noteRecorded();
  }

  get trouble(): string | undefined {
    return this.#failures.text ?? this.#unbound.text;
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

  /** Finds new paths. */
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
    const { tree } = this.#options;
    const stat = statOf(path);
    if (stat?.isFile() !== true) {
      if (stat !== undefined && !isGlob) this.#tell(`follow "${octetsToText(path)}": it is not a regular file`);
      // A plain path may appear later.
      return;
    }
    for (const tail of this.#tails.values()) if (tail.had(path, stat)) return;
    if (!this.#isTrusted(path)) return;
    const tail = this.#make(path, this.#nameOf(path));
    if (tail === undefined) return;
    try {
      const stored = await tree.lookup(tail.name, options);
      if (stored?.dirent.kind === 'file') await tail.goOnFrom(stored.dirent, options);
    } catch (error) {
      if (!isDamage(error)) throw error;
      tail.close();
      this.#tell(`follow "${octetsToText(path)}": ${errorReason(error)}: "${octetsToText(tail.name)}" begins anew with the file`);
    }
  }

  /** Whether a path may be followed: it does not lead through symlinks of other users. */
  #isTrusted(path: Octets): boolean {
    try {
      closeSync(this.#options.opener(path));
    } catch (error) {
      if (!(error instanceof UntrustedLinkError)) return true;
      this.#tell(`follow "${octetsToText(path)}": it is left out: ${error.message}`);
      return false;
    }
    return true;
  }

  #nameOf(path: Octets): TreePath {
    const { target, intoDir } = this.#options;
    return intoDir ? joinPath(target, baseName(path as TreePath)) : target;
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

  #drop(tail: Tail): void {
    tail.close();
    this.#tails.delete(tail.path);
    this.#names.delete(tail.name);
  }

  #tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#options.onNotice(notice);
  }
}

function contradiction(path: Octets): VtError {
  return new VtError('EFAILED', `follow "${octetsToText(path)}": its checkpoint is damaged`, {
    remedy: 'untail NAME, then follow it again: it continues if the file still begins with the stored content',
  });
}
