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

/** A Block that could not be read, and what it harms. */
export interface WalkFault {
  readonly path: TreePath;
  readonly error: Error;
}

export interface NeededOptions {
  /** Contents of files too; default true. */
  readonly contents?: boolean | undefined;
  /** Whether what was found last is looked into first, which takes less memory; else level by level. Default `depth`. */
  readonly order?: 'depth' | 'breadth' | undefined;
  /** Tells each path of a Block, in place of the first. */
  readonly everyPath?: boolean | undefined;
  /** Branches walked at most: where a Dir stands at many paths, in which another does, there is no end of them. */
  readonly maxBranches?: number | undefined;
  /** Whether all below a Dir is known to be there: it is then passed over. */
  readonly isComplete?: ((digest: Uint8Array) => boolean) | undefined;
  /** Digests of Blocks that were told already: `leaf` is not told of these, and puts those that it is told of. Without it each may be told again. */
  readonly told?: DigestTable | undefined;
  /** Told of each Block that content refers to, and not read. @param span - octets, -1 where the reference does not tell */
  readonly leaf: (digest: Uint8Array, span: number, path: TreePath) => void;
  /** Awaited between steps, where there is something to do. */
  readonly between?: (() => Promise<void> | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Branches walked side by side: what they want is fetched together. */
const MAX_BRANCHES = 512;

/**
 * Walks all that a Dirent or a Block needs: Dirs, tables of hard links, earlier states, superblocks. They are read from
 * `source`, each once; leaves of content are told. Memory: some 45 octets for each Block, and a step for each branch that waits.
 */
export class NeededBlocks {
  readonly #source: BlockSource;
  readonly #hash: HashFunction;
  readonly #options: NeededOptions;
  /** Tables of their own: a content may have the very Block of a Dir. */
  readonly #dirsWalked: DigestTable;
  readonly #statesWalked: DigestTable;
  readonly #contentsWalked: DigestTable;
  #steps: (() => Promise<void>)[] = [];
  #nextSteps: (() => Promise<void>)[] = [];
  #active = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;
  /** What could not be read. */
  readonly faults: WalkFault[] = [];
  /** Digests of the Blocks of Dirs that were walked. */
  readonly dirs: Uint8Array[] = [];
  /** Branches met, and whether there were more than are walked. */
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

  /** Walks what a Dirent needs, its earlier states included. @throws what the source throws for other reasons than a Block's */
  async dirent(dirent: Dirent, path: TreePath): Promise<void> {
    this.#entry(dirent, path);
    await this.#run();
  }

  /** Walks what a content needs. */
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

  /** Takes a branch on; what cannot be read of it is a fault, and others go on. */
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

/** The digest by which a Block is known to have been walked. */
function topDigest(block: Block): Uint8Array | undefined {
  if (block.kind === 'hash') return block.hashcode.digest;
  return block.kind === 'indirect' && block.refs.kind === 'hash' ? block.refs.hashcode.digest : undefined;
}
