import { ParseError, throwIfCancelled } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { Block, IndirectBlock } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { DigestTable } from '../block/digest-table.ts';
import type { HashFunction } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { MAX_TREE_DEPTH, readSuperblock } from '../block/tree-walk.ts';
import { readDirBatches } from '../dirent/dir-codec.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { decodeDirent } from '../dirent/dirent-codec.ts';
import type { TreePath } from '../tree/path.ts';
import { joinPath } from '../tree/path.ts';
import { isDamage } from '../tree/walk.ts';

/** A Block that could not be read, and the path that it damages. */
export interface WalkFault {
  readonly path: TreePath;
  readonly error: Error;
}

/** Options of {@link NeededBlocks}. */
export interface NeededOptions {
  /** Contents of files too; default true. */
  readonly contents?: boolean | undefined;
  /** `depth`: the last found first, which takes less memory. `breadth`: level by level. Default `depth`. */
  readonly order?: 'depth' | 'breadth' | undefined;
  /** Report all paths of a Block instead of the first. */
  readonly everyPath?: boolean | undefined;
  /** Maximum number of branches: with `everyPath`, nested Dirs at many paths would multiply without end. */
  readonly maxBranches?: number | undefined;
  /** Whether everything below a Dir is known to exist: it is then skipped. */
  readonly isComplete?: ((digest: Uint8Array) => boolean) | undefined;
  /** Digests that were reported already: `leaf` is not called for these, and adds the others. Without it, Blocks may be reported again. */
  readonly told?: DigestTable | undefined;
  /** Called for each leaf Block of content, which is not read. @param span - its octets; -1 if the reference does not say */
  readonly leaf: (digest: Uint8Array, span: number, path: TreePath) => void;
  /** Called between steps; a returned promise is awaited. */
  readonly between?: (() => Promise<void> | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Branches walked concurrently: their Blocks are fetched together. */
const MAX_BRANCHES = 512;

/**
 * Walks everything that a Dirent or a Block needs: Dirs, tables of hard links, earlier states, superblocks. These are read from
 * `source`, each once; leaves of content are only reported. Memory: some 45 octets per Block, and a closure per waiting branch.
 */
export class NeededBlocks {
  readonly #source: BlockSource;
  readonly #hash: HashFunction;
  readonly #options: NeededOptions;
  /** Separate tables, since a content may have the same Block as a Dir. */
  readonly #dirsWalked: DigestTable;
  readonly #statesWalked: DigestTable;
  readonly #contentsWalked: DigestTable;
  #steps: (() => Promise<void>)[] = [];
  #nextSteps: (() => Promise<void>)[] = [];
  #active = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;
  /** Blocks that could not be read. */
  readonly faults: WalkFault[] = [];
  /** Digests of the walked Dirs' Blocks. */
  readonly dirs: Uint8Array[] = [];
  /** Number of branches so far, and whether there were more than `maxBranches`. */
  branches = 0;
  isCut = false;

  constructor(source: BlockSource, hash: HashFunction, options: NeededOptions) {
    this.#source = source;
    this.#hash = hash;
    this.#options = options;
    this.#dirsWalked = new DigestTable(hash.digestSize);
    this.#statesWalked = new DigestTable(hash.digestSize);
    this.#contentsWalked = new DigestTable(hash.digestSize);
  }

  /** Walks a Dirent and its earlier states. @throws errors of the source, except those of a single Block, which become faults */
  async dirent(dirent: Dirent, path: TreePath): Promise<void> {
    this.#entry(dirent, path);
    await this.#run();
  }

  /** Walks a content. */
  async block(block: Block, path: TreePath): Promise<void> {
    this.#content(block, path, 0);
    await this.#run();
  }

  async #run(): Promise<void> {
    const { signal, between } = this.#options;
    const turns = new EventTurns();
    for (;;) {
      const turn = turns.next(signal);
      if (turn !== undefined) await turn;
      const pause = between?.();
      if (pause !== undefined) await pause;
      if (this.#failure === undefined) while (this.#active < MAX_BRANCHES && this.#start()) throwIfCancelled(signal);
      if (this.#active === 0) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #start(): boolean {
    const step = this.#takeStep();
    if (step === undefined) return false;
    this.#active++;
    step()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#active--;
        this.#wake();
      });
    return true;
  }

  #takeStep(): (() => Promise<void>) | undefined {
    if (this.#options.order !== 'breadth') return this.#nextSteps.pop();
    if (this.#steps.length === 0) {
      this.#steps = this.#nextSteps.reverse();
      this.#nextSteps = [];
    }
    return this.#steps.pop();
  }

  /** Adds a branch. If it cannot be read, that becomes a fault, and other branches continue. */
  #branch(path: TreePath, step: () => Promise<void>): void {
    this.isCut ||= this.branches >= (this.#options.maxBranches ?? Number.POSITIVE_INFINITY);
    if (this.isCut) return;
    this.branches++;
    this.#nextSteps.push(async () => {
      try {
        await step();
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.faults.push({ path, error });
      }
    });
  }

  #entry(dirent: Dirent, path: TreePath): void {
    const { prev } = dirent;
    if (prev !== undefined) this.#previous(prev, path);
    if (dirent.kind === 'file') this.#content(dirent.block, path, 0);
    if (dirent.kind === 'dir') {
      this.#dir(dirent.block, path);
      if (dirent.inodes !== undefined) this.#dir(dirent.inodes, path);
    }
  }

  #dir(block: Block, path: TreePath): void {
    const digest = topDigest(block);
    if (digest !== undefined) {
      if (this.#options.everyPath !== true && !this.#dirsWalked.set(digest)) return;
      if (this.#options.isComplete?.(digest) === true) return;
    }
    this.#branch(path, async () => {
      for await (const entries of readDirBatches(this.#source, block, { signal: this.#options.signal }))
        for (const entry of entries) this.#entry(entry, joinPath(path, entry.name));
      if (digest !== undefined) this.dirs.push(Uint8Array.from(digest));
    });
  }

  /** An earlier state of a node, which is an encoded Dirent. */
  #previous(block: Block, path: TreePath): void {
    const digest = topDigest(block);
    if (digest !== undefined && !this.#statesWalked.set(digest)) return;
    this.#branch(path, async () => {
      const data = await readBlockBytes(this.#source, block, { signal: this.#options.signal });
      this.#entry(decodeDirent(data, 0).value, path);
    });
  }

  #content(block: Block, path: TreePath, depth: number): void {
    if (this.#options.contents === false || depth > MAX_TREE_DEPTH) return;
    switch (block.kind) {
      case 'literal':
      case 'run':
        return;
      case 'sub':
        this.#content(block.base, path, depth + 1);
        return;
      case 'hash':
        this.#leaf(block.hashcode, block.span, path);
        return;
      case 'indirect':
        this.#superblock(block, path, depth);
    }
  }

  #leaf({ hashName, digest }: HashCode, span: number, path: TreePath): void {
    if (hashName !== this.#hash.name) {
      this.faults.push({ path, error: new ParseError(`a Block of hash function ${hashName} in a tree of ${this.#hash.name}`, 0) });
      return;
    }
    if (this.#options.everyPath === true || this.#options.told?.set(digest) !== false) this.#options.leaf(digest, span, path);
  }

  #superblock(block: IndirectBlock, path: TreePath, depth: number): void {
    const digest = topDigest(block);
    if (digest !== undefined && !this.#contentsWalked.set(digest) && this.#options.everyPath !== true) return;
    this.#branch(path, async () => {
      for (const child of await readSuperblock(this.#source, block, this.#options.signal)) this.#content(child, path, depth + 1);
    });
  }
}

/** The digest that identifies a walked Block; undefined if it has none. */
function topDigest(block: Block): Uint8Array | undefined {
  if (block.kind === 'hash') return block.hashcode.digest;
  return block.kind === 'indirect' && block.refs.kind === 'hash' ? block.refs.hashcode.digest : undefined;
}
