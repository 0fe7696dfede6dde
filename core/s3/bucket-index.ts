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

/** Maximum octets of a segment. */
const MAX_SEGMENT_SIZE = 64 * 1024 * 1024;
/** Approximate octets of the packs' entries in one segment. */
const SEGMENT_SIZE = 16 * 1024 * 1024;
/** Maximum number and octets of segments fetched concurrently; looking for one Block needs only a few. */
const AT_ONCE = 8;
const TOGETHER_SIZE = 8 * 1024 * 1024;
/** How often segments are listed again if one of them has disappeared. */
const MAX_TRIES = 5;

/** Minimum milliseconds between two listings for Blocks that were not found. */
const LOOK_AGAIN_MS = 1000;

/** This many lists of retired packs are merged into one. */
const MANY_LISTS = 8;

/** A list of retired packs in the bucket. */
export interface RetiredList {
  readonly key: string;
  readonly packs: readonly PackName[];
  /** When it was stored, in milliseconds since 1970 by the service's clock. */
  readonly modifiedMs: number;
}

/** An index segment in a listing. */
export interface SegmentObject {
  readonly key: string;
  readonly size: number;
  readonly kind: PackKind;
  /** Milliseconds since 1970, by the service's clock. */
  readonly modifiedMs: number;
}

/**
 * The bucket's index of Blocks: index segments, which are only added and merged, and lists of retired packs. A listing finds new ones,
 * which are loaded into the local index.
 */
export class BucketIndex {
  readonly #client: S3Client;
  readonly #hash: HashFunction;
  readonly #local: LocalIndex;
  readonly #retired = new Set<PackName>();
  readonly #lists = new Map<string, RetiredList>();
  #segments: readonly SegmentObject[] = [];
  /** Whether everything in the last listing is loaded. */
  #isComplete = false;
  #listedMs = Number.NEGATIVE_INFINITY;
  /** Reads run one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(client: S3Client, hash: HashFunction, local: LocalIndex) {
    this.#client = client;
    this.#hash = hash;
    this.#local = local;
  }

  /** Retired packs: no session may rely on them. */
  get retired(): ReadonlySet<PackName> {
    return this.#retired;
  }

  /** All lists of retired packs. */
  get retiredLists(): readonly RetiredList[] {
    return [...this.#lists.values()];
  }

  /** The segments of the last listing. */
  get segments(): readonly SegmentObject[] {
    return this.#segments;
  }

  /**
   * Lists the bucket and loads everything new. Concurrent calls run one after the other.
   *
   * @returns once everything is loaded
   */
  async read(options: OpOptions = {}): Promise<void> {
    await this.#alone(async () => {
      await this.#list(options);
      await this.#takeIn(() => false, options);
    });
  }

  /**
   * Loads segments until `look` finds something: those of metadata first, and the newest first, since the newest state is used most.
   * So a session that reads little of a large bucket loads little of its index.
   *
   * @param look - looks into the local index; undefined if it finds nothing
   */
  async find<T>(look: () => T | undefined, options: OpOptions): Promise<T | undefined> {
    return await this.#alone(async () => {
      let found = look();
      if (found !== undefined) return found;
      const isFresh = performance.now() - this.#listedMs < LOOK_AGAIN_MS;
      if (isFresh && this.#isComplete) return undefined;
      if (!isFresh) await this.#list(options);
      await this.#takeIn(() => {
        found = look();
        return found !== undefined;
      }, options);
      return found;
    });
  }

  async #alone<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return await result;
  }

  async #list(options: OpOptions): Promise<void> {
    const listedMs = performance.now();
    const segments: SegmentObject[] = [];
    const lists: { readonly key: string; readonly modifiedMs: number }[] = [];
    for await (const { key, size, modifiedMs } of listObjects(this.#client, 'index/', options)) {
      const kind = PACK_KINDS.find((known) => key.startsWith(`index/${known}/`));
      if (kind !== undefined) segments.push({ key, size, kind, modifiedMs });
      if (key.startsWith('index/x/')) lists.push({ key, modifiedMs });
    }
    for (const { key, modifiedMs } of lists) await this.#readList(key, modifiedMs, options);
    for (const key of this.#lists.keys()) if (!lists.some((list) => list.key === key)) this.#lists.delete(key);
    this.#segments = segments;
    this.#isComplete = false;
    this.#listedMs = listedMs;
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

  /** Loads unknown segments: first one, then more at a time. @param isEnough - called after each step; true to stop */
  async #takeIn(isEnough: () => boolean, options: OpOptions): Promise<void> {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      this.#local.refresh();
      const isKnown = this.#local.knows(this.#segments.map(({ key }) => key));
      const rest = this.#segments.filter((_, i) => isKnown[i] !== true).sort(metadataThenNewest);
      let isGone = false;
      for (let first = 0, most = 1; first < rest.length && !isGone; most = Math.min(AT_ONCE, 2 * most)) {
        const part = firstOf(rest, first, most);
        first += part.length;
        const bodies = await Promise.all(
          part.map(async ({ key }) => await this.#client.get(key, { ...options, maxSize: MAX_SEGMENT_SIZE })),
        );
        for (const [i, body] of bodies.entries()) {
          if (body === undefined) isGone = true;
          else await this.#local.add(decodeSegment(body, this.#hash), part[i]?.key, this.#retired);
        }
        if (isEnough()) return;
      }
      if (!isGone) {
        this.#isComplete = true;
        return;
      }
      // The segment was merged with others.
      await this.#list(options);
    }
    throw new VtError('EFAILED', `read index of "${this.#client.name}": a listed segment is missing`);
  }

  /** The packs in a segment; undefined if the segment no longer exists. */
  async segment(key: string, options: OpOptions = {}): Promise<IndexedPack[] | undefined> {
    const body = await this.#client.get(key, { ...options, maxSize: MAX_SEGMENT_SIZE });
    return body === undefined ? undefined : decodeSegment(body, this.#hash);
  }

  /**
   * Publishes packs: from now on all sessions see their Blocks.
   *
   * @param onPublished - called with the packs that are published
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

  /** Retires packs. Their needed Blocks must be elsewhere already. */
  async retire(packs: readonly PackName[], options: OpOptions = {}): Promise<void> {
    await this.#client.put(`index/x/${randomUUID()}`, Buffer.from(formatRetired(packs), 'latin1'), options);
    await this.read(options);
  }

  /** Merges the lists of removed packs if there are many, since every session reads all lists. */
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

/** Divides packs into groups; each group becomes a segment. */
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

/** The segments to fetch together. @param most - their maximum number */
function firstOf(segments: readonly SegmentObject[], first: number, most: number): SegmentObject[] {
  let size = 0;
  let end = first;
  for (; end < Math.min(segments.length, first + most); end++) {
    size += (segments[end] as SegmentObject).size;
    if (end > first && size > TOGETHER_SIZE) break;
  }
  return segments.slice(first, end);
}

function metadataThenNewest(a: SegmentObject, b: SegmentObject): number {
  return PACK_KINDS.indexOf(b.kind) - PACK_KINDS.indexOf(a.kind) || b.modifiedMs - a.modifiedMs;
}
