import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../base/system/system-error.ts';
import { blockShape, CACHE_SHAPE, type HeadStamp, type IndexHead, isSameHead, type RunList, readHead } from './index-head.ts';
import type { RecordShape } from './index-records.ts';
import { IndexRun, PageBudget, type RunInfo } from './index-run.ts';
import { IndexDamagedError } from './index-types.ts';

/** Between a head's reading and the opening of its runs another process may have put others in their place, so often at most. */
const MAX_TRIES = 20;

/** Why there is no index where there is none. */
export const MISSING_INDEX = 'it is missing';

/** One state of an index: a head, and its runs opened. */
export interface OpenState {
  readonly head: IndexHead;
  readonly stamp: HeadStamp;
  /** Newest first. */
  readonly blocks: readonly IndexRun[];
  readonly cache: readonly IndexRun[];
  /** By number. */
  readonly fileNames: ReadonlyMap<number, string>;
}

/** Opens the states of an index one after the other; what a state shares with the one before stays open. */
export class IndexStates {
  readonly folder: string;
  readonly #budget = new PageBudget();
  #state: OpenState | undefined;
  #fd = -1;
  readonly #open = new Map<string, IndexRun>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The state at hand. */
  get state(): OpenState {
    if (this.#state === undefined) throw new IndexDamagedError('it is closed');
    return this.#state;
  }

  /** Sees what has been put in the head's place. */
  refresh(): void {
    const { stamp } = this.state;
    if (isSameHead(this.folder, stamp)) return;
    const problem = this.load();
    if (problem !== undefined) throw new IndexDamagedError(problem);
  }

  /**
   * Opens the newest state.
   *
   * @returns undefined, or why there is none
   * @throws {IndexDamagedError} where a run that the head names is not there, or damaged
   */
  load(): string | undefined {
    for (let tries = 1; ; tries++) {
      const read = readHead(this.folder);
      if (read === undefined) return MISSING_INDEX;
      if (typeof read === 'string') return read;
      try {
        this.#use(read.head, read.stamp);
      } catch (error) {
        closeSync(read.fd);
        if (errorCode(error) !== 'ENOENT') throw error;
        if (tries < MAX_TRIES) continue;
        throw new IndexDamagedError('a part of it is missing');
      }
      if (this.#fd >= 0) closeSync(this.#fd);
      this.#fd = read.fd;
      return undefined;
    }
  }

  #use(head: IndexHead, stamp: HeadStamp): void {
    // A transition has put another index there: what the one at hand says holds for as long as the files are.
    if (this.#state !== undefined && this.#state.head.hashName !== head.hashName)
      throw new IndexDamagedError('it has another hash function');
    const blocks = this.#runs(head.blocks, blockShape(head.hashName));
    const cache = this.#runs(head.cache, CACHE_SHAPE, true);
    const fileNames = new Map([...head.files].map(([name, { number }]) => [number, name]));
    this.#state = { head, stamp, blocks, cache, fileNames };
    const named = new Set([...head.blocks.files, ...head.cache.files].map(({ name }) => name));
    for (const [name, run] of this.#open)
      if (!named.has(name)) {
        this.#open.delete(name);
        run.close();
      }
  }

  #runs({ files, recent }: RunList, shape: RecordShape, mayLack = false): IndexRun[] {
    const runs = files.flatMap((info) => this.#run(info, shape, mayLack)).reverse();
    return recent === undefined ? runs : [IndexRun.inMemory(recent.info, shape, recent.octets), ...runs];
  }

  /** @param mayLack - one that a loss of power has taken away is no harm */
  #run(info: RunInfo, shape: RecordShape, mayLack: boolean): IndexRun | [] {
    const known = this.#open.get(info.name);
    if (known !== undefined) return known;
    try {
      const run = IndexRun.open(this.folder, info, shape, this.#budget);
      this.#open.set(info.name, run);
      return run;
    } catch (error) {
      if (mayLack && (error instanceof IndexDamagedError || errorCode(error) === 'ENOENT')) return [];
      throw error;
    }
  }

  /** The path of a file of the index. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Closes all. */
  close(): void {
    for (const run of this.#open.values()) run.close();
    this.#open.clear();
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    this.#state = undefined;
  }
}
