import type { RecordedDir } from '../../core/archive/archive.ts';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import { formatArchiveLine } from '../../core/archive/archive-line.ts';
import { formatNotes } from '../../core/archive/archive-notes.ts';
import { ParseError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import type { OpOptions } from '../../core/base/op-options.ts';
import { formatBlock, parseBlock } from '../../core/block/block-text.ts';
import { readBlockRange } from '../../core/block/read-range.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../../core/dirent/dirent.ts';
import { formatDirent, parseDirent } from '../../core/dirent/dirent-text.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import type { RecordAs } from '../../core/history/ancestry.ts';
import type { Store } from '../../core/store/store.ts';
import type { AdoptClash } from '../../core/tree/adopt-clash.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName, joinPath } from '../../core/tree/path.ts';
import type { LookupOptions, MetaChange, Tree, TreeCapabilities, TreeChange, TreeEntry, WriteOptions } from '../../core/tree/tree.ts';
import type { ControlLink } from './control-link.ts';
import { type Fields, metaChangeFields, metaField, octetsField, takeDirent, takeEntry, takeOctets, takePath, takeText } from './fields.ts';

type NodeDirent = Exclude<Dirent, IndirectDirent>;

/** Parameters of a remote tree. */
export interface RemoteTreeOptions {
  readonly channel: ControlLink;
  /** The Store of its Blocks: the Store itself, or a connection to it. */
  readonly store: Store;
  readonly storeContent: (
    store: Store,
    content: AsyncIterable<Uint8Array>,
    options: OpOptions & { hint?: { fileName: Octets } },
  ) => Promise<ReturnType<typeof parseBlock>>;
  /** Opens another connection, for requests that take long. */
  readonly again: () => Promise<ControlLink>;
}

/**
 * The live tree of a running mount, over its control channel: every operation acts on the tree that programs use
 * at the same time. Only this side handles local files.
 */
export class RemoteTree implements Tree {
  readonly name: string;
  readonly label: string;
  readonly can: TreeCapabilities;
  readonly store: Store;
  readonly #options: RemoteTreeOptions;
  readonly #channel: ControlLink;
  /** Number of changing requests so far, and that number at this side's last sync. */
  #changes = 0;
  #synced = 0;

  constructor(options: RemoteTreeOptions) {
    const { channel, store } = options;
    const { mountpoint, tree, can_write: write, can_sync: sync } = channel.about;
    this.#options = options;
    this.#channel = channel;
    this.store = store;
    this.name = typeof mountpoint === 'string' ? mountpoint : String(tree);
    this.label = this.name;
    this.can = { write: write === true, sync: sync === true };
  }

  /** Path of the mount's socket, if it is on this machine. */
  get socket(): string | undefined {
    return this.#channel.path;
  }

  /** The same as long as this side has requested no change since its last sync. The mount knows the changes of others. */
  get revision(): number {
    return this.#changes;
  }

  isAt(): boolean {
    return this.#changes === this.#synced;
  }

  async lookup(path: TreePath, { follow = true, signal }: LookupOptions = {}): Promise<TreeEntry | undefined> {
    const { entry } = await this.#ask({ request: 'lookup', ...octetsField('path', path), follow }, { signal });
    return entry === undefined ? undefined : takeEntry(entry as Fields, path, baseName(path));
  }

  async *list(at: TreePath | TreeEntry, options: OpOptions = {}): AsyncGenerator<TreeEntry> {
    const path = typeof at === 'string' ? at : at.path;
    for await (const page of this.#pages({ request: 'list', ...octetsField('path', path) }, options)) {
      for (const fields of page['entries'] as readonly Fields[]) {
        const { name } = takeDirent(fields);
        yield takeEntry(fields, joinPath(path, name), name);
      }
    }
  }

  async *read(
    path: TreePath,
    range: { readonly start?: number; readonly end?: number } = {},
    options: OpOptions = {},
  ): AsyncGenerator<Uint8Array> {
    for await (const page of this.#pages({ request: 'read', ...octetsField('path', path), ...range }, options)) {
      if (page['block'] === undefined) yield Buffer.from(takeText(page, 'data_b64'), 'base64');
      else yield* readBlockRange(this.store, parseBlock(takeText(page, 'block')), { ...range, ...options });
    }
  }

  async readlink(path: TreePath, options: OpOptions = {}): Promise<Octets> {
    return takeOctets(await this.#ask({ request: 'readlink', ...octetsField('path', path) }, options), 'target');
  }

  async dirent(path: TreePath, options: OpOptions = {}): Promise<NodeDirent> {
    return takeDirent(await this.#ask({ request: 'dirent', ...octetsField('path', path) }, options));
  }

  async bind(path: TreePath, dirent: NodeDirent, options: OpOptions = {}): Promise<void> {
    // The other side has to find the Blocks of the entry.
    await this.store.flush(options);
    await this.#change({ request: 'bind', ...octetsField('path', path), dirent: formatDirent(dirent) }, options);
  }

  /** The mount's process adopts the state in its own tree, so programs that use unchanged files are not disturbed. */
  async adopt(before: DirDirent, after: DirDirent, options: OpOptions = {}): Promise<AdoptClash[]> {
    await this.store.flush(options);
    this.#changes++;
    const request = { request: 'adopt', before: formatDirent(before), after: formatDirent(after) };
    const { clashes } = await this.#ask(request, options);
    return (clashes as readonly Fields[]).map((fields) => ({
      path: takePath(fields),
      theirsAt: fields['theirs_at'] === undefined ? undefined : takePath(fields, 'theirs_at'),
    }));
  }

  async mkdir(path: TreePath, meta: Meta, options: OpOptions = {}): Promise<void> {
    await this.#change({ request: 'mkdir', ...octetsField('path', path), ...metaField(meta) }, options);
  }

  async symlink(path: TreePath, target: Octets, meta: Meta, options: OpOptions = {}): Promise<void> {
    await this.#change({ request: 'symlink', ...octetsField('path', path), ...octetsField('target', target), ...metaField(meta) }, options);
  }

  async link(existing: TreePath, path: TreePath, options: OpOptions = {}): Promise<void> {
    await this.#change({ request: 'link', ...octetsField('path', existing), ...octetsField('to', path) }, options);
  }

  async remove(path: TreePath, { recursive = false, signal }: OpOptions & { readonly recursive?: boolean } = {}): Promise<void> {
    await this.#change({ request: 'remove', ...octetsField('path', path), recursive }, { signal });
  }

  async rename(from: TreePath, to: TreePath, options: OpOptions = {}): Promise<void> {
    await this.#change({ request: 'rename', ...octetsField('path', from), ...octetsField('to', to) }, options);
  }

  async copy(from: TreePath, to: TreePath, options: OpOptions = {}): Promise<void> {
    await this.#change({ request: 'copy', ...octetsField('path', from), ...octetsField('to', to) }, options);
  }

  async setMeta(path: TreePath, change: MetaChange, { follow = true, signal }: LookupOptions = {}): Promise<void> {
    await this.#change({ request: 'meta', ...octetsField('path', path), ...metaChangeFields(change), follow }, { signal });
  }

  async write(path: TreePath, content: AsyncIterable<Uint8Array>, meta: Meta, options: WriteOptions = {}): Promise<void> {
    const block = await this.#options.storeContent(this.store, content, { ...options, hint: { fileName: baseName(path) } });
    await this.store.flush(options);
    const onlyNew = options.onlyNew === true ? { only_new: true } : {};
    await this.#change(
      { request: 'write', ...octetsField('path', path), block: formatBlock(block), ...metaField(meta), ...onlyNew },
      options,
    );
  }

  /** Asks the mount to store all changes, of either side, and to record the root. */
  async sync(options: OpOptions = {}): Promise<Dirent> {
    return await this.#sync({}, options);
  }

  async #sync(as: Fields, options: OpOptions): Promise<Dirent> {
    const changes = this.#changes;
    const { dirref } = await this.#ask({ request: 'sync', ...as }, options);
    this.#synced = changes;
    if (typeof dirref !== 'string' || dirref === '') throw new ParseError('sync: no Dirref came back', 0);
    return parseDirent(dirref);
  }

  /** Asks the mount to record its tree with this state and these notes. */
  async record({ state, notes }: RecordAs, signal: AbortSignal | undefined): Promise<Dirent> {
    const line = state === undefined ? {} : { state: formatArchiveLine(state) };
    return await this.#sync({ ...line, notes: formatNotes(notes) }, { signal });
  }

  /** Asks the mount to restore a recorded state, unless another session has recorded a root meanwhile. */
  async become(action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal: AbortSignal | undefined): Promise<void> {
    const before = newest === undefined ? {} : { newest: formatDirent(newest.dirent), newest_ns: String(newest.whenNs) };
    const { dirent, whenNs } = target;
    await this.#ask({ request: 'become', action, dirent: formatDirent(dirent), when_ns: String(whenNs), ...before }, { signal });
  }

  /** Asks the mount to take over the roots that other sessions have recorded. */
  async refresh(signal: AbortSignal | undefined): Promise<void> {
    await this.#ask({ request: 'refresh' }, { signal });
  }

  /** Asks the mount to record its tree if it has an entry at a path that its last root lacks. */
  async recordBefore(path: TreePath, signal: AbortSignal | undefined): Promise<void> {
    await this.#ask({ request: 'record-before', ...octetsField('path', path) }, { signal });
  }

  /** Asks the mount to record its tree at the next sync because Blocks of it have arrived. */
  async keep(signal: AbortSignal | undefined): Promise<void> {
    await this.#ask({ request: 'keep' }, { signal });
  }

  async *watch(options: OpOptions = {}): AsyncGenerator<TreeChange> {
    // Its own connection, so no other request waits behind this one.
    using channel = await this.#options.again();
    for await (const page of pagesOf(channel, { request: 'watch' }, options)) {
      for (const fields of page['changes'] as readonly Fields[])
        yield { kind: takeText(fields, 'kind') as TreeChange['kind'], path: takeOctets(fields, 'path') };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel[Symbol.dispose]();
    await Promise.resolve();
  }

  async #ask(request: Fields, options: OpOptions): Promise<Fields> {
    return await this.#channel.ask(request, options);
  }

  async #change(request: Fields, options: OpOptions): Promise<void> {
    // Counted beforehand: if the wait is cancelled, it is unknown whether the change was made.
    this.#changes++;
    await this.#channel.ask(request, options);
  }

  #pages(request: Fields, options: OpOptions): AsyncGenerator<Fields> {
    return pagesOf(this.#channel, request, options);
  }
}

/** The pages of a long answer, each requested when the one before is consumed. */
export async function* pagesOf(channel: ControlLink, request: Fields, options: OpOptions): AsyncGenerator<Fields> {
  let page = await channel.ask(request, options);
  try {
    for (;;) {
      yield page;
      if (page['more'] === undefined) return;
      page = await channel.ask({ request: 'more', of: page['more'] }, options);
    }
  } finally {
    if (page['more'] !== undefined) channel.tell({ request: 'close', of: page['more'] });
  }
}
