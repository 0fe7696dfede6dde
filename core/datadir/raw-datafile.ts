import { closeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Archive } from '../archive/archive.ts';
import { ClosedError, CorruptBlockError, ReadOnlyError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { digestKey, digestOfKey } from '../block/digest-key.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import type { BlockLocation } from '../store/block-location.ts';
import type { Offers } from '../store/capability.ts';
import type { AddResult, Store } from '../store/store.ts';
import { DatafileReaders } from './datafiles/datafile-readers.ts';
import type { DatafileStart } from './datafiles/datafile-start.ts';
import { openDatafile, readDatafileStart } from './datafiles/datafile-start.ts';
import { FoundRecords } from './datafiles/found-records.ts';
import { readLocatedBlock } from './datafiles/located-block.ts';
import { readAtOf } from './datafiles/read-at.ts';
import { readState } from './datafiles/read-state.ts';
import type { FileState } from './one-file-archive.ts';
import { OneFileArchive } from './one-file-archive.ts';

/** States read before others get a turn. */
const STATES_A_TURN = 256;

export interface RawDatafileOptions {
  readonly name: string;
  /** Of a file of the Python vt, which does not say; of ours it must be the file's own. */
  readonly hashName?: HashName | undefined;
  /** Called with a sentence about each part of the file that is damaged. */
  readonly onNotice: (notice: string) => void;
}

/**
 * The Store of one `.vtd` file, ours or the Python vt's, which is read in place. A Block that is not found yet is waited for while the
 * file is scanned. A one-file Store has its states as the archive `default`.
 */
export class RawDatafile implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings = DEFAULT_EDGES;
  readonly offers: Offers;
  readonly #path: string;
  readonly #fd: number;
  readonly #start: DatafileStart;
  readonly #hash: HashFunction;
  readonly #readers: DatafileReaders;
  readonly #records: FoundRecords;
  #closed = false;

  constructor(path: string, { name, hashName, onNotice }: RawDatafileOptions) {
    this.#path = path;
    this.name = name;
    this.#readers = new DatafileReaders(dirname(path));
    this.#fd = openDatafile(path, name);
    try {
      this.#start = readDatafileStart(this.#fd, name, hashName);
      this.hashName = this.#start.hashName;
      this.#hash = hashByName(this.hashName);
      this.#records = new FoundRecords({ fd: this.#fd, path, name, onNotice }, this.#start);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
    this.offers = {
      access: { write: false },
      enumeration: this,
      location: this,
      ...(this.#start.header?.isOneFile === true || this.#start.distrust
        ? { archives: { open: (asked: string) => this.#archive(asked) } }
        : {}),
    };
  }

  #archive(name: string): Archive {
    const isDefault = name === 'default';
    return new OneFileArchive(isDefault ? this.#path : `${this.#path}@${name}`, async (options) =>
      isDefault ? await this.#states(options) : [],
    );
  }

  async #states(options: OpOptions): Promise<FileState[]> {
    await this.#records.scanned(options);
    const readAt = readAtOf(this.#fd);
    const states: FileState[] = [];
    for (const { offset, whenNs } of this.#records.states) {
      const dirent = readState(readAt, offset, this.#hash, this.#path);
      states.push(dirent instanceof VtError ? dirent : { whenNs: whenNs ?? this.#start.header?.createdNs ?? 0n, dirent });
      if (states.length % STATES_A_TURN === 0) {
        await nextTurn();
        throwIfCancelled(options.signal);
      }
    }
    // Where the header is damaged the file may be no one-file Store: then its first record is no Dirent.
    return this.#start.distrust ? states.filter((state) => !(state instanceof VtError)) : states;
  }

  add(): Promise<AddResult> {
    return Promise.reject(this.#refusal());
  }

  addBatch(): Promise<boolean[]> {
    return Promise.reject(this.#refusal());
  }

  #refusal(): VtError {
    return this.#closed ? new ClosedError('add to', this.name) : new ReadOnlyError('add to', this.name, { remedy: 'add to a datadir' });
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    if (hashcode.hashName !== this.hashName) return undefined;
    const location = await this.#records.find(digestKey(hashcode.digest), options);
    if (location === undefined) return undefined;
    const found = readLocatedBlock(this.#readers, location, hashcode.digest, this.#hash);
    if (found.kind === 'block') return found.data;
    const reason = found.kind === 'damaged' ? found.reason : 'the data file is missing or truncated';
    throw new CorruptBlockError(hashcodeLabel(hashcode), this.#path, `${reason}, at byte ${location.offset}`, {
      remedy: 'get the Block from another Store',
    });
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    const found: boolean[] = [];
    for (const { hashName, digest } of hashcodes) {
      found.push(hashName === this.hashName && (await this.#records.find(digestKey(digest), options)) !== undefined);
    }
    return found;
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    return await Promise.resolve();
  }

  locate(digests: readonly Uint8Array[]): (BlockLocation | undefined)[] {
    if (this.#closed) throw new ClosedError('locate in', this.name);
    return digests.map((digest) => {
      const found = this.#records.known(digestKey(digest));
      if (found === undefined || found.codec === 'unknown') return undefined;
      const { offset, storedSize, size, codec } = found;
      return { file: this.#path, offset, storedSize, size, codec };
    });
  }

  async *hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    this.#check('list', options);
    for (const key of [...(await this.#records.keys(options))].sort()) {
      this.#check('list', options);
      yield { hashName: this.hashName, digest: digestOfKey(key) };
    }
  }

  #check(action: string, options: OpOptions): void {
    if (this.#closed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#records.close();
    this.#readers.close();
    closeSync(this.#fd);
  }
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
