import { throwIfCancelled } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { findXattrs } from '../base/system/find-xattrs.ts';
import type { Block } from '../block/block.ts';
import { contentHint } from '../blockify/content-hint.ts';
import { GrowingContent, type StablePoint } from '../blockify/growing-content.ts';
import type { IngestOnDemand } from '../blockify/ingest/ingest-on-demand.ts';
import type { ContentHint } from '../blockify/parser.ts';
import { takeUpContent } from '../blockify/take-up-content.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import type { TreePath } from '../tree/path.ts';
import { baseName } from '../tree/path.ts';
import type { TailContext } from './tail-context.ts';
import type { OctetSink, TailedFile } from './tailed-file.ts';

/** Bytes of new Blocks that wait before they go to the Store. */
const MAX_PENDING_SIZE = 4 * 1024 * 1024;

type Xattrs = FileDirent['meta']['xattrs'];

/** Where a content continued before the Store failed. */
interface LostContent {
  readonly block: Block;
  readonly point: StablePoint;
}

/** The content of a followed path, as far as it was taken in. It begins with the first bytes, or continues where another process ended. */
export class TailContent {
  readonly #path: Octets;
  readonly #context: Pick<TailContext, 'store' | 'scanner' | 'parser' | 'ingest'>;
  #content: GrowingContent | undefined;
  /** What the content was before the Store failed while much was taken in: it has to be taken up again. */
  #lost: LostContent | undefined;
  #newBytes = 0;

  constructor(path: Octets, context: Pick<TailContext, 'store' | 'scanner' | 'parser' | 'ingest'>) {
    this.#path = path;
    this.#context = context;
  }

  /** Bytes of the content. */
  get span(): number {
    return this.#content?.span ?? 0;
  }

  /** Bytes taken in by this process. */
  get newBytes(): number {
    return this.#newBytes;
  }

  /** What it was before the Store failed; undefined where it did not. */
  get lost(): LostContent | undefined {
    return this.#lost;
  }

  /** Where it continues; undefined before there was a file. */
  get stablePoint(): StablePoint | undefined {
    return this.#content?.stablePoint() ?? this.#lost?.point;
  }

  /**
   * Continues where a content ended.
   *
   * @param at - undefined where that is unknown
   * @param xattrs - of the file
   * @throws {MissingBlockError} and {CorruptBlockError} where the content cannot be taken up
   */
  async takeUp(block: Block, at: StablePoint | undefined, xattrs: Xattrs, options: OpOptions): Promise<void> {
    const { store, scanner } = this.#context;
    this.#content = await takeUpContent(store, scanner, block, at, this.#hint(xattrs), options);
  }

  /** Continues where the content was before the Store failed, if it did. */
  async takeUpLost(xattrs: Xattrs, options: OpOptions): Promise<void> {
    if (this.#lost === undefined) return;
    await this.takeUp(this.#lost.block, this.#lost.point, xattrs, options);
    this.#lost = undefined;
  }

  /** The Block of all that was taken in. @param file - the one that a content which has none yet begins with */
  blockOf(file: TailedFile): Block {
    return this.#of(file).block();
  }

  /** Adds the Blocks that wait to the Store. */
  async flush(options: OpOptions): Promise<void> {
    await this.#content?.flushTo(this.#context.store, options);
  }

  /** Takes bytes of a file in, behind those that it has. */
  sinkOf(file: TailedFile, options: OpOptions): OctetSink {
    const { store, ingest } = this.#context;
    const take = async (octets: Uint8Array): Promise<void> => {
      const content = this.#of(file);
      // First what may fail: bytes that were pushed are taken in.
      if (content.pending.size > MAX_PENDING_SIZE) await content.flushTo(store, options);
      content.push(octets);
      this.#newBytes += octets.length;
    };
    if (ingest === undefined) return { take };
    return { take, takeMuch: async (read) => await this.#takeMuch(ingest, this.#of(file), read, options) };
  }

  async #takeMuch(ingest: IngestOnDemand, content: GrowingContent, read: (room: Uint8Array) => number, options: OpOptions): Promise<void> {
    throwIfCancelled(options.signal);
    const before = { block: content.block(), point: content.stablePoint() };
    await content.flushTo(this.#context.store, options);
    try {
      await ingest.use(async (workers) => await content.pushFrom(workers, read));
    } catch (error) {
      this.#lost = before;
      this.#content = undefined;
      throw error;
    }
    this.#newBytes += content.span - before.block.span;
  }

  #of(file: TailedFile): GrowingContent {
    const { store, scanner } = this.#context;
    this.#content ??= new GrowingContent(store, scanner, this.#hint(findXattrs(file.fd).xattrs));
    return this.#content;
  }

  #hint(xattrs: Xattrs): ContentHint {
    return { ...contentHint(baseName(this.#path as TreePath), xattrs), parser: this.#context.parser };
  }
}
