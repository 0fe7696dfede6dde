import { CorruptBlockError, LostAddsError, MissingBlockError, VtError } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import { BatchedSource } from '../block/batched-source.ts';
import type { Block } from '../block/block.ts';
import { digestKey } from '../block/digest-key.ts';
import { DigestTable } from '../block/digest-table.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { Store } from '../store/store.ts';
import type { TreePath } from '../tree/path.ts';
import { ROOT_PATH } from '../tree/path.ts';
import { BlockList } from './block-list.ts';
import type { CompleteMarks } from './complete-marks.ts';
import { openMarks } from './complete-marks.ts';
import { copyBlocks } from './copy-blocks.ts';
import type { WalkFault } from './needed-blocks.ts';
import { NeededBlocks } from './needed-blocks.ts';
import { Pace } from './pace.ts';

/** Options of {@link SyncProcess}. */
export interface SyncOptions {
  /** Which of the two Stores is near: the tree is walked in it as far as possible. */
  readonly near: 'from' | 'to';
  /** Contents of files too; default true. */
  readonly contents?: boolean | undefined;
  readonly order?: 'depth' | 'breadth' | undefined;
  /** Number of concurrent batches. */
  readonly parallel?: number | undefined;
  /** Maximum octets of Blocks per second. */
  readonly bytesPerSecond?: number | undefined;
  /** Also check Dirs that are marked complete. */
  readonly recheck?: boolean | undefined;
  /** Only estimate; change nothing. */
  readonly plan?: boolean | undefined;
  readonly onProgress?: ((sync: SyncProcess) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is missing at a time when only superblocks and Dirs were transferred. */
export interface SyncEstimate {
  /** Needed Blocks that were looked up, without those below Dirs marked complete. */
  readonly neededBlocks: number;
  readonly missingBlocks: number;
  /** Octets of the missing Blocks. */
  readonly missingBytes: number;
}

/** How often the Store's server process may be replaced during a transfer. */
const MOST_TRIES = 8;
/** Blocks per `has` request. */
const ASK_STEP = 16_384;
/** Limits the search for all paths of failed Blocks: a multiple of the tree's branches, and a minimum. */
const NAMED_TIMES = 8;
const MIN_NAMED = 10_000;

/** The Blocks to look up, and those of them that are missing. */
interface Lane {
  asked: BlockList;
  missing: BlockList;
}

/**
 * Copies the Blocks of a content or Dirent that a Store lacks from another Store. `estimate…` finds out exactly what is missing,
 * `transfer` copies it. Blocks that have arrived stay, so that another transfer can continue an interrupted one.
 */
export class SyncProcess {
  readonly #from: Store;
  readonly #to: Store;
  readonly #options: SyncOptions;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #digestSize: number;
  readonly #lists: Lane;
  readonly #contents: Lane;
  /** Superblocks and Dirs go first in a lane of their own, since a Store may keep them separately. */
  readonly #lanes: readonly Lane[];
  readonly #told: DigestTable;
  readonly #pace: Pace;
  /** Superblocks and Dirs in memory, if nothing may be stored. */
  readonly #held = new Map<string, Uint8Array>();
  /** Leaves of contents that were already transferred as superblocks or Dirs. */
  readonly #keptLeaves = new Set<string>();
  #needed = 0;
  #innerBlocks = 0;
  #innerBytes = 0;
  #dirs: readonly Uint8Array[] = [];
  #branches = 0;
  #marks: CompleteMarks | undefined;
  #what: { readonly dirent?: Dirent; readonly block?: Block; readonly path: TreePath } | undefined;
  /** Octets to be transferred, and octets transferred so far. */
  progressTotal = 0;
  progressDone = 0;
  /** Number of transferred Blocks. */
  doneBlocks = 0;
  /** Blocks that could not be read or copied, with the paths that they damage. */
  readonly faults: WalkFault[] = [];

  /** @throws {VtError} EUNSUPPORTED if the Stores have different hash functions */
  constructor(from: Store, to: Store, options: SyncOptions) {
    if (from.hashName !== to.hashName) {
      throw new VtError('EUNSUPPORTED', `"${from.name}" has hash function ${from.hashName}, and "${to.name}" has ${to.hashName}`, {
        remedy: 'get the tree and put it into a Store of the other hash function',
      });
    }
    this.#from = from;
    this.#to = to;
    this.#options = options;
    this.#signal = options.signal === undefined ? this.#abort.signal : AbortSignal.any([options.signal, this.#abort.signal]);
    this.#pace = new Pace(options.bytesPerSecond, this.#signal);
    const { digestSize } = hashByName(from.hashName);
    this.#digestSize = digestSize;
    this.#lists = { asked: new BlockList(digestSize), missing: new BlockList(digestSize) };
    this.#contents = { asked: new BlockList(digestSize), missing: new BlockList(digestSize) };
    this.#lanes = [this.#lists, this.#contents];
    this.#told = new DigestTable(digestSize);
  }

  /** Octets still to be transferred. */
  get progressOutstanding(): number {
    return Math.max(0, this.progressTotal - this.progressDone);
  }

  /** Cancels: pending calls reject with ECANCELLED. */
  cancel(): void {
    this.#abort.abort();
  }

  /** Estimates what is missing for a Dirent, with everything below a Dir. */
  async estimateDirent(dirent: Dirent, path: TreePath = ROOT_PATH): Promise<SyncEstimate> {
    return await this.#estimate({ dirent, path });
  }

  /** Estimates what is missing for a content. */
  async estimateBlock(block: Block, path: TreePath = ROOT_PATH): Promise<SyncEstimate> {
    return await this.#estimate({ block, path });
  }

  async #estimate(what: { readonly dirent?: Dirent; readonly block?: Block; readonly path: TreePath }): Promise<SyncEstimate> {
    this.#what = what;
    const { near, contents, order, recheck } = this.#options;
    const hash = hashByName(this.#from.hashName);
    const marks = await openMarks(this.#from, this.#to, near, this.#signal);
    this.#marks = marks;
    const walk = new NeededBlocks(new BatchedSource(this.#from.name, (wanted) => this.#fetch(wanted)), hash, {
      contents,
      order,
      signal: this.#signal,
      told: this.#told,
      isComplete: marks === undefined || recheck === true ? undefined : (digest) => marks.has(digest),
      leaf: (digest, span) => {
        this.#needed++;
        this.#contents.asked.add(digest, span);
      },
      between: () => (this.#lists.asked.count + this.#contents.asked.count >= ASK_STEP ? this.#ask() : undefined),
    });
    if (what.dirent !== undefined) await walk.dirent(what.dirent, what.path);
    if (what.block !== undefined) await walk.block(what.block, what.path);
    await this.#ask();
    const leaves = this.#contents;
    if (this.#keptLeaves.size > 0) leaves.missing = leaves.missing.filter((digest) => !this.#keptLeaves.has(digestKey(digest)));
    appendAll(this.faults, walk.faults);
    this.#dirs = walk.dirs;
    this.#branches = walk.branches;
    const missingBlocks = this.#innerBlocks + this.#lists.missing.count + leaves.missing.count;
    const missingBytes = this.#innerBytes + this.#lists.missing.bytes + leaves.missing.bytes;
    this.progressTotal = missingBytes;
    return { neededBlocks: this.#needed, missingBlocks, missingBytes };
  }

  /** Transfers what the estimate found missing, and makes it durable. */
  async transfer(): Promise<void> {
    const failed = new Map<string, Error>();
    for (let tries = 0; ; tries++) {
      await this.#copyMissing(failed);
      await this.#marks?.beforeFlush(this.#signal);
      try {
        await this.#to.flush({ signal: this.#signal });
        break;
      } catch (error) {
        // Another process serves the Store now: send it again the Blocks that it lacks.
        if (!(error instanceof LostAddsError) || tries === MOST_TRIES) throw error;
        await this.#askAgain();
      }
    }
    if (failed.size > 0) await this.#nameHarmed(failed);
    const isWhole = this.faults.length === 0 && this.#options.contents !== false;
    await this.#marks?.noteComplete(isWhole ? this.#dirs : [], this.#signal);
  }

  async #copyMissing(failed: Map<string, Error>): Promise<void> {
    for (const lane of this.#lanes) await this.#copyLane(lane, failed);
  }

  async #copyLane(lane: Lane, failed: Map<string, Error>): Promise<void> {
    await copyBlocks(this.#from, this.#to, lane.missing, {
      isListing: lane === this.#lists,
      parallel: this.#options.parallel,
      pace: this.#pace,
      signal: this.#signal,
      onCopied: (blocks, bytes) => {
        this.doneBlocks += blocks;
        this.progressDone += bytes;
        this.#options.onProgress?.(this);
      },
      onFault: (hashcode, error) => failed.set(hashcodeLabel(hashcode), error),
    });
  }

  /** Finds out which of the missing Blocks exist by now. */
  async #askAgain(): Promise<void> {
    for (const lane of this.#lanes) {
      const moved = lane.missing;
      lane.missing = new BlockList(this.#digestSize);
      for (let start = 0; start < moved.count; start += ASK_STEP) {
        for (let i = start; i < Math.min(moved.count, start + ASK_STEP); i++) lane.asked.add(moved.digest(i), moved.span(i));
        await this.#ask();
      }
      this.progressTotal += lane.missing.bytes;
    }
  }

  /** Looks up many Blocks with one request. */
  async #ask(): Promise<void> {
    const lanes = this.#lanes.map((lane) => ({ lane, asked: lane.asked }));
    const hashcodes: HashCode[] = [];
    for (const { lane, asked } of lanes) {
      appendAll(hashcodes, asked.hashcodes(this.#to.hashName));
      if (asked.count > 0) lane.asked = new BlockList(this.#digestSize);
    }
    if (hashcodes.length === 0) return;
    const there = await this.#to.has(hashcodes, { signal: this.#signal });
    let next = 0;
    for (const { lane, asked } of lanes)
      for (let i = 0; i < asked.count; i++) if (there[next++] !== true) lane.missing.add(asked.digest(i), asked.span(i));
  }

  /** Fetches superblocks and Dirs. */
  async #fetch(wanted: readonly HashCode[]): Promise<(Uint8Array | Error | undefined)[]> {
    if (this.#options.near === 'from') {
      const found = await getEach(this.#from, wanted, this.#signal);
      for (const [index, { digest }] of wanted.entries()) {
        const data = found[index];
        if (!(data instanceof Uint8Array) || !this.#told.set(digest)) continue;
        this.#needed++;
        this.#lists.asked.add(digest, data.length);
      }
      return found;
    }
    const there = await this.#to.has(wanted, { signal: this.#signal });
    const found: (Uint8Array | Error | undefined)[] = wanted.map((hashcode) => this.#held.get(hashcodeLabel(hashcode)));
    const own = indexesOf(wanted, (index) => found[index] === undefined && there[index] === true);
    const read = await getEach(this.#to, pick(wanted, own), this.#signal);
    for (const [i, index] of own.entries()) found[index] = read[i] instanceof Uint8Array ? read[i] : undefined;
    const absent = indexesOf(wanted, (index) => found[index] === undefined);
    const fetched = await getEach(this.#from, pick(wanted, absent), this.#signal);
    for (const [i, index] of absent.entries()) found[index] = fetched[i];
    for (const [i, index] of absent.entries())
      if (fetched[i] instanceof Uint8Array && this.#told.has(hashcodeAt(wanted, index).digest))
        this.#keptLeaves.add(digestKey(hashcodeAt(wanted, index).digest));
    for (const { digest } of wanted) if (this.#told.set(digest)) this.#needed++;
    await this.#keep(
      pick(wanted, absent).flatMap((hashcode, i) => {
        const data = fetched[i];
        return data instanceof Uint8Array ? [{ hashcode, data }] : [];
      }),
    );
    return found;
  }

  async #keep(blocks: readonly { readonly hashcode: HashCode; readonly data: Uint8Array }[]): Promise<void> {
    if (this.#options.plan !== true)
      await this.#to.addBatch(
        blocks.map(({ hashcode, data }) => ({ digest: hashcode.digest, data })),
        { signal: this.#signal },
      );
    let bytes = 0;
    for (const { hashcode, data } of blocks) {
      bytes += data.length;
      if (this.#options.plan === true) this.#held.set(hashcodeLabel(hashcode), data);
    }
    this.#innerBlocks += blocks.length;
    this.#innerBytes += bytes;
    if (this.#options.plan !== true) {
      this.doneBlocks += blocks.length;
      this.progressDone += bytes;
      // The total is not known yet: it is at least what has arrived.
      this.progressTotal = Math.max(this.progressTotal, this.progressDone);
      this.#options.onProgress?.(this);
    }
    await this.#pace.wait(bytes);
  }

  /**
   * Finds the paths of failed Blocks by a second walk. It finds all paths, unless the tree has far more paths
   * than Dirs and superblocks. Then it reports those found so far, and at least one per Block.
   */
  async #nameHarmed(failed: ReadonlyMap<string, Error>): Promise<void> {
    const harmed = new Set<string>();
    const most = Math.max(MIN_NAMED, NAMED_TIMES * this.#branches);
    if (!(await this.#findHarmed(failed, harmed, most))) await this.#findHarmed(failed, harmed, undefined);
    // Superblocks and Dirs themselves are not leaves, so the walk does not find them.
    if (harmed.size === 0) for (const error of failed.values()) this.faults.push({ path: this.#what?.path ?? ROOT_PATH, error });
  }

  /** @param maxBranches - limit for finding all paths; undefined to find only the first path of each Block */
  async #findHarmed(failed: ReadonlyMap<string, Error>, harmed: Set<string>, maxBranches: number | undefined): Promise<boolean> {
    const { hashName } = this.#from;
    const hash = hashByName(hashName);
    const walk = new NeededBlocks(new BatchedSource(this.#from.name, (wanted) => this.#fetch(wanted)), hash, {
      contents: this.#options.contents,
      everyPath: maxBranches !== undefined,
      maxBranches,
      told: new DigestTable(hash.digestSize),
      signal: this.#signal,
      leaf: (digest, _span, path) => {
        const error = failed.get(hashcodeLabel({ hashName, digest }));
        if (error === undefined || harmed.has(path)) return;
        harmed.add(path);
        this.faults.push({ path, error });
      },
    });
    if (this.#what?.dirent !== undefined) await walk.dirent(this.#what.dirent, this.#what.path);
    if (this.#what?.block !== undefined) await walk.block(this.#what.block, this.#what.path);
    return !walk.isCut;
  }
}

async function getEach(store: Store, hashcodes: readonly HashCode[], signal: AbortSignal): Promise<(Uint8Array | Error | undefined)[]> {
  return await Promise.all(
    hashcodes.map(async (hashcode) => {
      try {
        return await store.get(hashcode, { signal });
      } catch (error) {
        if (error instanceof CorruptBlockError || error instanceof MissingBlockError) return error;
        throw error;
      }
    }),
  );
}

function indexesOf(wanted: readonly HashCode[], passes: (index: number) => boolean): number[] {
  return [...wanted.keys()].filter(passes);
}

function hashcodeAt(wanted: readonly HashCode[], index: number): HashCode {
  return wanted[index] as HashCode;
}

function pick(wanted: readonly HashCode[], indexes: readonly number[]): HashCode[] {
  return indexes.map((index) => hashcodeAt(wanted, index));
}
