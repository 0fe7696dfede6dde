import type { LocalSession, OtherSource } from '../../commands/session.ts';
import type { Archive, RecordedDir } from '../../core/archive/archive.ts';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import { findEntry } from '../../core/archive/find-entry.ts';
import { ClosedError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../core/dirent/empty-root.ts';
import { TailTable } from '../../core/follow/tail-table.ts';
import type { RecordAs } from '../../core/history/ancestry.ts';
import { PeerTable } from '../../core/openers/peer-table.ts';
import type { ServedMount } from '../../core/store/capabilities.ts';
import { capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import { LiveTree, openLiveTree } from '../../core/tree/live/live-tree.ts';
import { nearestDir } from '../../core/tree/nearest-dir.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import { standsAlso } from '../../core/tree/stands-also.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { Authorship } from './authorship.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { ReadOnlyTree } from './read-only-tree.ts';
import { RootRecord, requireDir } from './root-record.ts';
import { openSource } from './source.ts';
import { isAbsent } from './stores.ts';

export interface SessionOptions extends Omit<SourceOptions, 'localCwd' | 'signal'> {
  readonly source: Octets | undefined;
  readonly localCwd: Octets;
  readonly settings: Map<string, string>;
  /** Nothing is ever synced: `-n`. */
  readonly plan: boolean;
  /** Warnings: conflicts of a merge. */
  readonly warn: (message: string) => void;
  readonly runScript: LocalSession['runScript'];
  readonly history: () => readonly string[];
}

/** Opens the source of a session. */
export async function makeSession(options: SessionOptions, signal?: AbortSignal): Promise<ShellSession> {
  return new ShellSession(await openSource(options.source, { ...options, signal }), options);
}

/** The session of one run of the shell. */
export class ShellSession implements LocalSession {
  cwd: TreePath = ROOT_PATH;
  previousCwd: TreePath | undefined;
  previousView: string | undefined;
  localCwd: Octets;
  previousLocalCwd: Octets | undefined;
  readonly settings: Map<string, string>;
  readonly aliases = new Map<string, string>();
  readonly peers = new PeerTable();
  readonly tails = new TailTable();
  readonly #options: SessionOptions;
  readonly #author = new Authorship();
  #source: OpenedSource;
  /** What it was opened by. */
  #opened: Octets | undefined;
  /** The live tree at the present state; of a merge with another session's the merged one. */
  #present: Tree;
  #record: RootRecord;
  /** Blocks of the tree have come, and it is to be recorded. */
  #mustKeep = false;
  #past: { readonly view: string; readonly tree: Tree } | undefined;
  #hasSynced = false;
  #quitStatus: number | undefined;
  #isQuitting = false;
  /** Those that hold the very object of the present tree. */
  #pins = 0;
  #isClosed = false;
  /** The root that was recorded last, as it was looked at last. */
  #recorded: LiveTree | undefined;
  /** The sync under way. */
  #syncing: Promise<unknown> = Promise.resolve();

  constructor(source: OpenedSource, options: SessionOptions) {
    this.#options = options;
    this.#source = source;
    this.#opened = options.source;
    this.#present = source.tree;
    this.#record = new RootRecord(source, { ...options, author: this.#author });
    this.cwd = source.start ?? ROOT_PATH;
    this.localCwd = options.localCwd;
    this.settings = options.settings;
  }

  get tree(): Tree {
    return this.#past?.tree ?? this.#present;
  }

  get store(): Store {
    return this.#source.store;
  }

  /** Refuses to read of a Store or archive that was named, is not there, and has not been written to. */
  requireStore(action: string): void {
    const { lacksArchive } = this.#source;
    if (lacksArchive !== undefined && !this.isChanged && !this.#hasSynced)
      throw new VtError('EOPEN', `${action}: Store "${this.store.name}" has no archive "${lacksArchive}"`, {
        remedy: 'mend its name; a new one is made by the first put or mkdir',
      });
    if (this.#source.lacksStore !== true || this.isChanged || !isAbsent(this.store)) return;
    throw new VtError('EOPEN', `${action}: there is no Store "${this.store.name}"`, {
      remedy: 'mend its name; a new one is made by the first put or mkdir',
    });
  }

  get archive(): Archive | undefined {
    return this.#source.archive;
  }

  get archiveName(): string | undefined {
    return this.#source.archiveName;
  }

  get attachedTo(): ServedMount | undefined {
    return this.#source.mount;
  }

  get isReference(): boolean {
    return this.#source.mayLackBlocks === true;
  }

  get view(): string | undefined {
    return this.#past?.view;
  }

  get mustRecite(): boolean {
    return !this.#options.plan && this.#present.can.sync && (this.#hasSynced || this.#isQuitting || this.isChanged);
  }

  /** Whether `quit` was said. */
  get isQuitting(): boolean {
    return this.#isQuitting;
  }

  /** The status that `exit N` asked for. */
  get quitStatus(): number | undefined {
    return this.#quitStatus;
  }

  get isChanged(): boolean {
    return this.#mustKeep || !this.#present.isAt(this.#record.base);
  }

  async keep(signal?: AbortSignal): Promise<void> {
    const { served } = this.#source;
    if (served !== undefined) await served.keep(signal);
    else if (!(await this.#record.hasBase(signal, true))) this.#mustKeep = true;
  }

  get history(): readonly string[] {
    return this.#options.history();
  }

  quit(status?: number): void {
    this.#isQuitting = true;
    this.#quitStatus = status;
  }

  async runScript(path: Octets, name: string, signal: AbortSignal): Promise<void> {
    await this.#options.runScript(path, name, signal);
  }

  async visit(view: string | undefined, signal?: AbortSignal): Promise<void> {
    const spec = view?.replace(/^@/, '') ?? '';
    if (spec === '') {
      await this.#leavePast();
      return;
    }
    const state = await this.stateAt(spec, signal);
    await this.#leavePast();
    this.#past = state;
    await this.#keepCwd();
  }

  async stateAt(spec: string, signal?: AbortSignal): Promise<{ readonly view: string; readonly tree: Tree }> {
    const { archive } = this.#source;
    if (archive === undefined) throw new VtError('EFAILED', `show state @${spec}: "${this.#present.name}" has no archive`);
    const entry = await findEntry(archive, spec, this.#options.now(), { signal });
    if (entry.dirent.kind !== 'dir') throw new VtError('EFAILED', `show state @${spec}: it is a ${entry.dirent.kind}, not a Dir`);
    return { view: `@${entry.number}`, tree: new ReadOnlyTree(openLiveTree(this.store, entry.dirent), `@${entry.number}`) };
  }

  async #leavePast(): Promise<void> {
    const past = this.#past;
    this.#past = undefined;
    await past?.tree[Symbol.asyncDispose]();
    if (past !== undefined) await this.#keepCwd();
  }

  async #keepCwd(): Promise<void> {
    this.cwd = await nearestDir(this.tree, this.cwd);
  }

  async open(reference: Octets, signal?: AbortSignal): Promise<void> {
    if (this.#pins > 0)
      throw new VtError('EFAILED', `open "${octetsToText(reference)}": the tree of this session is mounted, or files are followed into it`);
    if (this.mustRecite) await this.sync(signal);
    const next = await openSource(reference, { ...this.#options, localCwd: this.localCwd, signal });
    await this.#leavePast();
    await this.#present[Symbol.asyncDispose]();
    if (next.store !== this.store) await this.store[Symbol.asyncDispose]();
    this.#use(next, reference);
  }

  async whileClosed(work: () => void, signal?: AbortSignal): Promise<void> {
    await this.#alone(async () => {
      const { cwd } = this;
      await this.#leavePast();
      await this.#present[Symbol.asyncDispose]();
      await this.store[Symbol.asyncDispose]();
      try {
        work();
      } finally {
        this.#use(await openSource(this.#opened, { ...this.#options, localCwd: this.localCwd, signal }), this.#opened);
      }
      this.cwd = cwd;
      await this.#keepCwd();
    });
  }

  #use(next: OpenedSource, reference: Octets | undefined): void {
    this.#source = next;
    this.#opened = reference;
    this.#present = next.tree;
    this.#record = new RootRecord(next, { ...this.#options, author: this.#author });
    this.#mustKeep = false;
    this.#hasSynced = false;
    this.cwd = next.start ?? ROOT_PATH;
    this.previousCwd = undefined;
    this.previousView = undefined;
  }

  async openOther(reference: Octets, signal?: AbortSignal): Promise<OtherSource> {
    const {
      tree,
      store,
      archive,
      number,
      isDirectory = false,
      start = ROOT_PATH,
    } = await openSource(reference, {
      ...this.#options,
      directories: 'beside',
      localCwd: this.localCwd,
      signal,
    });
    return {
      tree,
      store,
      archive,
      number,
      isDirectory,
      start,
      async [Symbol.asyncDispose]() {
        await tree[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  }

  get isPinned(): boolean {
    return this.#pins > 0;
  }

  pin(): () => void {
    this.#pins++;
    let isHeld = true;
    return () => {
      if (isHeld) this.#pins--;
      isHeld = false;
    };
  }

  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#alone(async () => {
      if (this.#source.served !== undefined) {
        await this.#source.served.refresh(signal);
        return;
      }
      const root = (await this.#source.archive?.last({ signal }))?.dirent;
      if (this.isChanged || root?.kind !== 'dir' || this.#present.isAt(root)) return;
      await this.#show(root, signal);
      this.#record.movedTo(root);
    });
  }

  async takeIn(signal?: AbortSignal): Promise<void> {
    await this.#alone(async () => {
      const root = (await this.#source.archive?.last({ signal }))?.dirent;
      if (root?.kind !== 'dir' || this.#record.isBase(root)) return;
      if (this.isChanged && this.#present.can.sync) {
        const ours = requireDir(await this.#present.sync({ signal }));
        await this.#show(await this.#merge(this.#record.baseDir, ours, root, signal), signal, ours);
      } else await this.#show(root, signal);
      this.#record.movedTo(root);
    });
  }

  async become(action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal?: AbortSignal): Promise<void> {
    await this.#alone(async () => {
      const { served } = this.#source;
      if (served !== undefined) await served.become(action, target, newest, signal);
      else await this.#record.replace(action, target, newest, async () => await this.#show(target.dirent, signal), signal);
      this.#hasSynced = true;
      await this.#keepCwd();
    });
  }

  reopenWords(source: Octets | undefined): readonly string[] {
    const { storeSpecification } = this.#options;
    const opened = source ?? this.#opened;
    const { isReference, archive } = this.#source;
    const { base } = this.#record;
    // A Dirref opens the tree as it was: what goes on in the default archive, or nowhere, is opened as it is now.
    const word =
      source === undefined && isReference === true
        ? archive === undefined
          ? base && formatDirent(base)
          : undefined
        : opened && octetsToText(opened);
    return [...(storeSpecification === undefined ? [] : ['--store', storeSpecification]), ...(word === undefined ? [] : [word])];
  }

  async sync(signal?: AbortSignal, as?: RecordAs): Promise<string> {
    return await this.#alone(async () => {
      const before = this.#record.recorded;
      const root = await this.#syncNow(signal, as);
      if (this.#author.recorded(this.#record.recorded > before) !== undefined)
        this.#options.warn('nothing has changed since the last root, so no root has the message');
      return root;
    });
  }

  note(command: string): void {
    this.#author.note(command);
  }

  describe(message: string): void {
    if (this.#source.served !== undefined)
      throw new VtError('EUNSUPPORTED', 'sync -m: the process of the mount records the roots, and takes no message');
    this.#author.describe(message);
  }

  async recordBefore(path: TreePath, signal?: AbortSignal): Promise<void> {
    const { archive, served } = this.#source;
    if (this.#options.plan || archive === undefined || !this.#present.can.sync || this.#past !== undefined) return;
    // What others changed on a mount only the mount knows.
    if (served !== undefined) {
      await served.recordBefore(path, signal);
      return;
    }
    if (!this.isChanged) return;
    const recorded = this.#record.base;
    if (recorded === undefined || recorded.kind === 'dir') {
      this.#recorded = this.#recorded?.isAt(recorded) === true ? this.#recorded : openLiveTree(this.store, recorded);
      if (await standsAlso(this.#present, path, this.#recorded, { signal })) return;
    }
    await this.sync(signal);
  }

  /** Two that sync or replace the tree at a time would take each other for another session. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#syncing.then(async () => {
      if (this.#isClosed) throw new ClosedError('sync', this.#present.name);
      return await work();
    });
    this.#syncing = done.catch(() => undefined);
    return await done;
  }

  async #syncNow(signal: AbortSignal | undefined, as: RecordAs | undefined): Promise<string> {
    const record = this.#record;
    if (this.#options.plan || !this.#present.can.sync) return record.base === undefined ? '' : formatDirent(record.base);
    if (this.#source.served !== undefined) {
      // What others changed counts too, and only the mount knows of that.
      const root = as === undefined ? await this.#present.sync({ signal }) : await this.#source.served.record(as, signal);
      record.movedTo(root);
      this.#hasSynced = true;
      return formatDirent(root);
    }
    const isRecorded = async (): Promise<boolean> => as === undefined && !this.#mustKeep && (await record.hasBase(signal));
    const live = this.#present instanceof LiveTree ? this.#present : undefined;
    const log = live?.log;
    if (record.base !== undefined && !this.isChanged && log?.isEmpty !== false && (await isRecorded())) return formatDirent(record.base);
    const ours = requireDir(await (live?.sync({ signal, asRoot: true }) ?? this.#present.sync({ signal })));
    // What was written again as it was is no change either.
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
    if (capability(this.store, 'durability')?.durability === 'none')
      this.#options.warn('durability is none: what was recited may not outlive a loss of power');
    return formatDirent(root);
  }

  /**
   * Makes the tree another state: by its differences where others hold it, or something is in it alone.
   *
   * @param before - what the tree is, but for changes since, which stay; default what was recorded last
   */
  async #show(root: DirDirent, signal: AbortSignal | undefined, before: DirDirent = this.#record.baseDir ?? EMPTY_ROOT): Promise<void> {
    if (this.#present instanceof LiveTree && (this.#pins > 0 || !this.#present.isAt(before))) {
      for (const { path, theirsAt } of await this.#present.adopt(before, root, { signal }))
        this.#options.warn(
          `merge "${octetsToText(path)}": it changed meanwhile; ${theirsAt === undefined ? 'it is kept' : `the recorded state is kept as "${octetsToText(theirsAt)}"`}`,
        );
      return;
    }
    await this.#present[Symbol.asyncDispose]();
    this.#present = openLiveTree(this.store, root);
    if (this.#past === undefined) await this.#keepCwd();
  }

  async #merge(base: DirDirent | undefined, ours: DirDirent, theirs: DirDirent, signal: AbortSignal | undefined): Promise<DirDirent> {
    const { mergeRoots } = await import('./merge-roots.ts');
    return await mergeRoots(this.store, base, ours, theirs, { warn: this.#options.warn, now: this.#options.now(), signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    await this.tails[Symbol.asyncDispose]();
    this.#isClosed = true;
    await this.peers[Symbol.asyncDispose]();
    await this.#past?.tree[Symbol.asyncDispose]();
    await this.#present[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}
