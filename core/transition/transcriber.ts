import { ParseError, throwIfCancelled, VtError } from '../base/errors.ts';
import { octetsToText } from '../base/octets.ts';
import type { Block, HashBlock, IndirectBlock } from '../block/block.ts';
import { leafBlock, PendingBlocks } from '../block/block-sink.ts';
import { hashByName } from '../block/hash.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import { leavesOf, withSpan } from '../block/tree-walk.ts';
import { DirWriter, readDirBatches } from '../dirent/dir-codec.ts';
import type { DirDirent, Dirent, FileDirent } from '../dirent/dirent.ts';
import { decodeDirent, encodeDirent } from '../dirent/dirent-codec.ts';
import type { NamedKind } from '../store/capabilities.ts';
import type { Store } from '../store/store.ts';
import { BlockList } from '../sync/block-list.ts';
import type { TreePath } from '../tree/path.ts';
import { joinPath, ROOT_PATH } from '../tree/path.ts';
import { isDamage } from '../tree/walk.ts';
import { contentOf } from './content-names.ts';
import { LeafNames } from './leaf-names.ts';
import type { NameMap } from './name-map.ts';

/** Maximum octets of superblocks and leaves of Dirs that are collected before they are added. */
const MAX_PENDING = 1024 * 1024;
/** Dirs and large contents that are processed concurrently. */
const BRANCHES = 32;
/** Maximum number, and octets, of single-Block files whose contents are requested together. */
const MAX_GATHERED = 1024;
const MAX_GATHERED_SIZE = 8 * 1024 * 1024;

/** Options of {@link Transcriber}. */
export interface TranscribeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the counts when new names of contents were found. */
  readonly onProgress?: ((done: TranscribeCounts) => void) | undefined;
  /** Leaves stay in the source Store, and the target only gets superblocks and Dirs. */
  readonly isInPlace?: boolean;
}

/** Counts of finished work. */
export interface TranscribeCounts {
  /** Number of content Blocks that were read, and their octets. */
  readonly blocks: number;
  readonly bytes: number;
  /** Number of Dirs that were written. */
  readonly dirs: number;
}

/**
 * Converts Dirents of one Store for another Store with a different hash function. Names, metadata and contents stay the same, only
 * references change. Leaves keep their edges. Superblocks and Dirs are built again, since their edges depend on digests and sizes.
 */
export class Transcriber implements AsyncDisposable {
  readonly #source: Store;
  readonly #target: Store;
  readonly #map: NameMap;
  readonly #signal: AbortSignal | undefined;
  readonly #pending: PendingBlocks;
  readonly #leaves: LeafNames;
  /** Pending conversions, by reference. */
  readonly #underWay = new Map<string, Promise<Block>>();
  readonly #onProgress: TranscribeOptions['onProgress'];
  #free = BRANCHES;
  #counts = { blocks: 0, bytes: 0, dirs: 0 };

  constructor(source: Store, target: Store, map: NameMap, options: TranscribeOptions = {}) {
    this.#source = source;
    this.#target = target;
    this.#map = map;
    this.#signal = options.signal;
    this.#pending = new PendingBlocks(target.hashName);
    this.#onProgress = options.onProgress;
    const onDone = (blocks: number, bytes: number): void => this.noteDone(blocks, bytes);
    this.#leaves = new LeafNames({ source, target }, map, { signal: options.signal, isInPlace: options.isInPlace === true, onDone });
  }

  /** Counts renamed Blocks. */
  noteDone(blocks: number, bytes: number): void {
    this.#counts = { ...this.#counts, blocks: this.#counts.blocks + blocks, bytes: this.#counts.bytes + bytes };
    this.#onProgress?.(this.#counts);
  }

  /** The counts so far. */
  get counts(): TranscribeCounts {
    return this.#counts;
  }

  /**
   * Converts a Dirent. The result is durable in the other Store after {@link Transcriber.save}.
   *
   * @throws {VtError} EMISSING or ECORRUPT, with the path of an unavailable Block
   */
  async dirent(dirent: Dirent, path: TreePath = ROOT_PATH): Promise<Dirent> {
    throwIfCancelled(this.#signal);
    let made = dirent;
    if (dirent.kind === 'file') made = { ...dirent, block: await this.#at(path, this.#content(dirent.block)) } satisfies FileDirent;
    if (dirent.kind === 'dir') {
      const block = await this.#at(path, this.#dir(dirent.block, dirent.salt, path));
      const inodes = dirent.inodes === undefined ? {} : { inodes: await this.#at(path, this.#dir(dirent.inodes, undefined, path)) };
      made = { ...dirent, block, ...inodes } satisfies DirDirent;
    }
    return dirent.prev === undefined ? made : { ...made, prev: await this.#at(path, this.#previous(dirent.prev, path)) };
  }

  /** The converted Dirent of a Dir, if it was converted before. */
  known(dirent: Dirent): Dirent | undefined {
    if (dirent.kind !== 'dir' || dirent.prev !== undefined) return undefined;
    const nameOf = (ref: Block): Block | undefined => (ref.kind === 'literal' ? ref : this.#map.get('dir', ref)?.ref);
    const block = nameOf(dirent.block);
    const inodes = dirent.inodes === undefined ? undefined : nameOf(dirent.inodes);
    if (block === undefined || (dirent.inodes !== undefined && inodes === undefined)) return undefined;
    return { ...dirent, block, ...(inodes === undefined ? {} : { inodes }) };
  }

  /** Makes the converted Blocks durable, and saves the names. */
  async save(): Promise<void> {
    await this.#map.save(
      async () => {
        await this.#pending.flushTo(this.#target, { signal: this.#signal });
      },
      { signal: this.#signal },
    );
  }

  /** Adds the path to an error about an unavailable Block, once. */
  async #at<T>(path: TreePath, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!isDamage(error) || !(error instanceof VtError) || error instanceof DamagedPathError) throw error;
      throw new DamagedPathError(path, error);
    }
  }

  /** Converts equal references once, even if they occur concurrently. */
  async #once(kind: NamedKind, ref: HashBlock | IndirectBlock, make: () => Promise<Block>): Promise<Block> {
    const known = this.#map.get(kind, ref);
    if (known?.isWhole === true) return known.ref;
    const key = `${kind} ${ref.kind} ${keyText(ref)}`;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return await underWay;
    const made = make();
    this.#underWay.set(key, made);
    try {
      const to = await made;
      this.#map.add(kind, ref, to);
      return to;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #flush(): Promise<void> {
    if (this.#pending.size >= MAX_PENDING) await this.#pending.flushTo(this.#target, { signal: this.#signal });
    if (this.#map.isFull) await this.save();
  }

  async #content(block: Block): Promise<Block> {
    switch (block.kind) {
      case 'literal':
      case 'run':
        return block;
      case 'sub':
        return { ...block, base: await this.#content(block.base) };
      case 'hash': {
        const whole = (await withSpan(this.#source, block, this.#signal)) as HashBlock;
        const list = new BlockList(block.hashcode.digest.length);
        requireHash(block, this.#source);
        list.add(block.hashcode.digest, whole.span);
        return { ...whole, hashcode: { hashName: this.#target.hashName, digest: await this.#leaves.digestsOf(list) } };
      }
      case 'indirect': {
        const make = async (): Promise<Block> => {
          const made = await contentOf(leavesOf(this.#source, block, { signal: this.#signal }), {
            builder: new BlockTreeBuilder(this.#pending),
            hashName: this.#target.hashName,
            digestSize: hashByName(this.#source.hashName).digestSize,
            digestsOf: async (list) => await this.#leaves.digestsOf(list),
          });
          await this.#flush();
          return made;
        };
        return block.refs.kind === 'hash' ? await this.#once('bytes', block, make) : await make();
      }
    }
  }

  async #dir(block: Block, salt: Uint8Array | undefined, path: TreePath): Promise<Block> {
    const make = async (): Promise<Block> => {
      const writer = new DirWriter(this.#pending, { salt });
      for await (const entries of readDirBatches(this.#source, block, { signal: this.#signal }))
        for (const entry of await this.#entries(entries, path)) writer.add(entry);
      const made = writer.finish();
      this.#counts = { ...this.#counts, dirs: this.#counts.dirs + 1 };
      await this.#flush();
      return made;
    };
    const isNamed = block.kind === 'hash' || (block.kind === 'indirect' && block.refs.kind === 'hash');
    return isNamed ? await this.#once('dir', block, make) : await make();
  }

  async #entries(entries: readonly Dirent[], path: TreePath): Promise<Dirent[]> {
    const made: Dirent[] = [...entries];
    const works: Promise<void>[] = [];
    const begin = (work: Promise<void>): Promise<void> => {
      // Awaiting all of them below throws the error.
      work.catch(() => undefined);
      works.push(work);
      return work;
    };
    let gathered: { readonly index: number; readonly dirent: FileDirent; readonly block: HashBlock }[] = [];
    let gatheredSize = 0;
    const endGathered = (): void => {
      if (gathered.length > 0) void begin(this.#gathered(gathered, made, path));
      gathered = [];
      gatheredSize = 0;
    };
    for (const [index, dirent] of entries.entries()) {
      if (dirent.kind === 'file' && dirent.prev === undefined && dirent.block.kind === 'hash') {
        requireHash(dirent.block, this.#source);
        gathered.push({ index, dirent, block: dirent.block });
        gatheredSize += dirent.block.span;
        if (gathered.length >= MAX_GATHERED || gatheredSize >= MAX_GATHERED_SIZE) endGathered();
        continue;
      }
      const one = async (): Promise<void> => {
        made[index] = await this.dirent(dirent, joinPath(path, dirent.name));
      };
      if (this.#free > 0) {
        this.#free--;
        void begin(one().finally(() => this.#free++));
      } else await begin(one()).catch(() => undefined);
    }
    endGathered();
    // Wait for all before throwing an error, so that none continues afterwards.
    await Promise.allSettled(works);
    await Promise.all(works);
    return made;
  }

  /** Converts single-Block files. */
  async #gathered(
    files: readonly { readonly index: number; readonly dirent: FileDirent; readonly block: HashBlock }[],
    made: Dirent[],
    path: TreePath,
  ): Promise<void> {
    const { digestSize } = hashByName(this.#target.hashName);
    const list = new BlockList(hashByName(this.#source.hashName).digestSize);
    for (const { block } of files) list.add(block.hashcode.digest, block.span);
    let digests: Uint8Array;
    try {
      digests = await this.#leaves.digestsOf(list);
    } catch (error) {
      // Converting each by itself shows which is damaged.
      if (!isDamage(error)) throw error;
      for (const { index, dirent } of files) made[index] = await this.dirent(dirent, joinPath(path, dirent.name));
      return;
    }
    for (const [i, { index, dirent, block }] of files.entries()) {
      const digest = digests.subarray(i * digestSize, (i + 1) * digestSize);
      made[index] = { ...dirent, block: { ...block, hashcode: { hashName: this.#target.hashName, digest } } };
    }
  }

  /** Converts an earlier state: a Block that contains one Dirent. */
  async #previous(block: Block, path: TreePath): Promise<Block> {
    const make = async (): Promise<Block> => {
      const before = decodeDirent(await readBlockBytes(this.#source, block, { signal: this.#signal }), 0).value;
      const made = leafBlock(this.#pending, encodeDirent(await this.dirent(before, path)));
      await this.#flush();
      return made;
    };
    const isNamed = block.kind === 'hash' || (block.kind === 'indirect' && block.refs.kind === 'hash');
    return isNamed ? await this.#once('state', block, make) : await make();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leaves[Symbol.asyncDispose]();
  }
}

/** An unavailable part of a tree, and its path. */
class DamagedPathError extends VtError {
  constructor(path: TreePath, cause: VtError) {
    super(cause.code, `"${octetsToText(path)}": ${cause.message}`, {
      cause,
      ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }),
    });
  }
}

/** @throws {ParseError} if a Block has a third hash function */
function requireHash({ hashcode }: HashBlock, source: Store): void {
  if (hashcode.hashName !== source.hashName)
    throw new ParseError(`a Block of hash function ${hashcode.hashName} in a tree of ${source.hashName}`, 0);
}

function keyText(ref: HashBlock | IndirectBlock): string {
  const top = ref.kind === 'indirect' ? ref.refs : ref;
  return top.kind === 'hash' ? Buffer.from(top.hashcode.digest).toString('latin1') : '';
}
