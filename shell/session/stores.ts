import { basename, dirname, join, resolve } from 'node:path';
import type { StoreMakingChoice } from '../../commands/command.ts';
import type { HashName } from '../../core/block/hash.ts';
import { isDatadir, isPythonDatadir } from '../../core/datadir/datadir-recovery.ts';
import { openStore } from '../../core/openers/open-store.ts';
import type { StoreSpecification } from '../../core/openers/specification.ts';
import { capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import type { Places } from '../places.ts';
import type { Configuration } from './configuration.ts';
import { noSuchWord } from './configuration.ts';

/** The archive that is used if none is named. */
export const DEFAULT_ARCHIVE = 'default';

/** The archive for the roots of trees that were opened by a Dirref, or from an archive outside the Store. */
export const REFERENCES_ARCHIVE = 'references';

export interface StoreOpener {
  readonly places: Places;
  /** Called with a sentence for each fault that was corrected. */
  readonly onNotice: (notice: string) => void;
  readonly configuration: Configuration;
  /** The hash function of a Store that does not tell its own. */
  readonly assumedHash?: HashName | undefined;
  /** The hash function and edges of a new Store, if its specification does not set them. */
  readonly making?: StoreMakingChoice | undefined;
  /** Asks for a passphrase; absent without a terminal. */
  readonly askSecret?: ((question: string) => Promise<string | undefined>) | undefined;
  /** Cancels the opening of a Store. */
  readonly signal?: AbortSignal | undefined;
  /** Called with a line of text for each packet on a connection. */
  readonly traceWire?: ((line: string) => void) | undefined;
}

/**
 * Opens a Store by its specification.
 *
 * @param mayMake - whether the first write may create a missing Store
 * @throws {ParseError} for an invalid specification
 * @throws {VtError} EOPEN for a Store that cannot be opened
 */
export async function openStoreLazily(specification: string | StoreSpecification, opener: StoreOpener, mayMake: boolean): Promise<Store> {
  const { places, onNotice, configuration, traceWire, assumedHash, making, askSecret, signal } = opener;
  return await openStore(specification, {
    defaultStorePath: places.defaultStore,
    cachePath: places.cache,
    homePath: places.home,
    environment: process.env,
    onNotice,
    clause: configuration.clause,
    word: (word) => meantBy(word, configuration),
    ...(configuration.defaultStore === undefined ? {} : { defaultStore: configuration.defaultStore }),
    create: mayMake ? 'by first write' : false,
    runsCommands: true,
    traceWire,
    signal,
    ...(askSecret === undefined ? {} : { askSecret }),
    assumedHash,
    ...making,
  });
}

/** Finds the Store that a word means; a clause comes first. Nothing is created, since the word may be a misspelt clause. */
function meantBy(word: string, configuration: Configuration): StoreSpecification {
  if (configuration.names.includes(word)) return { kind: 'clause', clause: word };
  return isDatadir(word) || isPythonDatadir(word) ? datadirSpecification(word) : noSuchWord(configuration, word);
}

/** Whether a Store does not exist yet: the first write makes it. */
export function isAbsent(store: Store): boolean {
  return capability(store, 'making')?.isMade === false;
}

/**
 * The folder of the Store to which an archive file belongs by its path: `STORE/archives/NAME.vt`, `STORE.vt` or `STORE-NAME.vt`. Undefined
 * if there is none.
 */
export function storeOfArchive(file: string): string | undefined {
  const folder = dirname(resolve(file));
  if (basename(folder) === 'archives' && isDatadir(dirname(folder))) return dirname(folder);
  const stem = basename(file).replace(/\.vt$/, '');
  const candidates = [stem, ...[...stem.matchAll(/-/g)].map((match) => stem.slice(0, match.index))];
  return candidates.map((name) => join(folder, name)).find((path) => path !== resolve(file) && (isDatadir(path) || isPythonDatadir(path)));
}

/** The specification of a `.vtd` file; its path may have any characters. */
export function datafileSpecification(path: string): StoreSpecification {
  return { kind: 'form', type: 'file', parameters: { path } };
}

/** The specification of a datadir; its path may have any characters. */
export function datadirSpecification(path: string): StoreSpecification {
  return { kind: 'form', type: 'datadir', parameters: { path } };
}
