import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import { decodeBlockref } from '../block/blockref.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashCode } from '../block/hashcode.ts';
import { decodeDir } from '../dirent/dir-codec.ts';
import { capability, type Offers } from '../store/capability.ts';
import type { AddResult, Store } from '../store/store.ts';

/**
 * The Store to which an import of platonic files writes. It keeps Blocks that look like lists of references or Dirents, as superblocks and
 * Dirs do; other contents stay in their files. A content that looks like a list is kept too, which costs only its size.
 */
export class PlatonicSink implements Store {
  readonly offers: Offers;
  readonly #meta: Store;

  constructor(meta: Store) {
    this.#meta = meta;
    this.offers = { cache: capability(meta, 'cache'), counts: capability(meta, 'counts') };
  }

  get name(): string {
    return this.#meta.name;
  }

  get hashName(): Store['hashName'] {
    return this.#meta.hashName;
  }

  get edges(): EdgeSettings {
    return this.#meta.edges;
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.#meta.add(data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    const kept = blocks.map(({ data }) => isList(data));
    const lists = blocks.filter((_, i) => kept[i] === true);
    const isNew = lists.length === 0 ? [] : await this.#meta.addBatch(lists, options);
    let next = 0;
    return kept.map((isKept) => (isKept ? (isNew[next++] ?? false) : false));
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return await this.#meta.get(hashcode, options);
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    return await this.#meta.has(hashcodes, options);
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.#meta.flush(options);
  }

  /** Leaves the Store below open: its opener closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    return await Promise.resolve();
  }
}

/** Whether a Block can be decoded as Block references or as Dirents. */
function isList(data: Uint8Array): boolean {
  return data.length > 0 && (isReferences(data) || isDirents(data));
}

function isReferences(data: Uint8Array): boolean {
  try {
    for (let offset = 0; offset < data.length; ) offset = decodeBlockref(data, offset).next;
    return true;
  } catch (error) {
    return failed(error);
  }
}

function isDirents(data: Uint8Array): boolean {
  // A Dir begins with a length, then the first byte of a Dirent ('v') or a salt ('s'). This rejects most contents quickly.
  if (!data.subarray(1, 4).some((octet) => octet === 0x76 || octet === 0x73)) return false;
  try {
    decodeDir(data);
    return true;
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): false {
  if (error instanceof VtError || error instanceof RangeError) return false;
  throw error;
}
