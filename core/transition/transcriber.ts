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

/** Octets of superblocks and leaves of Dirs that wait to be added. */
const MAX_PENDING = 1024 * 1024;
/** Dirs and large contents that are worked at side by side. */
const BRANCHES = 32;
/** Files of one Block whose contents are asked for together, at most, by number and by octets. */
const MAX_GATHERED = 1024;
const MAX_GATHERED_SIZE = 8 * 1024 * 1024;

export interface TranscribeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of content whose new names were found out. */
  readonly onProgress?: ((done: TranscribeCounts) => void) | undefined;
  /** Leaves stay in the one Store, and the other gets what lists them alone. */
  readonly isInPlace?: boolean;
}

/** What was done. */
export interface TranscribeCounts {
  /** Blocks of contents that were read, and their octets. */
  readonly blocks: number;
  readonly bytes: number;
  /** Dirs that were written anew. */
  readonly dirs: number;
}

/**
 * Makes Dirents of one Store those of another with another hash function: names, metadata and octets are the same, references are
 * others. Leaves keep their edges. Superblocks and Dirs are made anew, since where they end depends on digests and on sizes.
 */
export class Transcriber implements AsyncDisposable {
  readonly #source: Store;
  readonly #target: Store;
  readonly #map: NameMap;
  readonly #signal: AbortSignal | undefined;
  readonly #pending: PendingBlocks;
  readonly #leaves: LeafNames;
  /** What is being made, by its reference. */
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

  /** Counts Blocks that got their new names. */
  noteDone(blocks: number, bytes: number): void {
    this.#counts = { ...this.#counts, blocks: this.#counts.blocks + blocks, bytes: this.#counts.bytes + bytes };
    this.#onProgress?.(this.#counts);
  }

  /** What was done so far. */
  get counts(): TranscribeCounts {
    return this.#counts;
  }

  /**
   * The Dirent with the same in the other Store. It is durable there after {@link Transcriber.save}.
   *
   * @throws {VtError} EMISSING, ECORRUPT with the path of what cannot be had
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

  /** What a Dirent of a Dir became, where that was found out before. */
  known(dirent: Dirent): Dirent | undefined {
    if (dirent.kind !== 'dir' || dirent.prev !== undefined) return undefined;
    const nameOf = (ref: Block): Block | undefined => (ref.kind === 'literal' ? ref : this.#map.get('dir', ref)?.ref);
    const block = nameOf(dirent.block);
    const inodes = dirent.inodes === undefined ? undefined : nameOf(dirent.inodes);
    if (block === undefined || (dirent.inodes !== undefined && inodes === undefined)) return undefined;
    return { ...dirent, block, ...(inodes === undefined ? {} : { inodes }) };
  }

  /** Makes durable what was done, and notes the names. */
  async save(): Promise<void> {
    await this.#map.save(
      async () => {
        await this.#pending.flushTo(this.#target, { signal: this.#signal });
      },
      { signal: this.#signal },
    );
  }

  /** Tells the path of what cannot be had, once. */
  async #at<T>(path: TreePath, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!isDamage(error) || !(error instanceof VtError) || error instanceof DamagedPathError) throw error;
      throw new DamagedPathError(path, error);
    }
  }

  /** Does something once for equal references, also if they are met at the same time. */
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
      // The wait for all of them throws it.
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
    // All of them end before a failure is told, so that nothing goes on behind its back.
    await Promise.allSettled(works);
    await Promise.all(works);
    return made;
  }

  /** Files of one Block each. */
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
      // Each by itself tells which of them.
      if (!isDamage(error)) throw error;
      for (const { index, dirent } of files) made[index] = await this.dirent(dirent, joinPath(path, dirent.name));
      return;
    }
    for (const [i, { index, dirent, block }] of files.entries()) {
      const digest = digests.subarray(i * digestSize, (i + 1) * digestSize);
      made[index] = { ...dirent, block: { ...block, hashcode: { hashName: this.#target.hashName, digest } } };
    }
  }

  /** An earlier state: a Block whose octets are one Dirent. */
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

/** Something of a tree that cannot be had, and where it is. */
class DamagedPathError extends VtError {
  constructor(path: TreePath, cause: VtError) {
    super(cause.code, `"${octetsToText(path)}": ${cause.message}`, {
      cause,
      ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }),
    });
  }
}

/** @throws {ParseError} for a Block of a third hash function */
function requireHash({ hashcode }: HashBlock, source: Store): void {
  if (hashcode.hashName !== source.hashName)
    throw new ParseError(`a Block of hash function ${hashcode.hashName} in a tree of ${source.hashName}`, 0);
}

function keyText(ref: HashBlock | IndirectBlock): string {
  const top = ref.kind === 'indirect' ? ref.refs : ref;
  return top.kind === 'hash' ? Buffer.from(top.hashcode.digest).toString('latin1') : '';
}
