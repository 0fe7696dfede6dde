import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ParseError } from '../../base/errors.ts';
import { makeStoreFolder, replaceStoreFile, type StoreAccess } from '../../base/system/store-files.ts';
import { errorCode } from '../../base/system/system-error.ts';
import type { Block } from '../../block/block.ts';
import type { HashName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import type { NamedKind, OtherNames } from '../../store/capabilities.ts';
import { keyOf } from './name-record.ts';
import { NAMES_SUFFIX, NameRun } from './name-run.ts';

/** In a datadir: the folder of its maps of names. */
export const NAMES_FOLDER = 'names';

/** The names of the files of maps in a folder; none where it is not there. */
export function nameFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(NAMES_SUFFIX));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The maps of names that a datadir has: what its Blocks, and those of Stores that it was made of, are under other hash functions. */
export class StoreNames implements OtherNames, Disposable {
  readonly #folder: string;
  readonly #runs = new Map<string, NameRun>();

  /** @param storeFolder - the datadir */
  constructor(storeFolder: string) {
    this.#folder = join(storeFolder, NAMES_FOLDER);
  }

  find(kind: NamedKind, ref: Block, hashName: HashName): Block | undefined {
    // A file that was merged away is read on: the folder is looked at where something is not found.
    const found = this.#find(kind, ref, hashName, new Set());
    if (found !== undefined || !this.#refresh()) return found;
    return this.#find(kind, ref, hashName, new Set());
  }

  // A Store that was moved twice has two maps: from the first function to the second, and on to the third.
  #find(kind: NamedKind, ref: Block, hashName: HashName, seen: Set<HashName>): Block | undefined {
    const key = keyOf(ref);
    const from = hashcodeOfKey(ref)?.hashName;
    if (key === undefined || from === undefined || seen.has(from)) return undefined;
    seen.add(from);
    const steps: Block[] = [];
    for (const run of this.#runs.values()) {
      const side = run.hashes[0] === from ? 0 : run.hashes[1] === from ? 1 : undefined;
      const pair = side === undefined ? undefined : run.find(side, kind, key);
      if (side === undefined || pair === undefined) continue;
      const other = pair.refs[side === 0 ? 1 : 0];
      if (run.hashes[side === 0 ? 1 : 0] === hashName) return other;
      steps.push(other);
    }
    for (const step of steps) {
      const found = this.#find(kind, step, hashName, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Opens what is new in the folder, and closes what was merged away. @returns whether something is new */
  #refresh(): boolean {
    const names = new Set(nameFiles(this.#folder));
    for (const [name, run] of this.#runs)
      if (!names.has(name)) {
        run[Symbol.dispose]();
        this.#runs.delete(name);
      }
    let isNew = false;
    for (const name of names) {
      if (this.#runs.has(name)) continue;
      try {
        this.#runs.set(name, NameRun.open(join(this.#folder, name)));
        isNew = true;
      } catch (error) {
        // Merged away meanwhile; or damaged, and then what it named is not found.
        if (errorCode(error) !== 'ENOENT' && !(error instanceof ParseError)) throw error;
      }
    }
    return isNew;
  }

  [Symbol.dispose](): void {
    for (const run of this.#runs.values()) run[Symbol.dispose]();
    this.#runs.clear();
  }
}

function hashcodeOfKey(ref: Block): HashCode | undefined {
  if (ref.kind === 'hash') return ref.hashcode;
  return ref.kind === 'indirect' && ref.refs.kind === 'hash' ? ref.refs.hashcode : undefined;
}

/** Copies the maps of one datadir to another that is made of it, so that what they name is found there too. */
export function copyNames(fromStore: string, toStore: string, access: StoreAccess): void {
  const [from, to] = [join(fromStore, NAMES_FOLDER), join(toStore, NAMES_FOLDER)];
  const there = new Set(nameFiles(to));
  for (const name of nameFiles(from)) {
    if (there.has(name)) continue;
    makeStoreFolder(to, access);
    replaceStoreFile(join(to, name), readFileSync(join(from, name)), access, join(to, `${name}.new`));
  }
}
