import type { BigIntStats } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { findXattrs } from '../base/system/find-xattrs.ts';
import type { Block } from '../block/block.ts';
import { encodeBlockref } from '../block/blockref.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { contentHint } from '../blockify/content-hint.ts';
import type { EdgeScanner } from '../blockify/edge-scanner.ts';
import type { GrowingContent, StablePoint } from '../blockify/growing-content.ts';
import type { IngestOnDemand } from '../blockify/ingest/ingest-on-demand.ts';
import { takeUpContent } from '../blockify/take-up-content.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import type { Store } from '../store/store.ts';
import type { TreePath } from '../tree/path.ts';
import { baseName } from '../tree/path.ts';
import { isDamage } from '../tree/walk.ts';
import { openOrNone } from './rotated-files.ts';
import type { FileMark, TailedFile } from './tailed-file.ts';
import { CHECK_SIZE, openItself } from './tailed-file.ts';

/** Milliseconds without a write after which a file is closed. */
const REST_MS = 5000;

/** Files kept ready for the next append, at most. */
const MAX_KEPT = 256;

/** Files whose {@link GrownPoint} is remembered, at most. */
const MAX_POINTS = 1024;

/** Bytes of new Blocks that wait before they are added to the Store. */
const MAX_PENDING_SIZE = 4 * 1024 * 1024;

/** A file that still begins with its stored content, and has grown. */
export interface GrownFile {
  readonly block: Block;
  readonly stat: BigIntStats;
  readonly xattrs: ReadonlyMap<Octets, Uint8Array> | undefined;
  /** New bytes. `readBytes`: bytes that were read to find them. */
  readonly bytes: number;
  readonly readBytes: number;
}

/** A file that is ready for the next append. */
interface Kept {
  readonly file: TailedFile;
  readonly content: GrowingContent;
  /** The Block of the content after the last look. */
  block: Block;
  grewMs: number;
}

/** The point from which the content of a file can be continued. */
export interface GrownPoint {
  readonly block: Block;
  readonly point: StablePoint;
  readonly file: FileMark;
}

function pointOf({ block, content, file }: Kept): GrownPoint {
  return { block, point: content.stablePoint(), file: file.mark };
}

/** Whether two Blocks are the same content with the same edges. */
function isSame(a: Block, b: Block): boolean {
  // Compares encodings, since Blocks read from a Store lack the spans of their superblocks.
  return a.span === b.span && Buffer.compare(encodeBlockref(a), encodeBlockref(b)) === 0;
}

/**
 * Growing files of a tree. A file counts as grown if it is longer than its stored content and its first and last 4 KiB are unchanged. A
 * change in between is found when the whole file is read.
 */
export class GrownFiles {
  readonly #store: Store;
  readonly #scanner: EdgeScanner;
  readonly #ingest: IngestOnDemand;
  readonly #monotonicMs: () => number;
  readonly #kept = new Map<Octets, Kept>();
  /** The points of contents that are not kept ready. */
  readonly #points = new Map<Octets, GrownPoint>();

  constructor(store: Store, scanner: EdgeScanner, ingest: IngestOnDemand, monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#store = store;
    this.#scanner = scanner;
    this.#ingest = ingest;
  }

  /** Remembers the point from which the content of a file can be continued. */
  remember(path: Octets, point: GrownPoint): void {
    this.#points.delete(path);
    this.#points.set(path, point);
    for (const oldest of this.#points.keys()) {
      if (this.#points.size <= MAX_POINTS) break;
      this.#points.delete(oldest);
    }
  }

  /** The points of all grown contents, the longest remembered first. */
  points(): Map<Octets, GrownPoint> {
    const points = new Map(this.#points);
    for (const [path, kept] of this.#kept) points.set(path, pointOf(kept));
    return points;
  }

  /**
   * Reads what was appended to a file.
   *
   * @param path - its path, as its key
   * @param entry - a path that the system resolves safely to the file
   * @param stored - its stored Dirent
   * @param stat - its present state
   * @returns `same` if nothing happened since the last look; undefined if it changed other than by growing
   */
  async look(
    path: Octets,
    entry: Octets,
    stored: FileDirent,
    stat: BigIntStats,
    options: OpOptions,
  ): Promise<GrownFile | 'same' | undefined> {
    const { span } = stored.block;
    const { size } = stat;
    const known = this.#kept.get(path);
    // The stored content was replaced by other means: continue from the new one.
    if (known !== undefined && !isSame(known.block, stored.block)) {
      await known.content.flushTo(this.#store, options);
      this.drop(path);
    }
    const kept = this.#kept.get(path) ?? (size > BigInt(span) && span > 0 ? await this.#begin(path, entry, stored, options) : undefined);
    if (kept === undefined) return undefined;
    const { file, content } = kept;
    // An event may arrive after its change was read.
    if (file.isOf(stat) && !file.hasChanged(stat)) return 'same';
    this.#kept.delete(path);
    let isGood = file.isOf(stat) && (!file.isAtRest || file.wake(entry, openItself));
    try {
      if (!isGood) return undefined;
      isGood = false;
      const look = await file.look({
        take: async (octets) => {
          if (content.pending.size > MAX_PENDING_SIZE) await content.flushTo(this.#store, options);
          content.push(octets);
        },
        // After a failure this content is dropped, and the file is taken up anew.
        takeMuch: async (read) => await this.#ingest.use(async (ingest) => await content.pushFrom(ingest, read)),
      });
      // Without new bytes the change was no growth.
      if (look === undefined || look.restarted !== undefined || look.bytes === 0) return undefined;
      isGood = true;
      const { bytes, readBytes } = look;
      const block = content.block();
      kept.block = block;
      kept.grewMs = this.#monotonicMs();
      return { block, stat: look.stat, xattrs: findXattrs(file.fd).xattrs, bytes, readBytes };
    } finally {
      if (isGood) this.#keep(path, kept);
      else file.close();
    }
  }

  async flush(options: OpOptions): Promise<void> {
    for (const { content } of this.#kept.values()) await content.flushTo(this.#store, options);
  }

  /** Closes files without recent writes. */
  rest(): void {
    const nowMs = this.#monotonicMs();
    for (const { file, grewMs } of this.#kept.values()) if (nowMs - grewMs > REST_MS) file.rest();
  }

  drop(path: Octets): void {
    this.#kept.get(path)?.file.close();
    this.#kept.delete(path);
  }

  close(): void {
    for (const path of [...this.#kept.keys()]) this.drop(path);
  }

  #keep(path: Octets, kept: Kept): void {
    this.#kept.set(path, kept);
    for (const [oldest, { content }] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT) break;
      // A file with waiting Blocks must be flushed first.
      if (content.pending.size > 0) break;
      const known = this.#kept.get(oldest);
      if (known !== undefined) this.remember(oldest, pointOf(known));
      this.drop(oldest);
    }
  }

  async #begin(path: Octets, entry: Octets, { block, meta }: FileDirent, options: OpOptions): Promise<Kept | undefined> {
    const file = openOrNone(entry, openItself);
    if (file === undefined) return undefined;
    try {
      const { span } = block;
      const part = async (offset: number): Promise<Uint8Array> =>
        await readBlockBytes(this.#store, { kind: 'sub', base: block, offset, span: Math.min(span, CHECK_SIZE) }, options);
      if (file.startsWith(await part(0), await part(Math.max(0, span - CHECK_SIZE)), span))
        return await this.#takeUp(path, file, block, meta, options);
    } catch (error) {
      file.close();
      if (!isDamage(error)) throw error;
      return undefined;
    }
    file.close();
    return undefined;
  }

  async #takeUp(path: Octets, file: TailedFile, block: Block, meta: FileDirent['meta'], options: OpOptions): Promise<Kept> {
    const known = this.#points.get(path);
    const point = known !== undefined && isSame(known.block, block) ? known.point : undefined;
    const hint = contentHint(baseName(path as TreePath), meta.xattrs);
    return {
      file,
      block,
      grewMs: this.#monotonicMs(),
      content: await takeUpContent(this.#store, this.#scanner, block, point, hint, options),
    };
  }
}
