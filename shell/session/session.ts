import type { Bookmark, LocalSession, OtherSource } from '../../commands/session.ts';
import type { Archive, ArchiveEntry, RecordedDir } from '../../core/archive/archive.ts';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import { ClosedError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { TailTable } from '../../core/follow/tail-table.ts';
import type { RecordAs } from '../../core/history/ancestry.ts';
import { PeerTable } from '../../core/openers/peer-table.ts';
import type { ServedMount } from '../../core/store/capabilities.ts';
import { requireKey } from '../../core/store/check-blocks.ts';
import type { Store } from '../../core/store/store.ts';
import { nearestDir } from '../../core/tree/nearest-dir.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { JobTable } from '../jobs/job-table.ts';
import { Authorship } from './authorship.ts';
import { readBookmarks, writeBookmarks } from './bookmarks.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { openState, type ShownState } from './past-state.ts';
import { PresentState } from './present-state.ts';
import { absoluteSource, openSource } from './source.ts';
import { isAbsent } from './stores.ts';

export interface SessionOptions extends Omit<SourceOptions, 'localCwd' | 'signal'> {
  readonly source: Octets | undefined;
  readonly localCwd: Octets;
  readonly settings: Map<string, string>;
  /** Whether nothing is ever synced: `-n`. */
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
  readonly jobs = new JobTable();
  readonly #options: SessionOptions;
  readonly #author = new Authorship();
  /** The opened tree. `#opened`: the source that opened it. */
  #present: PresentState;
  #opened: Octets | undefined;
  #past: ShownState | undefined;
  #quitStatus: number | undefined;
  #isQuitting = false;
  #isClosed = false;
  /** The running work of `#alone`. */
  #working: Promise<unknown> = Promise.resolve();

  constructor(source: OpenedSource, options: SessionOptions) {
    this.#options = options;
    this.#opened = options.source && absoluteSource(options.source, options.localCwd);
    this.#present = this.#presentOf(source);
    this.cwd = source.start ?? ROOT_PATH;
    this.localCwd = options.localCwd;
    this.settings = options.settings;
  }

  #presentOf(source: OpenedSource): PresentState {
    const onReplaced = async (): Promise<void> => {
      if (this.#past === undefined) await this.#keepCwd();
    };
    return new PresentState(source, { ...this.#options, author: this.#author, onReplaced });
  }

  get tree(): Tree {
    return this.#past?.tree ?? this.#present.tree;
  }

  get store(): Store {
    return this.#present.source.store;
  }

  /**
   * Refuses to work on a sealed tree without its key. Unless `mayMake` is set, also refuses a named Store or archive that does not exist.
   *
   * @throws {VtError} EOPEN, EPERM
   */
  requireStore(action: string, mayMake: boolean): void {
    const { isDirectory, lacksArchive, lacksStore } = this.#present.source;
    if (isDirectory !== true) requireKey(this.store, action);
    if (mayMake) return;
    const remedy = 'correct the name; put or mkdir makes a new one';
    if (lacksArchive !== undefined && !this.isChanged && !this.#present.hasSynced)
      throw new VtError('EOPEN', `${action}: Store "${this.store.name}" has no archive "${lacksArchive}"`, { remedy });
    if (lacksStore === true && !this.isChanged && isAbsent(this.store))
      throw new VtError('EOPEN', `${action}: there is no Store "${this.store.name}"`, { remedy });
  }

  get archive(): Archive | undefined {
    return this.#present.source.archive;
  }

  get archiveName(): string | undefined {
    return this.#present.source.archiveName;
  }

  get attachedTo(): ServedMount | undefined {
    return this.#present.source.mount;
  }

  get isReference(): boolean {
    return this.#present.source.mayLackBlocks === true;
  }

  get view(): string | undefined {
    return this.#past?.view;
  }

  get mustRecite(): boolean {
    const { tree, hasSynced } = this.#present;
    return !this.#options.plan && tree.can.sync && (hasSynced || this.#isQuitting || this.isChanged);
  }

  /** Whether `quit` was run. */
  get isQuitting(): boolean {
    return this.#isQuitting;
  }

  /** The exit status that `exit N` asked for. */
  get quitStatus(): number | undefined {
    return this.#quitStatus;
  }

  get isChanged(): boolean {
    return this.#present.isChanged;
  }

  get dirref(): string | undefined {
    const { base } = this.#present;
    return base === undefined || this.isChanged ? undefined : formatDirent(base);
  }

  /** Whether this session recorded an archive entry recently, or has taken it in. */
  knows(entry: ArchiveEntry): boolean {
    return this.#present.knows(entry);
  }

  async keep(signal?: AbortSignal): Promise<void> {
    await this.#present.keep(signal);
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
    const state = spec === '' ? undefined : await this.stateAt(spec, signal);
    if (state === undefined && this.#past === undefined) return;
    await this.#showPast(state);
    await this.#keepCwd();
  }

  async stateAt(spec: string, signal?: AbortSignal): Promise<ShownState> {
    return await openState(this.#present.source, spec, this.#options.now(), signal);
  }

  async #showPast(state: ShownState | undefined): Promise<void> {
    const before = this.#past;
    this.#past = state;
    await before?.tree[Symbol.asyncDispose]();
  }

  async #keepCwd(): Promise<void> {
    this.cwd = await nearestDir(this.tree, this.cwd);
  }

  async open(reference: Octets, signal?: AbortSignal): Promise<void> {
    if (this.isPinned)
      throw new VtError(
        'EFAILED',
        `open "${octetsToText(reference)}": the tree of this session is mounted, files are followed into it, or a job runs`,
      );
    if (this.mustRecite) await this.sync(signal);
    const next = await openSource(reference, { ...this.#options, localCwd: this.localCwd, signal });
    await this.#showPast(undefined);
    await this.#present[Symbol.asyncDispose]();
    if (next.store !== this.store) await this.store[Symbol.asyncDispose]();
    this.#use(next, reference);
  }

  async whileClosed(work: () => void, signal?: AbortSignal): Promise<void> {
    await this.#alone(async () => {
      const { cwd } = this;
      await this.#showPast(undefined);
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
    this.#present = this.#presentOf(next);
    this.#opened = reference && absoluteSource(reference, this.localCwd);
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
    return this.#present.isPinned;
  }

  pin(): () => void {
    return this.#present.pin();
  }

  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#alone(async () => await this.#present.refresh(signal));
  }

  async takeIn(signal?: AbortSignal): Promise<void> {
    await this.#alone(async () => await this.#present.takeIn(signal));
  }

  async become(action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal?: AbortSignal): Promise<void> {
    await this.#alone(async () => {
      await this.#present.become(action, target, newest, signal);
      await this.#keepCwd();
    });
  }

  get bookmarks(): readonly Bookmark[] {
    return readBookmarks(this.#options.places);
  }

  keepBookmarks(bookmarks: readonly Bookmark[]): void {
    writeBookmarks(this.#options.places, bookmarks);
  }

  addressOf(source: Octets | undefined): Octets {
    if (source !== undefined) return absoluteSource(source, this.localCwd);
    const { isReference, archive } = this.#present.source;
    const opened = isReference === true && archive !== undefined ? undefined : this.#opened;
    if (opened !== undefined) return opened;
    const { storeSpecification } = this.#options;
    return absoluteSource(octetsFromText(storeSpecification ?? 'default'), this.#options.localCwd);
  }

  reopenWords(source: Octets | undefined): readonly string[] {
    const { storeSpecification } = this.#options;
    const opened = source ?? this.#opened;
    const { base } = this.#present;
    const { isReference, archive } = this.#present.source;
    // A Dirref opens an old tree. If its changes continued in the default archive, no source is needed to reopen it; without an archive,
    // its present Dirref is used.
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
      const before = this.#present.recorded;
      const root = await this.#present.sync(signal, as);
      if (this.#author.recorded(this.#present.recorded > before) !== undefined)
        this.#options.warn('nothing has changed since the last root, so the message is not recorded');
      return root;
    });
  }

  note(command: string): () => void {
    return this.#author.note(command);
  }

  describe(message: string): void {
    if (this.#present.source.served !== undefined)
      throw new VtError('EUNSUPPORTED', 'sync -m: the process of the mount records roots, and does not take a message');
    this.#author.describe(message);
  }

  async recordBefore(path: TreePath, signal?: AbortSignal): Promise<void> {
    const { archive, served } = this.#present.source;
    if (this.#options.plan || archive === undefined || !this.#present.tree.can.sync || this.#past !== undefined) return;
    // Only the process of the mount knows what others changed there.
    if (served !== undefined) await served.recordBefore(path, signal);
    else if (await this.#present.hasUnrecorded(path, signal)) await this.#author.beforeCurrent(async () => await this.sync(signal));
  }

  /** Runs work that syncs or replaces the tree, one at a time: two would mistake each other for another session. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#working.then(async () => {
      if (this.#isClosed) throw new ClosedError('sync', this.#present.tree.name);
      return await work();
    });
    this.#working = done.catch(() => undefined);
    return await done;
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
