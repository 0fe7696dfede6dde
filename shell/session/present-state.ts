import type { ArchiveEntry, RecordedDir } from '../../core/archive/archive.ts';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { DirDirent, Dirent } from '../../core/dirent/dirent.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../core/dirent/empty-root.ts';
import type { RecordAs } from '../../core/history/ancestry.ts';
import { capability } from '../../core/store/capability.ts';
import { LiveTree, openLiveTree } from '../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { standsAlso } from '../../core/tree/stands-also.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { OpenedSource } from './opened-source.ts';
import { RootRecord, type RootRecordOptions, requireDir } from './root-record.ts';

/** Options of a {@link PresentState}. */
export interface PresentStateOptions extends RootRecordOptions {
  /** Whether nothing is ever synced: `-n`. */
  readonly plan: boolean;
  /** Called when another tree has replaced the present one. */
  readonly onReplaced: () => Promise<void>;
}

/**
 * The present tree of one source, and its recorded roots. Only one method that records or replaces the tree may run at a time: two
 * would mistake each other for another session.
 */
export class PresentState implements AsyncDisposable {
  readonly source: OpenedSource;
  readonly #options: PresentStateOptions;
  readonly #record: RootRecord;
  #tree: Tree;
  /** Blocks of the tree have arrived, so the next sync must record it. */
  #mustKeep = false;
  #hasSynced = false;
  /** How many holders need the tree to stay the same object. */
  #pins = 0;
  /** The last recorded root, opened for comparison. */
  #recorded: LiveTree | undefined;

  constructor(source: OpenedSource, options: PresentStateOptions) {
    this.source = source;
    this.#options = options;
    this.#tree = source.tree;
    this.#record = new RootRecord(source, options);
  }

  get tree(): Tree {
    return this.#tree;
  }

  /** The last recorded root that this session knows. */
  get base(): Dirent | undefined {
    return this.#record.base;
  }

  /** Whether this session recorded an archive entry recently, or last took it in. */
  knows(entry: ArchiveEntry): boolean {
    return this.#record.knows(entry);
  }

  /** How many roots this session recorded. */
  get recorded(): number {
    return this.#record.recorded;
  }

  /** Whether it was synced since it was opened. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get isChanged(): boolean {
    return this.#mustKeep || !this.#tree.isAt(this.#record.base);
  }

  get isPinned(): boolean {
    return this.#pins > 0;
  }

  /** As `LocalSession.pin`. */
  pin(): () => void {
    this.#pins++;
    let isHeld = true;
    return () => {
      if (isHeld) this.#pins--;
      isHeld = false;
    };
  }

  async keep(signal?: AbortSignal): Promise<void> {
    const { served } = this.source;
    if (served !== undefined) await served.keep(signal);
    else if (!(await this.#record.hasBase(signal, true))) this.#mustKeep = true;
  }

  async refresh(signal?: AbortSignal): Promise<void> {
    if (this.source.served !== undefined) {
      await this.source.served.refresh(signal);
      return;
    }
    const root = (await this.source.archive?.last({ signal }))?.dirent;
    if (this.isChanged || root?.kind !== 'dir' || this.#tree.isAt(root)) return;
    await this.#show(root, signal);
    this.#record.movedTo(root);
  }

  async takeIn(signal?: AbortSignal): Promise<void> {
    const root = (await this.source.archive?.last({ signal }))?.dirent;
    if (root?.kind !== 'dir' || this.#record.isBase(root)) return;
    if (this.isChanged && this.#tree.can.sync) {
      const ours = requireDir(await this.#tree.sync({ signal }));
      await this.#show(await this.#merge(this.#record.baseDir, ours, root, signal), signal, ours);
    } else await this.#show(root, signal);
    this.#record.movedTo(root);
  }

  async become(action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal?: AbortSignal): Promise<void> {
    const { served } = this.source;
    if (served !== undefined) await served.become(action, target, newest, signal);
    else await this.#record.replace(action, target, newest, async () => await this.#show(target.dirent, signal), signal);
    this.#hasSynced = true;
  }

  /** Whether something at a path is in no recorded state, so that a sync must precede its removal. */
  async hasUnrecorded(path: TreePath, signal?: AbortSignal): Promise<boolean> {
    if (!this.isChanged) return false;
    const recorded = this.#record.base;
    if (recorded !== undefined && recorded.kind !== 'dir') return true;
    this.#recorded = this.#recorded?.isAt(recorded) === true ? this.#recorded : openLiveTree(this.source.store, recorded);
    return !(await standsAlso(this.#tree, path, this.#recorded, { signal }));
  }

  /**
   * Stores the tree and records its root, merged with roots of others.
   *
   * @returns the Dirref; '' if nothing was recorded yet and nothing can be
   */
  async sync(signal: AbortSignal | undefined, as: RecordAs | undefined): Promise<string> {
    const record = this.#record;
    if (this.#options.plan || !this.#tree.can.sync) return record.base === undefined ? '' : formatDirent(record.base);
    if (this.source.served !== undefined) {
      // Others may have changed the mount too; only its process knows.
      const root = as === undefined ? await this.#tree.sync({ signal }) : await this.source.served.record(as, signal);
      record.movedTo(root);
      this.#hasSynced = true;
      return formatDirent(root);
    }
    const isRecorded = async (): Promise<boolean> => as === undefined && !this.#mustKeep && (await record.hasBase(signal));
    const live = this.#tree instanceof LiveTree ? this.#tree : undefined;
    const log = live?.log;
    if (record.base !== undefined && !this.isChanged && log?.isEmpty !== false && (await isRecorded())) return formatDirent(record.base);
    const ours = requireDir(await (live?.sync({ signal, asRoot: true }) ?? this.#tree.sync({ signal })));
    // Rewriting the same content is not a change.
    if (record.isBase(ours) && (await isRecorded())) {
      await log?.rootRecorded(ours);
      return formatDirent(ours);
    }
    const merge = async (base: DirDirent | undefined, theirs: DirDirent): Promise<DirDirent> =>
      await this.#merge(base, ours, theirs, signal);
    const root = await record.append(ours, merge, { as, signal, before: async (line) => await log?.rootFollows(ours, line) });
    await log?.rootRecorded(ours);
    this.#mustKeep = false;
    this.#hasSynced = true;
    if (root !== ours) await this.#show(root, signal, ours);
    if (capability(this.source.store, 'durability')?.durability === 'none')
      this.#options.warn('durability is none: this Dirref may be lost in a power failure');
    return formatDirent(root);
  }

  /**
   * Changes the tree to another state. If the tree is pinned or has further changes, only the differences are applied.
   *
   * @param before - the state that the tree had, apart from later changes, which stay; default: the last recorded root
   */
  async #show(root: DirDirent, signal: AbortSignal | undefined, before: DirDirent = this.#record.baseDir ?? EMPTY_ROOT): Promise<void> {
    if (this.#tree instanceof LiveTree && (this.#pins > 0 || !this.#tree.isAt(before))) {
      for (const { path, theirsAt } of await this.#tree.adopt(before, root, { signal }))
        this.#options.warn(
          `merge "${octetsToText(path)}": it changed meanwhile; ${theirsAt === undefined ? 'it is kept' : `the recorded state is kept as "${octetsToText(theirsAt)}"`}`,
        );
      return;
    }
    await this.#tree[Symbol.asyncDispose]();
    this.#tree = openLiveTree(this.source.store, root);
    await this.#options.onReplaced();
  }

  async #merge(base: DirDirent | undefined, ours: DirDirent, theirs: DirDirent, signal: AbortSignal | undefined): Promise<DirDirent> {
    const { mergeRoots } = await import('./merge-roots.ts');
    return await mergeRoots(this.source.store, base, ours, theirs, { warn: this.#options.warn, now: this.#options.now(), signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tree[Symbol.asyncDispose]();
  }
}
