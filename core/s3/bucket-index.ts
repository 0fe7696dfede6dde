import { randomUUID } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import type { IndexedPack } from './index-segment.ts';
import { decodeSegment, encodeSegment } from './index-segment.ts';
import { listObjects } from './list-objects.ts';
import type { LocalIndex } from './local-index.ts';
import type { PackKind, PackName } from './pack-names.ts';
import { PACK_KINDS } from './pack-names.ts';
import { formatRetired, parseRetired } from './retired-packs.ts';
import type { S3Client } from './s3-client.ts';

/** Octets of a segment: of no more packs than that. */
const MAX_SEGMENT_SIZE = 64 * 1024 * 1024;
/** Octets of the packs' entries in one segment, about. */
const SEGMENT_SIZE = 16 * 1024 * 1024;
/** Segments that are got at once, and how often they are listed anew where one of them is gone. */
const AT_ONCE = 8;
const MAX_TRIES = 5;

/** So many lists of retired packs are made one. */
const MANY_LISTS = 8;

/** A list of retired packs in the bucket. */
export interface RetiredList {
  readonly key: string;
  readonly packs: readonly PackName[];
  /** When it was put, by the service's clock. */
  readonly modifiedMs: number;
}

/** An index segment as a listing has it. */
export interface SegmentObject {
  readonly key: string;
  readonly size: number;
  readonly kind: PackKind;
}

/**
 * What the bucket says of where Blocks lie: index segments, which are only added and merged, and lists of retired packs. A listing finds
 * what is new, and the local index takes that in. Segments of metadata are read first: leaves are often not asked for.
 */
export class BucketIndex {
  readonly #client: S3Client;
  readonly #hash: HashFunction;
  readonly #local: LocalIndex;
  readonly #retired = new Set<PackName>();
  readonly #lists = new Map<string, RetiredList>();
  #segments: readonly SegmentObject[] = [];
  #kinds: readonly PackKind[] = ['m'];
  #listedMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(client: S3Client, hash: HashFunction, local: LocalIndex) {
    this.#client = client;
    this.#hash = hash;
    this.#local = local;
  }

  /** Packs that nobody is to count on. */
  get retired(): ReadonlySet<PackName> {
    return this.#retired;
  }

  /** Every list of them. */
  get retiredLists(): readonly RetiredList[] {
    return [...this.#lists.values()];
  }

  /** The segments of the last listing. */
  get segments(): readonly SegmentObject[] {
    return this.#segments;
  }

  /** Whether the leaves are known, too. */
  get knowsLeaves(): boolean {
    return this.#kinds.length === PACK_KINDS.length;
  }

  /** Milliseconds since the bucket was last listed. */
  get ageMs(): number {
    return performance.now() - this.#listedMs;
  }

  /**
   * Lists the bucket, and takes in what is new. Calls at the same time share one.
   *
   * @param leaves - also what tells of leaves, from now on
   * @returns packs that are retired since the last time
   */
  async read(leaves: boolean, options: OpOptions = {}): Promise<void> {
    while (this.#reading !== undefined) await this.#reading.catch(() => undefined);
    if (leaves) this.#kinds = PACK_KINDS;
    this.#reading = this.#read(options).finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(options: OpOptions): Promise<void> {
    for (let tries = 1; ; tries++) {
      const listedMs = performance.now();
      const segments: SegmentObject[] = [];
      const lists: { readonly key: string; readonly modifiedMs: number }[] = [];
      for await (const { key, size, modifiedMs } of listObjects(this.#client, 'index/', options)) {
        const kind = PACK_KINDS.find((known) => key.startsWith(`index/${known}/`));
        if (kind !== undefined) segments.push({ key, size, kind });
        if (key.startsWith('index/x/')) lists.push({ key, modifiedMs });
      }
      for (const { key, modifiedMs } of lists) await this.#readList(key, modifiedMs, options);
      for (const key of this.#lists.keys()) if (!lists.some((list) => list.key === key)) this.#lists.delete(key);
      this.#segments = segments;
      if (await this.#readSegments(segments, options)) {
        this.#listedMs = listedMs;
        return;
      }
      if (tries === MAX_TRIES) throw new VtError('EFAILED', `read index of "${this.#client.name}": a segment that is listed is not there`);
    }
  }

  async #readList(key: string, modifiedMs: number, options: OpOptions): Promise<void> {
    if (!this.#lists.has(key)) {
      const body = await this.#client.get(key, { ...options, maxSize: MAX_SEGMENT_SIZE });
      if (body === undefined) return;
      const packs = parseRetired(body.toString('latin1'));
      this.#lists.set(key, { key, packs, modifiedMs });
      for (const pack of packs) this.#retired.add(pack);
    }
    const [isKnown] = this.#local.knows([key]);
    if (isKnown !== true) this.#local.retire(new Set(this.#lists.get(key)?.packs), key);
  }

  /** Takes in segments that are not known. @returns false where one of them is gone: it has been merged with others */
  async #readSegments(segments: readonly SegmentObject[], options: OpOptions): Promise<boolean> {
    this.#local.refresh();
    const wanted = segments.filter(({ kind }) => this.#kinds.includes(kind));
    const isKnown = this.#local.knows(wanted.map(({ key }) => key));
    const rest = wanted.filter((_, i) => isKnown[i] !== true);
    for (let first = 0; first < rest.length; first += AT_ONCE) {
      const part = rest.slice(first, first + AT_ONCE);
      const bodies = await Promise.all(part.map(async ({ key }) => await this.#client.get(key, { ...options, maxSize: MAX_SEGMENT_SIZE })));
      for (const [i, body] of bodies.entries()) {
        if (body === undefined) return false;
        await this.#local.add(decodeSegment(body, this.#hash), part[i]?.key, this.#retired);
      }
    }
    return true;
  }

  /** The packs that a segment tells of; undefined where it is gone. */
  async segment(key: string, options: OpOptions = {}): Promise<IndexedPack[] | undefined> {
    const body = await this.#client.get(key, { ...options, maxSize: MAX_SEGMENT_SIZE });
    return body === undefined ? undefined : decodeSegment(body, this.#hash);
  }

  /**
   * Makes packs known to everybody: their Blocks are there from now on.
   *
   * @param onPublished - told of those that are
   */
  async publish(
    packs: readonly IndexedPack[],
    onPublished: (packs: readonly IndexedPack[]) => void,
    options: OpOptions = {},
  ): Promise<void> {
    for (const kind of PACK_KINDS) {
      for (const part of parts(
        packs.filter(({ name }) => name.startsWith(kind)),
        this.#hash,
      )) {
        const key = `index/${kind}/${randomUUID()}`;
        await this.#client.put(key, encodeSegment(kind, part, this.#hash), options);
        await this.#local.add(part, key, this.#retired);
        onPublished(part);
      }
    }
  }

  /** Retires packs, from now on. What is needed of them lies elsewhere already. */
  async retire(packs: readonly PackName[], options: OpOptions = {}): Promise<void> {
    await this.#client.put(`index/x/${randomUUID()}`, Buffer.from(formatRetired(packs), 'latin1'), options);
    await this.read(true, options);
  }

  /** Makes one of many lists of packs that are gone: every session reads all. */
  async mergeLists(isDone: (list: RetiredList) => boolean, options: OpOptions = {}): Promise<void> {
    const lists = this.retiredLists.filter(isDone);
    if (lists.length < MANY_LISTS) return;
    await this.#client.put(
      `index/x/${randomUUID()}`,
      Buffer.from(formatRetired(new Set(lists.flatMap(({ packs }) => packs))), 'latin1'),
      options,
    );
    for (const { key } of lists) await this.#client.delete(key, options);
  }
}

/** Packs in groups of which each makes a segment. */
function* parts(packs: readonly IndexedPack[], hash: HashFunction): Generator<IndexedPack[]> {
  let part: IndexedPack[] = [];
  let size = 0;
  for (const pack of packs) {
    part.push(pack);
    size += pack.index.count * (hash.digestSize + 16);
    if (size < SEGMENT_SIZE) continue;
    yield part;
    part = [];
    size = 0;
  }
  if (part.length > 0) yield part;
}
