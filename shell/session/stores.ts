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

/** The archive of a Store where none is named. */
export const DEFAULT_ARCHIVE = 'default';

/** The archive of a Store that keeps the roots of trees which were opened by a Dirref, or from an archive that is elsewhere. */
export const REFERENCES_ARCHIVE = 'references';

export interface StoreOpener {
  readonly places: Places;
  /** Called with what was found amiss and put right. */
  readonly onNotice: (notice: string) => void;
  readonly configuration: Configuration;
  /** The hash function of a Store that does not give its own. */
  readonly assumedHash?: HashName | undefined;
  /** The hash function of a Store that is made, and how it cuts data, where its specification does not say. */
  readonly making?: StoreMakingChoice | undefined;
  /** Asks for a passphrase; absent where there is no terminal. */
  readonly askSecret?: ((question: string) => Promise<string | undefined>) | undefined;
  /** Ends the opening of a Store that does not answer. */
  readonly signal?: AbortSignal | undefined;
  /** Gets a line for each packet that goes over a connection. */
  readonly traceWire?: ((line: string) => void) | undefined;
}

/**
 * Opens a Store by its specification. A datadir that is not there is made by the first write, where `mayMake`.
 *
 * @throws {ParseError} for a specification that cannot be read, {VtError} EOPEN for a Store that cannot be opened
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

/** A clause goes before a Store of the same name. What is not there is not made: the word may be a clause that is misspelt. */
function meantBy(word: string, configuration: Configuration): StoreSpecification {
  if (configuration.names.includes(word)) return { kind: 'clause', clause: word };
  return isDatadir(word) || isPythonDatadir(word) ? datadirSpecification(word) : noSuchWord(configuration, word);
}

/** Whether nothing is there yet of what a Store would be: the first write makes it. */
export function isAbsent(store: Store): boolean {
  return capability(store, 'making')?.isMade === false;
}

/** The Store that an archive file belongs to by where it is, or undefined: `STORE/archives/NAME.vt`, `STORE.vt`, `STORE-NAME.vt`. */
export function storeOfArchive(file: string): string | undefined {
  const folder = dirname(resolve(file));
  if (basename(folder) === 'archives' && isDatadir(dirname(folder))) return dirname(folder);
  const stem = basename(file).replace(/\.vt$/, '');
  const candidates = [stem, ...[...stem.matchAll(/-/g)].map((match) => stem.slice(0, match.index))];
  return candidates.map((name) => join(folder, name)).find((path) => path !== resolve(file) && (isDatadir(path) || isPythonDatadir(path)));
}

/** The specification of a `.vtd` file, whatever signs its path holds. */
export function datafileSpecification(path: string): StoreSpecification {
  return { kind: 'form', type: 'file', parameters: { path } };
}

/** The specification of a datadir in a folder, whatever signs its path holds. */
export function datadirSpecification(path: string): StoreSpecification {
  return { kind: 'form', type: 'datadir', parameters: { path } };
}
