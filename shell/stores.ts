import { basename, dirname, join, resolve } from 'node:path';
import type { Archive } from '../core/archive/archive.ts';
import { openArchiveFile } from '../core/archive/archive-file.ts';
import { VtError } from '../core/base/errors.ts';
import { DEFAULT_HASH_NAME } from '../core/block/hash.ts';
import { DEFAULT_EDGES } from '../core/store/datadir-format.ts';
import { isDatadir, isPythonDatadir } from '../core/store/datadir-recovery.ts';
import { openStore, parseStoreSpecification } from '../core/store/open-store.ts';
import type { Store } from '../core/store/store.ts';
import { AbsentStore } from './absent-store.ts';
import type { Places } from './places.ts';

/** The archive of a Store where none is named. */
export const DEFAULT_ARCHIVE = 'default';

export interface StoreOpener {
  readonly places: Places;
  /** Told of what was found amiss and put right. */
  readonly onNotice: (notice: string) => void;
  /** Clauses of the configuration: `[name]` to Store specification. */
  readonly clauses: ReadonlyMap<string, string>;
}

/** An open Store and where its archives lie, if it has a place for them. */
export interface OpenedStore {
  readonly store: Store;
  /** Absolute path of its folder, or undefined for a Store that has none. */
  readonly folder: string | undefined;
  readonly isPython: boolean;
}

/**
 * Opens a Store by its specification, or `[clause]` of the configuration. A datadir that is not there is made by the
 * first write, where `mayMake`.
 */
export async function openStoreLazily(specification: string, opener: StoreOpener, mayMake: boolean): Promise<OpenedStore> {
  const clause = /^\[(.+)\]$/.exec(specification)?.[1];
  if (clause !== undefined) {
    const meant = opener.clauses.get(clause);
    if (meant === undefined) throw new VtError('EOPEN', `open Store "${specification}": no such clause in the configuration`);
    return await openStoreLazily(meant, opener, mayMake);
  }
  const { places, onNotice } = opener;
  const environment = { defaultStorePath: places.defaultStore, cachePath: places.cache, homePath: places.home, onNotice };
  const parsed = parseStoreSpecification(specification);
  if (parsed.kind === 'memory') return { store: await openStore(specification, environment), folder: undefined, isPython: false };
  const folder = parsed.kind === 'default' ? places.defaultStore : resolve(homePath(parsed.path, places.home));
  if (isDatadir(folder) || isPythonDatadir(folder)) {
    return { store: await openStore(specification, environment), folder, isPython: !isDatadir(folder) };
  }
  if (!mayMake) throw new VtError('EOPEN', `open Store "${specification}": there is none`);
  const hashName = (parsed.kind === 'datadir' ? parsed.hashName : undefined) ?? DEFAULT_HASH_NAME;
  const make = async (): Promise<Store> => await openStore(specification, { ...environment, create: true });
  return { store: new AbsentStore(`datadir:${folder}`, hashName, DEFAULT_EDGES, make), folder, isPython: false };
}

function homePath(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;
}

/** The archive of a name in a Store, which may not be there yet; undefined for a Store without a place for archives. */
export function archiveOf(opened: OpenedStore, name: string): Archive | undefined {
  if (opened.folder === undefined) return undefined;
  if (name === '' || name.startsWith('.') || name.includes('/') || name.includes('\0')) {
    throw new VtError('EOPEN', `open archive "${name}" of Store "${opened.store.name}": not a name of an archive`);
  }
  return openArchiveFile(archivePath(opened, opened.folder, name), { readOnly: !opened.store.can.write });
}

function archivePath({ isPython }: OpenedStore, folder: string, name: string): string {
  if (!isPython) return join(folder, 'archives', `${name}.vt`);
  return name === DEFAULT_ARCHIVE ? `${folder}.vt` : `${folder}-${name}.vt`;
}

/** The Store that an archive file belongs to by where it lies, or undefined: `STORE/archives/NAME.vt`, `STORE.vt`, `STORE-NAME.vt`. */
export function storeOfArchive(file: string): string | undefined {
  const folder = dirname(resolve(file));
  if (basename(folder) === 'archives' && isDatadir(dirname(folder))) return dirname(folder);
  const stem = basename(file).replace(/\.vt$/, '');
  const candidates = [stem, ...[...stem.matchAll(/-/g)].map((match) => stem.slice(0, match.index))];
  return candidates.map((name) => join(folder, name)).find((path) => path !== resolve(file) && (isDatadir(path) || isPythonDatadir(path)));
}
