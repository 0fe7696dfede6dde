import { MissingBlockError, ParseError, throwIfCancelled, type VtError } from '../base/errors.ts';
import { octetsToText } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import { EMPTY_BLOCK, sameBlock } from '../block/block.ts';
import { DigestTable } from '../block/digest-table.ts';
import type { HashFunction } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { readBlockBytes } from '../block/read-range.ts';
import type { Leaf } from '../block/tree-walk.ts';
import { leavesOf } from '../block/tree-walk.ts';
import { readDir } from '../dirent/dir-codec.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { decodeDirent, encodeDirent } from '../dirent/dirent-codec.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import type { TreePath } from '../tree/path.ts';
import { joinPath, ROOT_PATH } from '../tree/path.ts';
import { isDamage } from '../tree/walk.ts';
import { RecordRehasher } from './record-rehasher.ts';

/** Maximum octets of Blocks that are read together. */
const READ_SIZE = 8 * 1024 * 1024;
const MAX_READ = 4096;

/** A difference between the two Stores. */
export interface NameFault {
  readonly path: TreePath;
  readonly error: VtError;
}

interface LeafPair {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly span: number;
  readonly path: TreePath;
}

/**
 * Compares the result of a transition with its source: names, metadata and all octets. Each Block of the new Store is read and hashed
 * with both functions, and must yield the digests in the old references. Only Dirs and superblocks of the old Store are read.
 * After a transition in place, Blocks are read by their old names, and must yield the new ones.
 */
export class NameCheck implements AsyncDisposable {
  readonly #source: Store;
  readonly #target: Store;
  readonly #from: HashFunction;
  readonly #to: HashFunction;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((blocks: number, bytes: number) => void) | undefined;
  readonly #isInPlace: boolean;
  readonly #rehasher: RecordRehasher;
  /** Pairs of digests that were compared, of leaves and of the tops of trees. */
  readonly #seen: { readonly bytes: DigestTable; readonly content: DigestTable; readonly dir: DigestTable; readonly state: DigestTable };
  #pairs: LeafPair[] = [];
  #size = 0;
  /** Number of content Blocks that were read. */
  blocks = 0;
  bytes = 0;
  readonly faults: NameFault[] = [];

  constructor(
    source: Store,
    target: Store,
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly isInPlace?: boolean;
      readonly onProgress?: (blocks: number, bytes: number) => void;
    } = {},
  ) {
    this.#source = source;
    this.#target = target;
    this.#from = hashByName(source.hashName);
    this.#to = hashByName(target.hashName);
    this.#signal = options.signal;
    this.#onProgress = options.onProgress;
    this.#isInPlace = options.isInPlace === true;
    this.#rehasher = new RecordRehasher(this.#near, this.#far, { digestsOnly: true });
    const pairs = (): DigestTable => new DigestTable(this.#from.digestSize + this.#to.digestSize);
    this.#seen = { bytes: pairs(), content: pairs(), dir: pairs(), state: pairs() };
  }

  /** The hash function of the names by which Blocks are read, and the other one. */
  get #near(): HashFunction {
    return this.#isInPlace ? this.#from : this.#to;
  }

  get #far(): HashFunction {
    return this.#isInPlace ? this.#to : this.#from;
  }

  get #reader(): Store {
    return this.#isInPlace ? this.#source : this.#target;
  }

  /** Compares a Dirent and everything below it with the converted one. */
  async dirent(before: Dirent, after: Dirent): Promise<void> {
    await this.#entry(before, after, ROOT_PATH);
    await this.#readPairs();
  }

  async #entry(before: Dirent, after: Dirent, path: TreePath): Promise<void> {
    throwIfCancelled(this.#signal);
    try {
      if (!encodeDirent(plain(before)).equals(encodeDirent(plain(after)))) throw new ParseError('its name or metadata differ', 0);
      await this.#state(before.prev, after.prev, path);
      if (before.kind === 'file' && after.kind === 'file') await this.#content(before.block, after.block, path);
      if (before.kind !== 'dir' || after.kind !== 'dir') return;
      await this.#dir(before.block, after.block, path);
      await this.#dir(before.inodes ?? EMPTY_BLOCK, after.inodes ?? EMPTY_BLOCK, path);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.faults.push({ path, error });
    }
  }

  async #state(before: Block | undefined, after: Block | undefined, path: TreePath): Promise<void> {
    if (before === undefined && after === undefined) return;
    if (before === undefined || after === undefined) throw new ParseError('only one Store has its earlier state', 0);
    if (!this.#isNew('state', before, after)) return;
    const how = { signal: this.#signal };
    const [one, other] = [await readBlockBytes(this.#source, before, how), await readBlockBytes(this.#target, after, how)];
    await this.#entry(decodeDirent(one, 0).value, decodeDirent(other, 0).value, path);
  }

  async #dir(before: Block, after: Block, path: TreePath): Promise<void> {
    if (!this.#isNew('dir', before, after)) return;
    const how = { signal: this.#signal };
    const others = readDir(this.#target, after, how)[Symbol.asyncIterator]();
    for await (const entry of readDir(this.#source, before, how)) {
      const other = await others.next();
      if (other.done === true || other.value.name !== entry.name) throw new ParseError(`"${octetsToText(entry.name)}" is not in it`, 0);
      await this.#entry(entry, other.value, joinPath(path, entry.name));
    }
    if ((await others.next()).done !== true) throw new ParseError('it has entries that were not there', 0);
  }

  async #content(before: Block, after: Block, path: TreePath): Promise<void> {
    if (!this.#isNew('content', before, after)) return;
    const how = { signal: this.#signal };
    const others = pieces(leavesOf(this.#target, after, how))[Symbol.asyncIterator]();
    for await (const piece of pieces(leavesOf(this.#source, before, how))) {
      const other = await others.next();
      if (other.done === true || other.value.from !== piece.from || other.value.size !== piece.size)
        throw new ParseError('its leaves differ', 0);
      await this.#piece(piece.block, other.value.block, path);
    }
    if ((await others.next()).done !== true) throw new ParseError('it is longer', 0);
  }

  async #piece(before: Block, after: Block, path: TreePath): Promise<void> {
    if (before.kind !== 'hash' || after.kind !== 'hash') {
      if (!sameBlock(before, after)) throw new ParseError('its bytes differ', 0);
      return;
    }
    const [one, other] = [before.hashcode.digest, after.hashcode.digest];
    if (!this.#seen.bytes.set(Buffer.concat([one, other]))) return;
    this.#pairs.push({ before: one, after: other, span: before.span, path });
    this.#size += before.span;
    if (this.#size >= READ_SIZE || this.#pairs.length >= MAX_READ) await this.#readPairs();
  }

  /** Reads the collected Blocks, and hashes them with both functions. */
  async #readPairs(): Promise<void> {
    const pairs = this.#pairs;
    this.#pairs = [];
    this.#size = 0;
    if (pairs.length === 0) return;
    const found = new Map<string, string>();
    await this.#read(pairs, found);
    for (const pair of pairs) {
      const [near, far] = this.#sides(pair);
      const digest = found.get(hex(near)) ?? (await this.#readOne(near, pair.path));
      if (digest === undefined || digest === hex(far)) continue;
      this.faults.push({
        path: pair.path,
        error: new ParseError(`Block ${this.#label(near)}: its bytes are not those of ${hex(far)}`, 0),
      });
    }
    this.blocks += pairs.length;
    this.bytes += pairs.reduce((sum, { span }) => sum + span, 0);
    this.#onProgress?.(this.blocks, this.bytes);
  }

  async #read(pairs: readonly LeafPair[], found: Map<string, string>): Promise<void> {
    const records = capability(this.#reader, 'recordSource');
    if (records === undefined) return;
    const digests = Buffer.concat(pairs.map((pair) => this.#sides(pair)[0]));
    const spans = pairs.map(({ span }) => span);
    for await (const batch of records.records(digests, spans, { signal: this.#signal })) {
      const image = Buffer.from(batch.image.buffer, batch.image.byteOffset, batch.image.byteLength);
      try {
        await this.#rehasher.rehash(image, batch.count, this.#reader.name, async ({ before, batch: old }) => {
          const { digestSize } = this.#near;
          for (let i = 0; i < old.count; i++)
            found.set(
              hex(before.subarray(i * digestSize, (i + 1) * digestSize)),
              hex(old.digests.subarray(i * this.#far.digestSize, (i + 1) * this.#far.digestSize)),
            );
          await Promise.resolve();
        });
      } catch (error) {
        // Reading each by itself shows which is damaged.
        if (!isDamage(error)) throw error;
      }
      batch.release?.();
    }
  }

  /** The digest by which a Block is read, and the expected other digest. */
  #sides({ before, after }: LeafPair): readonly [near: Uint8Array, far: Uint8Array] {
    return this.#isInPlace ? [before, after] : [after, before];
  }

  async #readOne(near: Uint8Array, path: TreePath): Promise<string | undefined> {
    try {
      const data = await this.#reader.get({ hashName: this.#near.name, digest: near }, { signal: this.#signal });
      if (data === undefined) throw new MissingBlockError(this.#label(near), this.#reader.name);
      return hex(this.#far.digest(data));
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.faults.push({ path, error });
      return undefined;
    }
  }

  #label(digest: Uint8Array): string {
    return hashcodeLabel({ hashName: this.#near.name, digest });
  }

  #isNew(kind: 'content' | 'dir' | 'state', before: Block, after: Block): boolean {
    const [one, other] = [topDigest(before), topDigest(after)];
    return one === undefined || other === undefined || this.#seen[kind].set(Buffer.concat([one, other]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rehasher[Symbol.asyncDispose]();
  }
}

/** A Dirent without its references. */
function plain(dirent: Dirent): Dirent {
  const { prev: _prev, ...rest } = dirent;
  if (rest.kind === 'file') return { ...rest, block: EMPTY_BLOCK };
  if (rest.kind !== 'dir') return rest as Dirent;
  const { inodes: _inodes, ...dir } = rest;
  return { ...dir, block: EMPTY_BLOCK };
}

/** Yields leaves, with neighbouring runs joined as in a newly built tree. */
async function* pieces(leaves: AsyncIterable<Leaf>): AsyncGenerator<Pick<Leaf, 'block' | 'from' | 'size'>, void, undefined> {
  let run: Pick<Leaf, 'block' | 'from' | 'size'> | undefined;
  for await (const { block, from, size } of leaves) {
    if (block.kind === 'run') {
      const joins = run?.block.kind === 'run' && run.block.octet === block.octet;
      if (run !== undefined && !joins) yield run;
      const whole = size + (joins && run !== undefined ? run.size : 0);
      run = { block: { ...block, span: whole }, from: 0, size: whole };
      continue;
    }
    if (run !== undefined) yield run;
    run = undefined;
    // A part of a literal is a literal of its own in the new reference.
    const isPart = block.kind === 'literal' && size !== block.span;
    yield isPart
      ? { block: { kind: 'literal', span: size, data: block.data.slice(from, from + size) }, from: 0, size }
      : { block, from, size };
  }
  if (run !== undefined) yield run;
}

function topDigest(block: Block): Uint8Array | undefined {
  if (block.kind === 'hash') return block.hashcode.digest;
  return block.kind === 'indirect' && block.refs.kind === 'hash' ? block.refs.hashcode.digest : undefined;
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}
