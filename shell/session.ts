import type { OtherSource, Session } from '../commands/session.ts';
import type { Archive } from '../core/archive/archive.ts';
import { findEntry } from '../core/archive/find-entry.ts';
import { ClosedError, PathError, VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToText } from '../core/base/octets.ts';
import type { DirDirent, Dirent } from '../core/dirent/dirent.ts';
import { formatDirent } from '../core/dirent/dirent-text.ts';
import { capability } from '../core/store/capability.ts';
import { PeerTable } from '../core/store/peer-table.ts';
import type { Store } from '../core/store/store.ts';
import { TailTable } from '../core/tail/tail-table.ts';
import { LiveTree, openLiveTree } from '../core/tree/live-tree.ts';
import { ROOT_PATH } from '../core/tree/path.ts';
import type { Tree, TreePath } from '../core/tree/tree.ts';

import { ReadOnlyTree } from './read-only-tree.ts';
import type { OpenedSource, SourceOptions } from './source.ts';
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
  readonly runScript: Session['runScript'];
  readonly history: () => readonly string[];
}

/** Opens the source of a session. */
export async function makeSession(options: SessionOptions, signal?: AbortSignal): Promise<ShellSession> {
  return new ShellSession(await openSource(options.source, { ...options, signal }), options);
}

/** The session of one run of the shell. */
export class ShellSession implements Session {
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
  #source: OpenedSource;
  /** What it was opened by. */
  #opened: Octets | undefined;
  /** The live tree at the present state; of a merge with another session's the merged one. */
  #present: Tree;
  /** The root that is recorded, or was at the start. */
  #base: Dirent | undefined;
  #past: { readonly view: string; readonly tree: Tree } | undefined;
  #hasSynced = false;
  /** The tree is stored, and its root could not be recorded. */
  #isUnrecorded = false;
  #quitStatus: number | undefined;
  #isQuitting = false;
  /** Those that hold the very object of the present tree. */
  #pins = 0;
  #isClosed = false;
  /** The sync under way: two at a time would take each other for another session. */
  #syncing: Promise<unknown> = Promise.resolve();

  constructor(source: OpenedSource, options: SessionOptions) {
    this.#options = options;
    this.#source = source;
    this.#opened = options.source;
    this.#present = source.tree;
    this.#base = source.base;
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

  /** Refuses to read of a Store that was named, is not there, and has not been written to. */
  requireStore(action: string): void {
    if (this.#source.lacksStore !== true || this.#present.changed || !isAbsent(this.store)) return;
    throw new VtError('EOPEN', `${action}: there is no Store "${this.store.name}"`, {
      remedy: 'mend its name; a new one is made by the first put or mkdir',
    });
  }

  get archive(): Archive | undefined {
    return this.#source.archive;
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

  /** Whether something is not synced yet. */
  get isChanged(): boolean {
    return this.#present.changed || this.#isUnrecorded;
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

  /** The working path stays where it is a Dir in the tree that is shown now; else the nearest above it that is. */
  async #keepCwd(): Promise<void> {
    for (;;) {
      const found = await this.tree.lookup(this.cwd).catch(absentPath);
      if (found?.dirent.kind === 'dir' || this.cwd === ROOT_PATH) return;
      this.cwd = (this.cwd.slice(0, this.cwd.lastIndexOf('/')) || '/') as TreePath;
    }
  }

  async open(reference: Octets, signal?: AbortSignal): Promise<void> {
    if (this.#pins > 0)
      throw new VtError('EFAILED', `open "${octetsToText(reference)}": the tree of this session is mounted, or files are followed into it`);
    if (this.mustRecite) await this.sync(signal);
    const next = await openSource(reference, { ...this.#options, localCwd: this.localCwd, signal });
    await this.#leavePast();
    await this.#present[Symbol.asyncDispose]();
    if (next.store !== this.store) await this.store[Symbol.asyncDispose]();
    this.#source = next;
    this.#opened = reference;
    this.#present = next.tree;
    this.#base = next.base;
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
      start,
      async [Symbol.asyncDispose]() {
        await tree[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
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
    if (this.#pins > 0 || this.#source.recordsItself === true) return;
    const last = await this.#source.archive?.last({ signal });
    const root = last?.dirent;
    if (this.#present.changed || root?.kind !== 'dir' || (this.#base !== undefined && formatDirent(root) === formatDirent(this.#base)))
      return;
    await this.#present[Symbol.asyncDispose]();
    this.#present = openLiveTree(this.store, root);
    this.#base = root;
    if (this.#past === undefined) await this.#keepCwd();
  }

  reopenWords(source: Octets | undefined): readonly string[] {
    const { storeSpecification } = this.#options;
    const opened = source ?? this.#opened;
    return [
      ...(storeSpecification === undefined ? [] : ['--store', storeSpecification]),
      ...(opened === undefined ? [] : [octetsToText(opened)]),
    ];
  }

  async sync(signal?: AbortSignal): Promise<string> {
    const synced = this.#syncing.then(async () => await this.#syncNow(signal));
    this.#syncing = synced.catch(() => undefined);
    return await synced;
  }

  async #syncNow(signal: AbortSignal | undefined): Promise<string> {
    if (this.#isClosed) throw new ClosedError('sync', this.#present.name);
    if (this.#options.plan || !this.#present.can.sync) return this.#base === undefined ? '' : formatDirent(this.#base);
    if (this.#source.recordsItself === true) {
      // What others changed counts too, and only the mount knows of that.
      this.#base = await this.#present.sync({ signal });
      this.#hasSynced = true;
      return formatDirent(this.#base);
    }
    const { isChanged } = this;
    if (!isChanged && this.#base !== undefined) return formatDirent(this.#base);
    const ours = await this.#present.sync({ signal });
    if (isChanged) {
      this.#isUnrecorded = true;
      await this.#record(requireDir(ours), signal);
      this.#isUnrecorded = false;
      this.#hasSynced = true;
    } else this.#base = ours;
    if (capability(this.store, 'durability')?.durability === 'none')
      this.#options.warn('durability is none: what was recited may not outlive a loss of power');
    return formatDirent(this.#base ?? ours);
  }

  /** Appends a new root to the archive, merged with what another session has recorded there meanwhile. */
  async #record(ours: DirDirent, signal: AbortSignal | undefined): Promise<void> {
    const { archive } = this.#source;
    let root = ours;
    if (archive !== undefined) {
      await capability(this.store, 'making')?.make();
      const base = this.#base === undefined ? undefined : formatDirent(this.#base);
      await archive.append(
        async (last) => {
          const newest = last === undefined ? undefined : formatDirent(last.dirent);
          if (last !== undefined && newest !== base && newest !== formatDirent(ours))
            root = await this.#merge(ours, requireDir(last.dirent), signal);
          return formatDirent(root) === newest ? undefined : root;
        },
        BigInt(this.#options.now().getTime()) * 1_000_000n,
        { signal },
      );
    }
    this.#base = root;
    if (root === ours) return;
    if (this.#pins > 0 && this.#present instanceof LiveTree) {
      for (const { path, theirsAt } of await this.#present.adopt(ours, root, { signal }))
        this.#options.warn(
          `merge "${octetsToText(path)}": it changed meanwhile; ${theirsAt === undefined ? 'it is kept' : `the recorded state is kept as "${octetsToText(theirsAt)}"`}`,
        );
      return;
    }
    await this.#present[Symbol.asyncDispose]();
    this.#present = openLiveTree(this.store, root);
    if (this.#past === undefined) await this.#keepCwd();
  }

  async #merge(ours: DirDirent, theirs: DirDirent, signal: AbortSignal | undefined): Promise<DirDirent> {
    const { mergeRoots } = await import('./merge-roots.ts');
    const base = this.#base?.kind === 'dir' ? this.#base : undefined;
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

function requireDir(dirent: Dirent): DirDirent {
  if (dirent.kind !== 'dir') throw new VtError('EFAILED', `sync: the root is a ${dirent.kind}, not a Dir`);
  return dirent;
}

function absentPath(error: unknown): undefined {
  if (error instanceof PathError) return undefined;
  throw error;
}
