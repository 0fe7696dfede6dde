import { statSync } from 'node:fs';
import { findEntry } from '../../core/archive/find-entry.ts';
import { isTag } from '../../core/archive/mark-notes.ts';
import { VtError } from '../../core/base/errors.ts';
import type { HashName } from '../../core/block/hash.ts';
import { parseStoreSpecification } from '../../core/openers/open-store.ts';
import { archiveOf } from '../../core/store/archive-of-store.ts';
import { canWrite, capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import { openEntry, signalOf } from './open-entry.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { DEFAULT_ARCHIVE, openStoreLazily } from './stores.ts';

/** Opens `default`, `datadir:PATH` or `[clause]`, each perhaps with `@archive`, `@N`, `@date` or `@tag`. */
export async function openSpecification(text: string, options: SourceOptions): Promise<OpenedSource> {
  const at = suffixAt(text);
  const specification = parseStoreSpecification(at > 0 ? text.slice(0, at) : text);
  const open = async (): Promise<Store> => await options.wrapStore(await openStoreLazily(specification, options, text === 'default'));
  return await openStoreAt(open, at > 0 ? text.slice(at + 1) : undefined, options);
}

/** Opens a Store, or the mount that serves its Store there. @param name - the text after `@`, if any */
export async function openStoreAt(open: () => Promise<Store>, name: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  const store = await open();
  const mount = name === undefined ? capability(store, 'mount') : undefined;
  if (mount === undefined) return await openNamed(store, name, options);
  return await (await import('./attach.ts')).attachServed(store, mount, open, options);
}

/**
 * Offset of the `@` that ends a specification, or -1. In `ssh://user@host/` and in the words of a command it belongs to the specification.
 */
function suffixAt(text: string): number {
  const at = text.lastIndexOf('@');
  if (text.startsWith('!')) return /[\s'"]/.test(text.slice(at)) ? -1 : at;
  return text.indexOf('@', /^ssh:\/\/[^/]*/i.exec(text)?.[0].length ?? 0) < 0 ? -1 : at;
}

/**
 * Opens what the text after `@` names: an archive of the Store if it has one of that name, else a number, date or tag in its default
 * archive.
 */
export async function openNamed(store: Store, name: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  if (name === undefined) return await openArchived(store, DEFAULT_ARCHIVE, undefined, options);
  const archive = archiveOf(store, name);
  if (archive === undefined) throw new VtError('EOPEN', `open archive "${name}": Store "${store.name}" has no archives`);
  // A served archive is not a local file.
  const isFile = statSync(archive.name, { throwIfNoEntry: false }) !== undefined;
  const isThere = isFile || (await archive.last(signalOf(options))) !== undefined;
  if (isThere) return await openArchived(store, name, undefined, options);
  if (await namesPastState(store, name, options)) return await openArchived(store, DEFAULT_ARCHIVE, name, options);
  if (!canWrite(store)) throw new VtError('EOPEN', `open archive "${name}" of Store "${store.name}": there is none`);
  options.onNotice(`archive "${name}" of Store "${store.name}" is new: it starts with an empty Dir`);
  return { ...(await openArchived(store, name, undefined, options)), lacksArchive: name };
}

/**
 * Whether a number, date or tag names a state of the default archive. If that archive cannot be read, perhaps for lack of a right, a word
 * names none.
 *
 * @throws {VtError} EOPEN for a number or date without a state
 */
async function namesPastState(store: Store, name: string, options: SourceOptions): Promise<boolean> {
  const archive = archiveOf(store, DEFAULT_ARCHIVE);
  if (archive === undefined) return false;
  try {
    await findEntry(archive, name, options.now(), signalOf(options));
    return true;
  } catch (error) {
    if (error instanceof VtError && error.code !== 'ECANCELLED' && (error.code === 'EUSAGE' || isTag(name))) return false;
    throw error;
  }
}

async function openArchived(store: Store, name: string, past: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  const archive = archiveOf(store, name);
  if (archive === undefined) return { tree: openLiveTree(store, undefined), store, archive, base: undefined };
  return { ...(await openEntry(store, archive, past, options)), archiveName: name };
}

/** The Store of `-S`, or the default one; the first write creates it. */
export async function sessionStore(options: SourceOptions, assumedHash?: HashName): Promise<Store> {
  const opener = { ...options, assumedHash };
  return await options.wrapStore(await openStoreLazily(options.storeSpecification ?? 'default', opener, true));
}
