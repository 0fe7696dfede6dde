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

export interface SyncOptions {
  /** Which of the two Stores is near: what is needed is walked in it as far as it goes. */
  readonly near: 'from' | 'to';
  /** Contents of files too; default true. */
  readonly contents?: boolean | undefined;
  readonly order?: 'depth' | 'breadth' | undefined;
  /** Batches on their way at once. */
  readonly parallel?: number | undefined;
  /** Octets of Blocks a second, at most. */
  readonly bytesPerSecond?: number | undefined;
  /** Looks at all, also at what is noted to be complete. */
  readonly recheck?: boolean | undefined;
  /** Nothing is changed: the estimate alone is wanted. */
  readonly plan?: boolean | undefined;
  readonly onProgress?: ((sync: SyncProcess) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is missing, before anything but what lists others was moved. */
export interface SyncEstimate {
  /** Needed Blocks that were looked up, without those known to be complete. */
  readonly neededBlocks: number;
  readonly missingBlocks: number;
  /** Octets of the missing Blocks. */
  readonly missingBytes: number;
}

/** How often another process may begin to serve the Store in the middle of a transfer. */
const MOST_TRIES = 8;
/** Blocks asked about at once. */
const ASK_STEP = 16_384;
/** Branches in which all paths of what could not be had are looked for: times those of the tree, and at least. */
const NAMED_TIMES = 8;
const MIN_NAMED = 10_000;

/** The Blocks that are asked for, and those of them that are missing. */
interface Lane {
  asked: BlockList;
  missing: BlockList;
}

/**
 * Fills in what a Store lacks of a Block or a Dirent from another Store: `estimate` finds out exactly what is missing, `transfer`
 * moves it. Whatever has arrived stays, so that a later one goes on where this was broken off.
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
  /** What lists others or entries goes first, and apart: a Store may keep it apart. */
  readonly #lanes: readonly Lane[];
  readonly #told: DigestTable;
  readonly #pace: Pace;
  /** Blocks that list others, held where nothing may be stored. */
  readonly #held = new Map<string, Uint8Array>();
  /** Leaves of contents that came as Blocks which list others, too. */
  readonly #keptLeaves = new Set<string>();
  #needed = 0;
  #innerBlocks = 0;
  #innerBytes = 0;
  #dirs: readonly Uint8Array[] = [];
  #branches = 0;
  #marks: CompleteMarks | undefined;
  #what: { readonly dirent?: Dirent; readonly block?: Block; readonly path: TreePath } | undefined;
  /** Octets that are to be moved, and that were. */
  progressTotal = 0;
  progressDone = 0;
  /** Blocks that were moved. */
  doneBlocks = 0;
  /** What could not be read or copied, with what it harms. */
  readonly faults: WalkFault[] = [];

  /** @throws {VtError} EUNSUPPORTED where the Stores have different hash functions */
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

  /** Octets still to be moved. */
  get progressOutstanding(): number {
    return Math.max(0, this.progressTotal - this.progressDone);
  }

  /** Breaks it off: what is under way rejects with ECANCELLED. */
  cancel(): void {
    this.#abort.abort();
  }

  /** What is missing of a Dirent: of a Dir all that is below it. */
  async estimateDirent(dirent: Dirent, path: TreePath = ROOT_PATH): Promise<SyncEstimate> {
    return await this.#estimate({ dirent, path });
  }

  /** What is missing of a content. */
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

  /** Moves what the estimate found missing, and makes it durable. */
  async transfer(): Promise<void> {
    const failed = new Map<string, Error>();
    for (let tries = 0; ; tries++) {
      await this.#copyMissing(failed);
      await this.#marks?.beforeFlush(this.#signal);
      try {
        await this.#to.flush({ signal: this.#signal });
        break;
      } catch (error) {
        // Another process serves it now: what that lacks of what the one before was given is sent again.
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

  /** Asks which of the Blocks that were to be moved are there by now. */
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

  /** Whether the Blocks are there is asked for many at once. */
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

  /** Blocks that list others or entries. */
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
      // What there is in all is not known yet: as much as has come.
      this.progressTotal = Math.max(this.progressTotal, this.progressDone);
      this.#options.onProgress?.(this);
    }
    await this.#pace.wait(bytes);
  }

  /**
   * Finds the paths of Blocks that could not be had, by a second walk. It finds all of them, unless the tree has far more paths
   * than Dirs and lists. Then it gives those found so far, and one for each Block.
   */
  async #nameHarmed(failed: ReadonlyMap<string, Error>): Promise<void> {
    const harmed = new Set<string>();
    const most = Math.max(MIN_NAMED, NAMED_TIMES * this.#branches);
    if (!(await this.#findHarmed(failed, harmed, most))) await this.#findHarmed(failed, harmed, undefined);
    // Blocks of Dirs and lists themselves stand at no path below.
    if (harmed.size === 0) for (const error of failed.values()) this.faults.push({ path: this.#what?.path ?? ROOT_PATH, error });
  }

  /** @param maxBranches - of every path; undefined for the first path of each Block */
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
