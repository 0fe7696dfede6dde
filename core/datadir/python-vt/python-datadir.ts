import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openArchiveFile } from '../../archive/archive-file.ts';
import { ReadOnlyError } from '../../base/errors.ts';
import { appendAll } from '../../base/lists.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { makeStoreFolder, PRIVATE_ACCESS } from '../../base/system/store-files.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../../block/edge-settings.ts';
import type { HashName } from '../../block/hash.ts';
import { CONTENT_HASH_NAMES, hashByName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import type { BlockLocation } from '../../store/block-location.ts';
import type { Offers } from '../../store/capability.ts';
import { layOutPlainly } from '../../store/records/record-layout.ts';
import type { AddResult, Store } from '../../store/store.ts';
import { DatadirIndex } from '../datadir-index.ts';
import { Datadir } from '../datadir-store.ts';
import { catchUpBy } from '../index/index-catch-up.ts';
import { StoreNames } from '../names/store-names.ts';
import { scanPythonDatafile } from './python-datafile-scan.ts';

/** The archive of a Store where none is named. */
export const DEFAULT_ARCHIVE = 'default';
/** What the Python vt uses by default. */
const PYTHON_DEFAULT_HASH: HashName = 'blake3';

export interface OpenPythonDatadirOptions {
  /** Our own index goes to `index/` in here. */
  readonly cachePath: string;
  /** The hash function of most of its Blocks; default: that of its index or its archive, else blake3, and a notice says so. */
  readonly hashName?: HashName | undefined;
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/**
 * A datadir of the Python vt, read in place; nothing in it is written. Its files do not say which hash function their
 * Blocks are known by: it is indexed under each that is asked for.
 */
export class PythonDatadir implements Store {
  readonly name: string;
  readonly path: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings = DEFAULT_EDGES;
  readonly offers: Offers;
  readonly #options: OpenPythonDatadirOptions;
  readonly #byHash = new Map<HashName, Datadir>();

  constructor(path: string, options: OpenPythonDatadirOptions) {
    this.path = path;
    this.name = `datadir:${path}`;
    this.hashName = options.hashName ?? detectHash(path) ?? hashOfArchive(this.archivePath(DEFAULT_ARCHIVE)) ?? assumed(this.name, options);
    this.#options = options;
    this.offers = {
      access: { write: false },
      archives: { open: (archive) => openArchiveFile(this.archivePath(archive), { readOnly: true }) },
      enumeration: this,
      location: this,
    };
    this.#under(this.hashName);
  }

  #under(hashName: HashName): Datadir {
    const found = this.#byHash.get(hashName) ?? openUnder(this.path, this.name, hashName, this.#options);
    this.#byHash.set(hashName, found);
    return found;
  }

  add(): Promise<AddResult> {
    return Promise.reject(new ReadOnlyError('add to', this.name));
  }

  addBatch(): Promise<boolean[]> {
    return Promise.reject(new ReadOnlyError('add to', this.name));
  }

  get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    return this.#under(hashcode.hashName).get(hashcode, options);
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    const found: boolean[] = [];
    for (const hashcode of hashcodes) appendAll(found, await this.#under(hashcode.hashName).has([hashcode], options));
    return found;
  }

  flush(options: OpOptions = {}): Promise<void> {
    return this.#under(this.hashName).flush(options);
  }

  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[] {
    return this.#under(this.hashName).locate(digests, spans);
  }

  hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    return this.#under(this.hashName).hashcodes(options);
  }

  /** Its archives are beside it: `STORE.vt` for the default one, else `STORE-NAME.vt`. */
  archivePath(name: string): string {
    return name === DEFAULT_ARCHIVE ? `${this.path}.vt` : `${this.path}-${name}.vt`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const datadir of this.#byHash.values()) await datadir[Symbol.asyncDispose]();
  }
}

function detectHash(path: string): HashName | undefined {
  const names = readdirSync(path);
  return CONTENT_HASH_NAMES.find((hashName) =>
    names.some((name) => name.startsWith(`index-${hashName}.`) || name === `index-${hashName}-state.sqlite`),
  );
}

/** The hash function by which its default archive names roots. */
function hashOfArchive(file: string): HashName | undefined {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const found = /\bH\{(\w[\w-]*):/.exec(readFileSync(file, 'latin1'))?.[1];
  return CONTENT_HASH_NAMES.find((name) => name === found);
}

function assumed(name: string, { onNotice }: OpenPythonDatadirOptions): HashName {
  onNotice?.(`Store "${name}": its hash function is not recorded; ${PYTHON_DEFAULT_HASH} is assumed (to change that, give hash=NAME)`);
  return PYTHON_DEFAULT_HASH;
}

function openUnder(path: string, name: string, hashName: HashName, options: OpenPythonDatadirOptions): Datadir {
  const dataFolder = join(path, 'data');
  const identity = createHash('sha256').update(realpathSync(path)).digest('hex').slice(0, 32);
  const parent = join(options.cachePath, 'index');
  const hash = hashByName(hashName);
  const index = new DatadirIndex({
    dataFolder,
    indexFolder: join(parent, `${identity}-${hashName}`),
    owner: { storeId: identity, hashName },
    access: PRIVATE_ACCESS,
    readOnly: !canMake(parent),
    shared: true,
    catchUp: (behind, sink, catchUpOptions) =>
      catchUpBy(
        (fd, _path, end, start, hooks) => scanPythonDatafile(fd, { start, end, hash, ...hooks, signal: catchUpOptions.signal }),
        dataFolder,
        behind,
        sink,
        { ...catchUpOptions, sync: false },
      ),
    ownFiles: () => [],
    generation: () => 0,
    onLoss: () => undefined,
    announceFirst: false,
    onNotice: options.onNotice ?? (() => undefined),
    monotonicMs: () => performance.now(),
  });
  return new Datadir({
    path,
    name,
    hashName,
    edges: DEFAULT_EDGES,
    compression: 'none',
    layOut: layOutPlainly,
    access: PRIVATE_ACCESS,
    storeId: identity,
    index,
    writer: undefined,
    hasDigests: false,
    names: new StoreNames(path),
  });
}

function canMake(folder: string): boolean {
  try {
    makeStoreFolder(folder, PRIVATE_ACCESS);
    return true;
  } catch {
    return false;
  }
}
