import type { Stats } from 'node:fs';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { resolveLocalPath } from '../../commands/parts/local-path.ts';
import { openArchiveFile } from '../../core/archive/archive-file.ts';
import { PathError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToBytes, octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import { isDatadir, isPythonDatadir } from '../../core/datadir/datadir-recovery.ts';
import { archiveOf } from '../../core/store/archive-of-store.ts';
import { canWrite, capability } from '../../core/store/capability.ts';
import { DATAFILE_MAGIC } from '../../core/store/records/datafile.ts';
import { openDirectory } from './open-directory.ts';
import { openEntry, signalOf } from './open-entry.ts';
import { openNamed, sessionStore } from './open-specification.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { ReadOnlyTree } from './read-only-tree.ts';
import { datadirSpecification, datafileSpecification, openStoreLazily, REFERENCES_ARCHIVE, storeOfArchive } from './stores.ts';

/** A local path that a source names. */
interface Place {
  readonly path: Octets;
  readonly found: Stats;
  /** The text after `@`, if any. */
  readonly suffix: string | undefined;
}

/** The local path that a source names, as a whole or before its last `@`; undefined if neither exists. */
export function placeOf(source: Octets, options: SourceOptions): Place | undefined {
  const whole = statOf(source, options);
  if (whole !== undefined) return { path: source, found: whole, suffix: undefined };
  const at = source.lastIndexOf('@');
  if (at <= 0) return undefined;
  const path = source.slice(0, at) as Octets;
  const found = statOf(path, options);
  return found && { path, found, suffix: octetsToText(source.slice(at + 1) as Octets) };
}

/** Whether the whole source is an existing local path. */
export function exists(source: Octets, options: SourceOptions): boolean {
  return statOf(source, options) !== undefined;
}

/** Opens a local path: an archive, a data file, a socket, a Store or a directory. */
export async function openPath({ path, found, suffix }: Place, options: SourceOptions): Promise<OpenedSource> {
  const local = resolveLocalPath(options.localCwd, path);
  if (found.isFile()) return await openFile(local, suffix, options);
  if (found.isSocket()) return await (await import('./attach.ts')).attach(octetsToText(local), octetsToText(local), options);
  if (!found.isDirectory()) throw new VtError('EOPEN', `open "${octetsToText(path)}": neither a file nor a directory`);
  const folder = octetsToTextStrict(local);
  if (folder !== undefined && (isDatadir(folder) || isPythonDatadir(folder))) {
    const specification = datadirSpecification(folder);
    return await openNamed(await options.wrapStore(await openStoreLazily(specification, options, false)), suffix, options);
  }
  if (suffix !== undefined) throw new VtError('EOPEN', `open "${octetsToText(path)}": "${octetsToText(path)}" is not a Store`);
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

/** Opens the live tree of a mount at a path; undefined if nothing is mounted there. */
export async function openMounted(path: Octets, options: SourceOptions): Promise<OpenedSource | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { mountedPlaces } = await import('../../fuse/mount-table.ts');
  if (mountedPlaces().length === 0) return undefined;
  const { attach, socketOfMount } = await import('./attach.ts');
  const socket = socketOfMount(path, process.env);
  return socket === undefined ? undefined : await attach(socket, octetsToText(path), options);
}

/** Opens an archive file with the Store that contains it, or else with the session's Store. */
async function openFile(file: Octets, past: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  const path = octetsToTextStrict(file);
  if (path === undefined) throw new VtError('EOPEN', `open "${octetsToText(file)}": its name is not UTF-8`);
  if (startsAsDatafile(path)) {
    const opened = await options.wrapStore(await openStoreLazily(datafileSpecification(path), options, false));
    return await openNamed(opened, past, options);
  }
  // -S names the Store of the session's tree, not of others.
  const owner = options.storeSpecification === undefined || options.directories === 'beside' ? storeOfArchive(path) : undefined;
  const store =
    owner === undefined
      ? await sessionStore(options)
      : await options.wrapStore(await openStoreLazily(datadirSpecification(owner), options, false));
  const { KnownArchive } = await import('../../core/history/known-archive.ts');
  const archive = KnownArchive.of(openArchiveFile(path, { readOnly: !canWrite(store) }), store);
  if ((await archive.last(signalOf(options))) === undefined && (statSync(path).size > 0 || !path.endsWith('.vt'))) {
    throw new VtError('EOPEN', `open "${path}": not an archive, or none of its lines can be read`);
  }
  const opened = await openEntry(store, archive, past, options);
  const isOwn =
    owner !== undefined || (capability(store, 'folders') ?? []).some((folder) => resolve(folder, 'archives') === dirname(resolve(path)));
  return isOwn || !canWrite(store) ? opened : { ...opened, keptIn: archiveOf(store, REFERENCES_ARCHIVE) };
}

/** Whether a file is a data file; a one-file Store is one that has its own root. */
function startsAsDatafile(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(DATAFILE_MAGIC.length);
    return readSync(fd, head, 0, head.length, 0) === head.length && head.equals(DATAFILE_MAGIC);
  } finally {
    closeSync(fd);
  }
}

function statOf(path: Octets, options: SourceOptions): Stats | undefined {
  try {
    return statSync(octetsToBytes(resolveLocalPath(options.localCwd, path)), { throwIfNoEntry: false });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') throw new PathError('EACCES', 'open', path);
    return undefined;
  }
}
