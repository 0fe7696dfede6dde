import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { RecentMap } from '../base/recent-map.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../dirent/empty-root.ts';
import type { UriTarget } from '../dirent/uri.ts';
import { UsableArchive } from '../history/usable-archive.ts';
import { archiveOf } from '../store/archive-of-store.ts';
import type { Store } from '../store/store.ts';
import { openLiveTree } from '../tree/live/live-tree.ts';
import { direntOfReference } from '../tree/reference-dirent.ts';
import type { Tree } from '../tree/tree.ts';
import { NewestState } from './newest-state.ts';
import { recordedState } from './past/recorded-state.ts';

/** Trees, and archives, that are kept open: a page requests one again and again. */
const MAX_OPEN = 32;

/** Uses of an open tree. It caches the Dirs it has read, and a crawler reads all of them, so it is reopened after that. */
const MAX_USES = 1000;

/** An open tree. */
export interface WebTree {
  readonly tree: Tree;
  readonly root: DirDirent;
}

/** The archive to which `/` redirects. */
export interface HomeArchive {
  /** Its name in URLs. */
  readonly name: string;
  readonly archive: Archive;
}

/** Opens the trees of a Store for URLs, and keeps the most recent ones. */
export class WebTrees {
  readonly store: Store;
  readonly #home: HomeArchive | undefined;
  readonly #newestStates = new Map<string, NewestState>();
  /** By the text of their Dirrefs. They never change and hold no resources, so a dropped one may still be in use. */
  readonly #open = new RecentMap<string, WebTree & { uses: number }>({ maxSize: MAX_OPEN });

  constructor(store: Store, home?: HomeArchive) {
    this.store = store;
    this.#home = home;
  }

  /** The node of a reference in a URL. @param asDir - read a Block reference as an encoded Dir */
  async node(target: UriTarget, asDir: boolean, options: OpOptions): Promise<Exclude<Dirent, IndirectDirent>> {
    return await direntOfReference(this.store, { kind: 'uri', uri: { target, path: '' as never, isDir: asDir } }, options);
  }

  /** The tree of a Dir. */
  tree(root: DirDirent): WebTree {
    const key = formatDirent(root);
    const known = this.#open.get(key);
    if (known !== undefined && known.uses < MAX_USES) {
      known.uses++;
      return known;
    }
    const found = { tree: openLiveTree(this.store, root), root, uses: 1 };
    this.#open.set(key, found);
    return found;
  }

  /** The archive of a name. @throws {VtError} EOPEN if the Store has no archives */
  archive(name: string): Archive {
    if (name === this.#home?.name) return this.#home.archive;
    const archive = archiveOf(this.store, name);
    if (archive === undefined) throw new VtError('EOPEN', `open archive "${name}": Store "${this.store.name}" has no archives`);
    return archive;
  }

  /**
   * The tree of a state of an archive.
   *
   * @param spec - a number or a date as after `@`; undefined for the newest
   * @throws {NoStateError} where there is none
   * @throws {VtError} EOPEN where there can be none
   */
  async state(name: string, spec: string | undefined, now: Date, options: OpOptions): Promise<WebTree> {
    const entry = spec === undefined ? await this.#newest(name) : await recordedState(this.archive(name), spec, now, options);
    // That to which the root of the server leads is there before anything is recorded in it.
    if (entry === undefined && spec === undefined && name === this.#home?.name) return this.tree(EMPTY_ROOT);
    if (entry === undefined) throw new VtError('EOPEN', `open archive "${name}": nothing is recorded in it`);
    if (entry.dirent.kind !== 'dir') throw new VtError('EOPEN', `open archive "${name}": its state is not a Dir`);
    return this.tree(entry.dirent);
  }

  /** Makes a function that tells at once whether a tree is the newest state of an archive; it returns false if it cannot know. */
  isNewest(name: string, { root }: WebTree): () => boolean {
    const text = formatDirent(root);
    return () => this.#newestStates.get(name)?.isKnown(text) === true;
  }

  /** The newest state that can be opened, as in sessions. */
  async #newest(name: string): Promise<ArchiveEntry | undefined> {
    const known = this.#newestStates.get(name);
    if (known !== undefined) return await known.get();
    const archive = new UsableArchive(this.archive(name), this.store, {
      onNotice: () => undefined,
      isReadable: async () => await Promise.resolve(true),
    });
    const state = new NewestState(archive);
    if (this.#newestStates.size < MAX_OPEN) this.#newestStates.set(name, state);
    return await state.get();
  }
}
