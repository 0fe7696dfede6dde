import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from '../../base/crc32.ts';
import { VtError } from '../../base/errors.ts';
import { makeStoreFolder, type StoreAccess } from '../../base/system/store-files.ts';
import { syncFolder } from '../../base/system/sync-folder.ts';
import { errorCode } from '../../base/system/system-error.ts';
import { compactRuns } from './index-compaction.ts';
import { cacheRecordKey, IndexDraft } from './index-draft.ts';
import { HEAD_FILE, type IndexHead, writeHead } from './index-head.ts';
import { IndexLock } from './index-lock.ts';
import { MergedRecords } from './index-merge.ts';
import { removeRun } from './index-run-writer.ts';
import { IndexStates, type OpenState } from './index-state.ts';
import type { FileMarks, IndexBatch, IndexOwner, IndexRewrite, Location, PresentDigests } from './index-types.ts';
import { IndexDamagedError } from './index-types.ts';
import { decodeLocation, decodePlace, isDamagedLocation, isNoLocation } from './index-values.ts';

/** The setting with the generation of the Store that the cache belongs to. */
const GENERATION_SETTING = 'generation';

/**
 * Where every Block of a datadir is: a cache of what the data files say. Sorted runs of records in files that are
 * never changed, and a head that names them and is replaced as a whole. It is read and written by plain calls, so that
 * a full disk, a damaged page and a limit of memory are errors, and no signal.
 *
 * @see docs/design/index.md
 */
export class BlockIndex {
  readonly #folder: string;
  readonly #states: IndexStates;
  readonly #lock: IndexLock;
  readonly #access: StoreAccess;

  private constructor(states: IndexStates, access: StoreAccess) {
    this.#folder = states.folder;
    this.#states = states;
    this.#access = access;
    this.#lock = new IndexLock(states.folder, access);
  }

  /**
   * Opens an index. Nothing is written.
   *
   * @returns the index, or why it cannot be used: it is missing, damaged, of another Store, hash function or version
   */
  static open(folder: string, owner: IndexOwner, access: StoreAccess): BlockIndex | string {
    const states = new IndexStates(folder);
    let problem: string | undefined;
    try {
      problem = states.load() ?? ownerProblem(states.state.head, owner);
    } catch (error) {
      if (!(error instanceof IndexDamagedError)) throw error;
      problem = error.reason;
    }
    if (problem === undefined) return new BlockIndex(states, access);
    states.close();
    return problem;
  }

  /**
   * Makes an empty index in the place of what is there, unless another process has done so.
   *
   * @param badId - the id of the index that cannot be used, where it could be read
   * @throws the system's error where it cannot be made
   */
  static makeAnew(folder: string, owner: IndexOwner, access: StoreAccess, badId: string | undefined): BlockIndex {
    makeStoreFolder(folder, access);
    const lock = new IndexLock(folder, access);
    try {
      return lock.hold(() => {
        const there = BlockIndex.open(folder, owner, access);
        if (typeof there !== 'string') {
          if (there.id !== badId) return there;
          there.close();
        }
        const empty = { files: [], recent: undefined };
        const head: IndexHead = {
          id: randomUUID(),
          ...owner,
          changes: 0,
          settings: {},
          files: new Map(),
          blocks: empty,
          cache: empty,
        };
        writeHead(folder, head, access);
        syncFolder(folder);
        for (const name of readdirSync(folder)) if (name !== HEAD_FILE) rmSync(join(folder, name), { recursive: true, force: true });
        const made = BlockIndex.open(folder, owner, access);
        if (typeof made === 'string') throw new IndexDamagedError(made);
        return made;
      });
    } finally {
      lock.close();
    }
  }

  /** Another one each time that the index is made again. */
  get id(): string {
    return this.#states.state.head.id;
  }

  /** Goes up with each change of where Blocks are, by whichever session. */
  get changes(): number {
    return this.#states.state.head.changes;
  }

  /** Sees what other processes have committed. @throws {IndexDamagedError} if that cannot be read */
  refresh(): void {
    this.#states.refresh();
  }

  /**
   * Where a Block is, or undefined.
   *
   * @throws {IndexDamagedError} if the index is damaged where that is
   */
  get(digest: Uint8Array): Location | undefined {
    const value = this.#find(digest);
    return value === undefined ? undefined : decodeLocation(value, 0, this.#fileOf);
  }

  /** Whether a Block is known, and not known to be damaged. @throws as {@link get} */
  has(digest: Uint8Array): boolean {
    const value = this.#find(digest);
    return value !== undefined && !isDamagedLocation(value, 0);
  }

  #find(digest: Uint8Array): Buffer | undefined {
    for (const run of this.#states.state.blocks) {
      const value = run.find(digest);
      if (value !== undefined) return isNoLocation(value, 0) ? undefined : value;
    }
    return undefined;
  }

  readonly #fileOf = (number: number): string => {
    const name = this.#states.state.fileNames.get(number);
    if (name === undefined) throw new IndexDamagedError(`it refers to the unknown file ${number}`);
    return name;
  };

  /** About how many Blocks it knows of: one that was put twice may count twice. */
  blockCount(): number {
    return this.#states.state.blocks.reduce((sum, { info }) => sum + info.count, 0);
  }

  /** Goes over what the index says of Blocks, ascending by digest, from behind `after`. */
  *#records(after: Uint8Array | undefined): Generator<{ readonly octets: Buffer; readonly at: number; readonly valueAt: number }> {
    const records = new MergedRecords(this.#states.state.blocks.map((run) => run.cursor(after)));
    for (let cursor = records.next(); cursor !== undefined; cursor = records.next()) {
      const valueAt = cursor.at + cursor.run.shape.keySize;
      if (!isNoLocation(cursor.octets, valueAt)) yield { octets: cursor.octets, at: cursor.at, valueAt };
    }
  }

  /**
   * Digests of Blocks not known to be damaged, ascending, of at most `limit` Blocks after `after`.
   *
   * @returns them, how many Blocks there were with the damaged ones, and the last of these
   * @throws {IndexDamagedError} if the index is damaged where they are
   */
  presentDigests(after: Uint8Array | undefined, limit: number): PresentDigests {
    const digests: Uint8Array[] = [];
    let last: Uint8Array | undefined;
    let count = 0;
    for (const { octets, at, valueAt } of this.#records(after)) {
      last = Uint8Array.prototype.slice.call(octets, at, valueAt);
      if (!isDamagedLocation(octets, valueAt)) digests.push(last);
      if (++count === limit) break;
    }
    return { digests, count, last };
  }

  /** Digests in ascending order, at most `limit`, all after `after`. @throws as {@link presentDigests} */
  digests(after: Uint8Array | undefined, limit: number): Uint8Array[] {
    return this.#take(after, limit, ({ octets, at, valueAt }) => Uint8Array.prototype.slice.call(octets, at, valueAt));
  }

  /** Blocks and where they are, ascending by digest, at most `limit`, all after `after`. @throws as {@link presentDigests} */
  entries(after: Uint8Array | undefined, limit: number): (readonly [digest: Uint8Array, location: Location])[] {
    return this.#take(after, limit, ({ octets, at, valueAt }) => {
      const digest = Uint8Array.prototype.slice.call(octets, at, valueAt);
      return [digest, decodeLocation(octets, valueAt, this.#fileOf)] as const;
    });
  }

  #take<T>(
    after: Uint8Array | undefined,
    limit: number,
    make: (record: { readonly octets: Buffer; readonly at: number; readonly valueAt: number }) => T,
  ): T[] {
    const found: T[] = [];
    for (const record of this.#records(after)) if (found.push(make(record)) === limit) break;
    return found;
  }

  /** The marks of every file known. */
  marks(): Map<string, FileMarks> {
    return new Map(this.#states.state.head.files);
  }

  /** A value of the cache; a damaged one is none. */
  cacheGet(key: Uint8Array): Uint8Array | undefined {
    const wanted = cacheRecordKey(key);
    try {
      for (const run of this.#states.state.cache) {
        const found = run.find(wanted);
        if (found === undefined) continue;
        const { offset, size, crc } = decodePlace(found, 0);
        const value = run.readValues(offset, size);
        return value.length === size && crc32(value) === crc ? value : undefined;
      }
    } catch (error) {
      if (!(error instanceof IndexDamagedError)) throw error;
    }
    return undefined;
  }

  /** A setting kept with the index. */
  setting(name: string): string | undefined {
    return this.#states.state.head.settings[name];
  }

  /**
   * Puts a batch, which is visible to every process once this resolves. Its marks count only in the index that they were
   * made of: one that has been made again since does not know what they promise.
   *
   * @returns what `changes` was before and after
   * @throws the system's error, as on a full disk; nothing of the batch is then in the index
   */
  async commit(batch: IndexBatch, id: string): Promise<{ readonly before: number; readonly after: number }> {
    let before = 0;
    this.#change(false, (draft, { head }) => {
      before = head.changes;
      for (const [digest, location] of batch.blocks) draft.setBlock(digest, location);
      if (head.id === id) for (const [name, marks] of batch.marks) draft.setMarks(name, marks);
      // What a value promises may have been given up since it was made: then another generation has begun.
      if (batch.generation === undefined || head.settings[GENERATION_SETTING] === batch.generation)
        for (const [key, value] of batch.cachePuts) draft.setValue(key, value);
    });
    const after = this.changes;
    await this.compact();
    return { before, after };
  }

  /**
   * Changes where Blocks are, the marks of files, and settings, at once and durably.
   *
   * @param id - the index that the changes were made of
   * @throws {VtError} EFAILED where it has been made again since: what is not in that one yet would be lost with the marks
   * @returns how many of the Blocks still lay where `from` says, and were changed
   */
  rewrite(
    changes: readonly IndexRewrite[],
    marks: ReadonlyMap<string, FileMarks>,
    settings: Readonly<Record<string, string>> = {},
    id = this.id,
  ): number {
    let changed = 0;
    this.#change(true, (draft, { head }) => {
      if (head.id !== id) throw madeAnewError(this.#folder);
      for (const { digest, from, to } of changes) {
        const found = this.get(digest);
        if (found?.file !== from.file || found.offset !== from.offset) continue;
        changed++;
        draft.setBlock(digest, to);
      }
      for (const [name, mark] of marks) draft.setMarks(name, mark);
      for (const [name, value] of Object.entries(settings)) draft.setSetting(name, value);
    });
    return changed;
  }

  /** Sets a setting, and drops the cache: for when what it promises may no longer hold. */
  dropCache(name: string, value: string): void {
    this.#change(true, (draft) => {
      draft.clearCache();
      draft.setSetting(name, value);
    });
  }

  /** One process at a time changes an index; it sees what the others did before. */
  #change(sync: boolean, change: (draft: IndexDraft, before: OpenState) => void): void {
    const before = this.#lock.hold(() => {
      this.#states.refresh();
      const before = this.#states.state;
      const draft = new IndexDraft(this.#folder, this.#access, before);
      try {
        change(draft, before);
        writeHead(this.#folder, draft.end(), this.#access);
      } catch (error) {
        draft.discard();
        throw errorCode(error) === 'ENOENT' ? new IndexDamagedError('it was removed') : error;
      }
      // The head names what was written by now: that stays, whatever comes of this.
      if (sync) syncFolder(this.#folder);
      return before;
    });
    const problem = this.#states.load();
    if (problem !== undefined) throw new IndexDamagedError(problem);
    if (this.#states.state.cache.length > 0) return;
    for (const { name } of before.head.cache.files) removeRun(this.#states.path(name));
  }

  /** Merges runs where there are many of them; what fails there is no harm. */
  async compact(): Promise<void> {
    await compactRuns(this.#states, this.#lock, this.#access);
  }

  /** Closes it. Nothing may be in progress. */
  close(): void {
    this.#states.close();
    this.#lock.close();
  }
}

/** The index was made again by another session, while this one counted on what the one before said. */
export function madeAnewError(folder: string): VtError {
  return new VtError('EFAILED', `index "${folder}": another session has rebuilt it meanwhile`, { remedy: 'run the command again' });
}

function ownerProblem(head: IndexHead, owner: IndexOwner): string | undefined {
  if (head.storeId !== owner.storeId) return 'it is that of another Store';
  return head.hashName === owner.hashName ? undefined : 'it has another hash function';
}
