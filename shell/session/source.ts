import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { resolveLocalPath } from '../../commands/parts/local-path.ts';
import type { Archive, ArchiveEntry } from '../../core/archive/archive.ts';
import { openArchiveFile } from '../../core/archive/archive-file.ts';
import { findEntry } from '../../core/archive/find-entry.ts';
import { PathError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToBytes, octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import { errorText } from '../../core/base/system/system-error.ts';
import type { HashName } from '../../core/block/hash.ts';
import { isDatadir, isPythonDatadir } from '../../core/datadir/datadir-recovery.ts';
import type { Dirent, IndirectDirent } from '../../core/dirent/dirent.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { skipReference, URI_SCHEME } from '../../core/dirent/reference-skip.ts';
import type { VtUri } from '../../core/dirent/uri.ts';
import type { UsableArchiveOptions } from '../../core/history/usable-archive.ts';
import { UsableArchive } from '../../core/history/usable-archive.ts';
import { expandHome } from '../../core/openers/home-path.ts';
import { parseStoreSpecification } from '../../core/openers/open-store.ts';
import { SpecificationError, textParameter } from '../../core/openers/specification.ts';
import { archiveOf } from '../../core/store/archive-of-store.ts';
import { canWrite, capability } from '../../core/store/capability.ts';
import { DATAFILE_MAGIC } from '../../core/store/records/datafile.ts';
import type { Store } from '../../core/store/store.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName, joinPath, ROOT_PATH } from '../../core/tree/path.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { PlanStore } from './plan-store.ts';
import { ReadOnlyTree } from './read-only-tree.ts';
import {
  DEFAULT_ARCHIVE,
  datadirSpecification,
  datafileSpecification,
  isAbsent,
  openStoreLazily,
  REFERENCES_ARCHIVE,
  storeOfArchive,
} from './stores.ts';
import type { StoreWithHost } from './uri-host.ts';

/**
 * Opens what `vtftp SOURCE` and `open SOURCE` name; without a source the latest root of the Store's default archive.
 *
 * @throws {VtError} EOPEN where it cannot be opened; what the Store throws for Blocks missing or damaged
 */
export async function openSource(source: Octets | undefined, options: SourceOptions): Promise<OpenedSource> {
  const stores: Store[] = [];
  const wrapStore = async (opened: Store): Promise<Store> => {
    const store = await options.wrapStore(opened);
    stores.push(store);
    const journals = capability(store, 'journals');
    if (journals?.isEmpty === false && (!canWrite(store) || (await journals.hasLeft())))
      await (await import('./recover-journals.ts')).recoverJournals(store, journals, options);
    return store;
  };
  try {
    return await openAny(source, { ...options, wrapStore });
  } catch (error) {
    // A Store behind a connection would keep the process.
    await Promise.allSettled(stores.map(async (store) => await store[Symbol.asyncDispose]()));
    throw asOpenError(source, options.storeSpecification, error);
  }
}

/** Whatever made an opening fail keeps its row in the table of exit statuses; all else is "cannot be opened". */
function asOpenError(source: Octets | undefined, store: string | undefined, error: unknown): unknown {
  if (error instanceof VtError && !['EFAILED', 'EUNSUPPORTED', 'EUSAGE'].includes(error.code)) return error;
  if (!(error instanceof Error)) return error;
  const byDefault = store === undefined ? 'the default archive' : `Store "${shorten(store)}"`;
  const what = source === undefined ? byDefault : `"${shorten(octetsToText(source))}"`;
  // A specification that cannot be read is named once.
  const fact = error instanceof SpecificationError ? `${error.what}, at column ${error.offset + 1}` : errorText(error);
  return new VtError('EOPEN', `open ${what}: ${fact}`, {
    cause: error,
    ...(error instanceof VtError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
  });
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** The start of a pasted reference; one that is cut short or misspelt is told with the place where it goes wrong. */
const LIKE_REFERENCE = /^(?:D|F|H|B|I|LB|RLE|SubB|SymLink|Indirect|Fifo|Socket|Char|Block)\{/;

async function openAny(source: Octets | undefined, options: SourceOptions): Promise<OpenedSource> {
  if (source === undefined) {
    const mounted = await mountOfStore(options);
    if (mounted !== undefined) return mounted;
    const opened = await openStoreAt(async () => await sessionStore(options), undefined, options);
    return options.storeSpecification === undefined ? opened : { ...opened, lacksStore: isAbsent(opened.store) };
  }
  if (source === '') throw new VtError('EOPEN', 'open "": the source is empty');
  if (
    source.startsWith(URI_SCHEME) ||
    skipReference(source, 0) === source.length ||
    (LIKE_REFERENCE.test(source) && !exists(source, options))
  )
    return await openReference(octetsToText(source), options);
  const text = octetsToTextStrict(source);
  if (text === 'default' || (text !== undefined && /^(?:default@|[a-z][a-z0-9+-]*:|[[!])/i.test(text) && !exists(source, options))) {
    return await openSpecification(text, options);
  }
  return await openPath(source, options);
}

/** The Store of `-S`, or the default one; made on first write. */
async function sessionStore(options: SourceOptions, assumedHash?: HashName): Promise<Store> {
  const opener = { ...options, assumedHash };
  return await options.wrapStore(await openStoreLazily(options.storeSpecification ?? 'default', opener, true));
}

async function hostStore(uri: VtUri, options: SourceOptions & { readonly assumedHash: HashName | undefined }): Promise<StoreWithHost> {
  const { storeWithHost } = await import('./uri-host.ts');
  const { store, host } = await storeWithHost(options.storeSpecification ?? 'default', uri, options);
  return { store: await options.wrapStore(store), host };
}

async function openReference(text: string, options: SourceOptions): Promise<OpenedSource> {
  const [{ parseTypedReference }, { hashOfReference }, { direntOfReference }, { otherNameText }] = await Promise.all([
    import('../../core/dirent/reference.ts'),
    import('../../core/dirent/reference-hash.ts'),
    import('../../core/tree/reference-dirent.ts'),
    import('../../core/tree/other-names.ts'),
  ]);
  const onOtherName = (known: Dirent): void => options.onNotice(otherNameText(known));
  const reference = parseTypedReference(text);
  const assumedHash = hashOfReference(reference);
  const { store, host } =
    reference.kind === 'uri' && reference.uri.host !== undefined
      ? await hostStore(reference.uri, { ...options, assumedHash })
      : { store: await sessionStore(options, assumedHash), host: undefined };
  const dirent = await direntOfReference(store, reference, { asDir: true, onOtherName, ...signalOf(options) });
  if (dirent.kind !== 'dir') {
    const fallback = reference.kind === 'uri' ? baseName(reference.uri.path as TreePath) : '';
    return { ...(await openSingle(store, dirent, fallback)), archive: undefined };
  }
  // A reference that is the newest root is that root: changes go on from there. So they do where nothing is recorded yet. Any other has
  // no archive to go on in.
  const recorded = archiveOf(store, DEFAULT_ARCHIVE);
  const archive = recorded && usableArchive(recorded, store, options);
  const last = await archive?.last(signalOf(options));
  const tree = openLiveTree(store, dirent);
  const opened = { tree, store, archive, archiveName: DEFAULT_ARCHIVE, base: dirent, isReference: true, host };
  if (last === undefined) return { ...opened, mayLackBlocks: true };
  if (formatDirent(last.dirent) === formatDirent(dirent)) return opened;
  return {
    tree,
    store,
    archive: undefined,
    keptIn: archiveOf(store, REFERENCES_ARCHIVE),
    base: dirent,
    isReference: true,
    mayLackBlocks: true,
    host,
  };
}

/** A source that is no Dir: the tree is a Dir of that one entry, read-only. @param fallback - its name where it has none */
async function openSingle(store: Store, dirent: Exclude<Dirent, IndirectDirent>, fallback: string): Promise<Omit<OpenedSource, 'archive'>> {
  const name = (dirent.name !== '' ? dirent.name : fallback !== '' ? fallback : dirent.kind) as Octets;
  // What holds the entry is made in memory: the Store may be read-only, and nothing has changed.
  const tree = openLiveTree(new PlanStore(store, true), undefined);
  await tree.bind(joinPath(ROOT_PATH, name), { ...dirent, name });
  return { tree: new ReadOnlyTree(tree, octetsToText(name)), store, base: undefined };
}

/** `default`, `datadir:PATH`, `[clause]`, each with `@archive`, `@N` or `@date`. */
async function openSpecification(text: string, options: SourceOptions): Promise<OpenedSource> {
  const at = suffixAt(text);
  const specification = parseStoreSpecification(at > 0 ? text.slice(0, at) : text);
  const open = async (): Promise<Store> => await options.wrapStore(await openStoreLazily(specification, options, text === 'default'));
  return await openStoreAt(open, at > 0 ? text.slice(at + 1) : undefined, options);
}

/** A Store, or the mount whose Store is served where its specification leads. @param name - what follows `@`, if something does */
async function openStoreAt(open: () => Promise<Store>, name: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  const store = await open();
  const mount = name === undefined ? capability(store, 'mount') : undefined;
  if (mount === undefined) return await openNamed(store, name, options);
  return await (await import('./attach.ts')).attachServed(store, mount, open, options);
}

/** The live tree of the mount that `-S` names; undefined where it names a Store. */
async function mountOfStore(options: SourceOptions): Promise<OpenedSource | undefined> {
  if (options.storeSpecification === undefined) return undefined;
  const specification = parseStoreSpecification(options.storeSpecification);
  if (specification.kind !== 'form' || specification.type !== 'datadir') return undefined;
  const path = expandHome(textParameter(specification.parameters, 'path') ?? '', options.places.home);
  return isDatadir(path) ? undefined : await openMounted(resolveLocalPath(options.localCwd, octetsFromText(path)), options);
}

/** Where `@` begins what follows a specification, or -1: in `ssh://user@host/` and in the words of a command it is part of them. */
function suffixAt(text: string): number {
  const at = text.lastIndexOf('@');
  if (text.startsWith('!')) return /[\s'"]/.test(text.slice(at)) ? -1 : at;
  return text.indexOf('@', /^ssh:\/\/[^/]*/i.exec(text)?.[0].length ?? 0) < 0 ? -1 : at;
}

/** What follows `@`: an archive of the Store if it has one of that name, else a number or a date in its default archive. */
async function openNamed(store: Store, name: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  if (name === undefined) return await openArchived(store, DEFAULT_ARCHIVE, undefined, options);
  const archive = archiveOf(store, name);
  if (archive === undefined) throw new VtError('EOPEN', `open archive "${name}": Store "${store.name}" has no archives`);
  // An archive that is served is no file here.
  const isFile = statSync(archive.name, { throwIfNoEntry: false }) !== undefined;
  const isThere = isFile || (await archive.last(signalOf(options))) !== undefined;
  if (isThere) return await openArchived(store, name, undefined, options);
  if (/^(?:-?\d|now$|yesterday$)/.test(name)) return await openArchived(store, DEFAULT_ARCHIVE, name, options);
  if (!canWrite(store)) throw new VtError('EOPEN', `open archive "${name}" of Store "${store.name}": there is none`);
  options.onNotice(`archive "${name}" of Store "${store.name}" is new: it starts with an empty Dir`);
  return { ...(await openArchived(store, name, undefined, options)), lacksArchive: name };
}

async function openArchived(store: Store, name: string, past: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  const archive = archiveOf(store, name);
  if (archive === undefined) return { tree: openLiveTree(store, undefined), store, archive, base: undefined };
  return { ...(await openEntry(store, archive, past, options)), archiveName: name };
}

async function openEntry(store: Store, recorded: Archive, past: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  const archive = usableArchive(recorded, store, options);
  let damage: string | undefined;
  const onDamage = (reason: string): void => {
    damage ??= reason;
  };
  const entry: ArchiveEntry | undefined =
    past === undefined
      ? await archive.last({ ...signalOf(options), onDamage })
      : await findEntry(archive, past, options.now(), signalOf(options));
  if (damage !== undefined) {
    if (entry === undefined)
      throw new VtError('EOPEN', `open archive "${archive.name}": no line of it can be read: ${damage}`, {
        remedy: 'put a copy of the file in its place, or move it away to start anew: a Dirref that you have still opens its tree',
      });
    options.onNotice(`archive "${archive.name}": its last line cannot be read (${damage}); this is the state before it`);
  }
  const root = entry?.dirent;
  if (root?.kind === 'indirect')
    throw new VtError('EOPEN', `open "${archive.name}": it records one name of a hard-linked file, without its content`);
  if (root !== undefined && root.kind !== 'dir') return { ...(await openSingle(store, root, basename(archive.name, '.vt'))), archive };
  const live = openLiveTree(store, root);
  const tree = past === undefined ? live : new ReadOnlyTree(live, `${archive.name}@${past}`);
  return { tree, store, archive, base: root, number: past === undefined ? undefined : entry?.number };
}

/** The archive as a session works with it. */
function usableArchive(archive: Archive, store: Store, { onNotice }: SourceOptions): Archive {
  const isReadable: UsableArchiveOptions['isReadable'] = async (root, options) =>
    await (await import('../../core/maintain/is-readable.ts')).isReadable(store, root, options);
  return new UsableArchive(archive, store, { onNotice, isReadable });
}

async function openPath(source: Octets, options: SourceOptions): Promise<OpenedSource> {
  const mounted = await openMounted(resolveLocalPath(options.localCwd, source), options);
  if (mounted !== undefined) return mounted;
  const at = source.lastIndexOf('@');
  const whole = statOf(source, options);
  const hasSuffix = whole === undefined && at > 0;
  const path = hasSuffix ? (source.slice(0, at) as Octets) : source;
  const suffix = hasSuffix ? octetsToText(source.slice(at + 1) as Octets) : undefined;
  const found = whole ?? statOf(path, options);
  if (found === undefined && options.isBookmark !== true) {
    const { bookmarkNamed, openBookmark } = await import('./bookmarks.ts');
    const bookmark = bookmarkNamed(source, options.places);
    if (bookmark !== undefined)
      return await openBookmark(bookmark, async () => await openAny(bookmark.source, { ...options, isBookmark: true }), options);
  }
  if (found === undefined) throw new VtError('EOPEN', `open "${octetsToText(source)}": no such file, directory, Store or reference`);
  const local = resolveLocalPath(options.localCwd, path);
  if (found.isFile()) return await openFile(local, suffix, options);
  if (found.isSocket()) return await (await import('./attach.ts')).attach(octetsToText(local), octetsToText(local), options);
  if (!found.isDirectory()) throw new VtError('EOPEN', `open "${octetsToText(source)}": neither a file nor a directory`);
  const folder = octetsToTextStrict(local);
  if (folder !== undefined && (isDatadir(folder) || isPythonDatadir(folder))) {
    const specification = datadirSpecification(folder);
    return await openNamed(await options.wrapStore(await openStoreLazily(specification, options, false)), suffix, options);
  }
  if (suffix !== undefined) throw new VtError('EOPEN', `open "${octetsToText(source)}": "${octetsToText(path)}" is no Store`);
  const store = await sessionStore(options);
  const directory = await openDirectory(local, store);
  const opened = { tree: directory, store, archive: undefined, base: undefined, isDirectory: true };
  if (options.directories === 'beside') return opened;
  if (options.directories !== 'changed') {
    const tree = new ReadOnlyTree(directory, directory.name, 'it is an ordinary directory: start with --write to change it');
    return { ...opened, tree };
  }
  options.onNotice(`"${directory.name}" is an ordinary directory: changes are made there at once, and undo cannot take them back`);
  return opened;
}

/** The live tree of a mount that stands at a path; undefined where none does. */
async function openMounted(path: Octets, options: SourceOptions): Promise<OpenedSource | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { mountedPlaces } = await import('../../fuse/mount-table.ts');
  if (mountedPlaces().length === 0) return undefined;
  const { attach, socketOfMount } = await import('./attach.ts');
  const socket = socketOfMount(path, process.env);
  return socket === undefined ? undefined : await attach(socket, octetsToText(path), options);
}

async function openDirectory(path: Octets, store: Store): Promise<Tree> {
  const { openLocalTree } = await import('../../core/tree/local/local-tree.ts');
  return openLocalTree(path, store, {
    async importLocal(from, { signal }) {
      const { importLocal } = await import('../../core/import/import.ts');
      let failure: unknown;
      const { dirent } = await importLocal(store, from, {
        signal,
        onFailure: (_, error) => {
          failure ??= error;
        },
      });
      if (failure !== undefined) throw failure;
      await store.flush({ signal });
      return dirent;
    },
    async exportLocal(dirent, to, { signal }) {
      const { exportDirent } = await import('../../core/export/export.ts');
      let failure: unknown;
      await exportDirent(store, dirent, to, {
        signal,
        onFailure: (failed) => {
          failure ??= failed;
        },
      });
      if (failure !== undefined)
        throw failure instanceof Error
          ? failure
          : new VtError('EFAILED', `bind "${octetsToText(to)}": it could not be made whole`, { cause: failure });
    },
  });
}

/** A data file, or a one-file Store, which has a root of its own. */
function startsAsDatafile(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(DATAFILE_MAGIC.length);
    return readSync(fd, head, 0, head.length, 0) === head.length && head.equals(DATAFILE_MAGIC);
  } finally {
    closeSync(fd);
  }
}

/** An archive file, with the Store that it lies in, else the session's. */
async function openFile(file: Octets, past: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  const path = octetsToTextStrict(file);
  if (path === undefined) throw new VtError('EOPEN', `open "${octetsToText(file)}": its name is not UTF-8`);
  if (startsAsDatafile(path)) {
    const opened = await options.wrapStore(await openStoreLazily(datafileSpecification(path), options, false));
    return await openNamed(opened, past, options);
  }
  // -S is about the tree of the session.
  const owner = options.storeSpecification === undefined || options.directories === 'beside' ? storeOfArchive(path) : undefined;
  const store =
    owner === undefined
      ? await sessionStore(options)
      : await options.wrapStore(await openStoreLazily(datadirSpecification(owner), options, false));
  const { KnownArchive } = await import('../../core/history/known-archive.ts');
  const archive = KnownArchive.of(openArchiveFile(path, { readOnly: !canWrite(store) }), store);
  if ((await archive.last(signalOf(options))) === undefined && (statSync(path).size > 0 || !path.endsWith('.vt'))) {
    throw new VtError('EOPEN', `open "${path}": not an archive, or no line of it can be read`);
  }
  const opened = await openEntry(store, archive, past, options);
  const isOwn =
    owner !== undefined || (capability(store, 'folders') ?? []).some((folder) => resolve(folder, 'archives') === dirname(resolve(path)));
  return isOwn || !canWrite(store) ? opened : { ...opened, keptIn: archiveOf(store, REFERENCES_ARCHIVE) };
}

/** A source that names something local by its path, as it is named from anywhere; any other as it is. */
export function absoluteSource(source: Octets, localCwd: Octets): Octets {
  const at = source.lastIndexOf('@');
  const paths = [source, ...(at > 0 ? [source.slice(0, at) as Octets] : [])].map((path) => resolveLocalPath(localCwd, path));
  const path = paths.find((each) => existsSync(octetsToBytes(each)));
  return path === undefined || source.startsWith(URI_SCHEME) ? source : path === paths[0] ? path : (`${path}${source.slice(at)}` as Octets);
}

function exists(source: Octets, options: SourceOptions): boolean {
  return statOf(source, options) !== undefined;
}

function statOf(path: Octets, options: SourceOptions): ReturnType<typeof statSync> | undefined {
  try {
    return statSync(octetsToBytes(resolveLocalPath(options.localCwd, path)), { throwIfNoEntry: false });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') throw new PathError('EACCES', 'open', path);
    return undefined;
  }
}

function signalOf({ signal }: SourceOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
