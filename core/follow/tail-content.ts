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

/** Bytes of new Blocks that wait before they are added to the Store. */
const MAX_PENDING_SIZE = 4 * 1024 * 1024;

type Xattrs = FileDirent['meta']['xattrs'];

/** The point from which a content continues after a failure of the Store. */
interface LostContent {
  readonly block: Block;
  readonly point: StablePoint;
}

/** The content of a followed path so far. It starts empty, or continues where another process ended. */
export class TailContent {
  readonly #path: Octets;
  readonly #context: Pick<TailContext, 'store' | 'scanner' | 'parser' | 'ingest'>;
  #content: GrowingContent | undefined;
  /** The content before the Store failed during a large read; it must be taken up again. */
  #lost: LostContent | undefined;
  #newBytes = 0;

  constructor(path: Octets, context: Pick<TailContext, 'store' | 'scanner' | 'parser' | 'ingest'>) {
    this.#path = path;
    this.#context = context;
  }

  /** Size of the content in bytes. */
  get span(): number {
    return this.#content?.span ?? 0;
  }

  /** Bytes that this process added. */
  get newBytes(): number {
    return this.#newBytes;
  }

  /** The content before a failure of the Store; undefined if there was none. */
  get lost(): LostContent | undefined {
    return this.#lost;
  }

  /** The point from which another process can continue; undefined before there was a file. */
  get stablePoint(): StablePoint | undefined {
    return this.#content?.stablePoint() ?? this.#lost?.point;
  }

  /**
   * Continues a stored content.
   *
   * @param block - the content
   * @param at - the point to continue from; undefined if it is unknown
   * @param xattrs - of the file
   * @throws {MissingBlockError} and {CorruptBlockError} if the content cannot be continued
   */
  async takeUp(block: Block, at: StablePoint | undefined, xattrs: Xattrs, options: OpOptions): Promise<void> {
    const { store, scanner } = this.#context;
    this.#content = await takeUpContent(store, scanner, block, at, this.#hint(xattrs), options);
  }

  /** Continues the content of before a failure of the Store, if there was one. */
  async takeUpLost(xattrs: Xattrs, options: OpOptions): Promise<void> {
    if (this.#lost === undefined) return;
    await this.takeUp(this.#lost.block, this.#lost.point, xattrs, options);
    this.#lost = undefined;
  }

  /** The Block of the content so far. @param file - gives the attributes if the content is still empty */
  blockOf(file: TailedFile): Block {
    return this.#of(file).block();
  }

  /** Adds waiting Blocks to the Store. */
  async flush(options: OpOptions): Promise<void> {
    await this.#content?.flushTo(this.#context.store, options);
  }

  /** A sink that appends bytes of a file to the content. */
  sinkOf(file: TailedFile, options: OpOptions): OctetSink {
    const { store, ingest } = this.#context;
    const take = async (octets: Uint8Array): Promise<void> => {
      const content = this.#of(file);
      // The flush, which may fail, comes first: bytes that are pushed count as read.
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
