import { throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { sharedMemory } from '../base/system/shared-memory.ts';
import type { Block } from '../block/block.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { leafBlock } from '../block/block-sink.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { parserOf } from './choose-parser.ts';
import { ContentParser } from './content-parser.ts';
import { largestLeaf } from './edge-hash.ts';
import type { EdgeKernel } from './edge-kernel.ts';
import { KERNEL_CONTEXT, KERNEL_SCRATCH_SIZE, loadEdgeKernel, MIN_RUN_SIZE } from './edge-kernel.ts';
import type { LeafSpan } from './edge-picker.ts';
import { EdgePicker } from './edge-picker.ts';
import type { ContentHint, Parser } from './parser.ts';

/** A content to cut into leaves, in any portions. */
export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A piece that becomes one leaf: bytes, valid until the next piece is requested, or a run. A long run may come in several parts. */
export type BlockPiece =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'run'; readonly octet: number; readonly size: number };

/** Makes the Block of a piece. If its bytes must be stored, they go to `sink`. */
export function leafOfPiece(sink: BlockSink, piece: BlockPiece): Block {
  return piece.kind === 'run' ? { kind: 'run', span: piece.size, octet: piece.octet } : leafBlock(sink, piece.data);
}

/** Milliseconds that the stages have taken. */
export interface BlockifyTimes {
  kernelMs: number;
  parserMs: number;
  pickerMs: number;
}

export interface BlockifyOptions extends OpOptions {
  /** The parser of the content. */
  readonly parser?: Parser | undefined;
  /** Choose a parser by this and the first bytes. Without it, none is chosen. */
  readonly hint?: ContentHint | undefined;
  /** If the content continues from an edge, the bytes right before it. Only the last KERNEL_CONTEXT bytes matter. */
  readonly before?: Uint8Array | undefined;
  /** If the content continues from an edge, the offset of that edge; default 0. */
  readonly start?: number | undefined;
  /** False uses the TypeScript kernel. */
  readonly native?: boolean;
  /** The time of each stage is added here. */
  readonly times?: BlockifyTimes | undefined;
}

/** Bytes scanned at a time. Edges do not depend on it. */
const SLICE_SIZE = 256 * 1024;

const PAGE_SIZE = 64 * 1024;

/**
 * Cuts a content into leaves, in this thread. Memory is bounded by the largest leaf. The ingest does the same with many contents in
 * several threads.
 *
 * @throws {RangeError} or {VtError} as checkEdgeSettings; the error of `content`
 */
export async function* blockify(
  content: Content,
  settings: EdgeSettings,
  options: BlockifyOptions = {},
): AsyncGenerator<BlockPiece, void, undefined> {
  const { signal } = options;
  const cutter = new SliceCutter(settings, options);
  for await (const chunk of portions(content)) {
    throwIfCancelled(signal);
    for (let at = 0; at < chunk.length; ) {
      at += cutter.fill(chunk, at);
      if (cutter.isFull) yield* cutter.cut();
    }
  }
  yield* cutter.finish();
}

function portions(content: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return content instanceof Uint8Array ? [content] : content;
}

/** Cuts slices in one memory, which has room before the slice for the rest of the previous one. */
class SliceCutter {
  readonly times: BlockifyTimes = { kernelMs: 0, parserMs: 0, pickerMs: 0 };
  readonly #octets: Uint8Array;
  readonly #kernel: EdgeKernel;
  readonly #picker: EdgePicker;
  readonly #minSize: number;
  #hint: ContentHint | undefined;
  #parser: ContentParser | undefined;
  /** The offset of slices in the memory. */
  readonly #sliceAt: number;
  #filled = 0;
  /** Bytes of content right before the slice, 0..KERNEL_CONTEXT. */
  #context = 0;

  constructor(settings: EdgeSettings, { native = true, parser, hint, start, times, before }: BlockifyOptions) {
    this.#picker = new EdgePicker(settings, start);
    this.#minSize = settings.minSize;
    this.#hint = hint;
    if (parser !== undefined) this.#useParser(parser);
    if (times !== undefined) this.times = times;
    const room = roundUp(largestLeaf(settings) + MIN_RUN_SIZE + KERNEL_CONTEXT);
    this.#sliceAt = KERNEL_SCRATCH_SIZE + room;
    const memory = sharedMemory(this.#sliceAt + SLICE_SIZE);
    this.#octets = new Uint8Array(memory.buffer);
    this.#kernel = loadEdgeKernel(settings, memory, { native });
    if (before === undefined) return;
    const near = before.subarray(Math.max(0, before.length - KERNEL_CONTEXT));
    this.#octets.set(near, this.#sliceAt - near.length);
    this.#context = near.length;
  }

  get isFull(): boolean {
    return this.#filled === SLICE_SIZE;
  }

  /** Copies bytes of `chunk` from `from` on, as many as there is room for. @returns how many */
  fill(chunk: Uint8Array, from: number): number {
    const part = chunk.subarray(from, from + SLICE_SIZE - this.#filled);
    this.#octets.set(part, this.#sliceAt + this.#filled);
    this.#filled += part.length;
    return part.length;
  }

  /** Cuts the slice, and returns the pieces that are final. */
  *cut(): Generator<BlockPiece, void, undefined> {
    const end = this.#sliceAt + this.#filled;
    const startedMs = performance.now();
    const scan = this.#kernel.scan(this.#sliceAt, end, this.#context);
    const scannedMs = performance.now();
    const before = this.#picker.pending;
    const slice = this.#octets.subarray(this.#sliceAt, end);
    // The first slice, which has enough bytes to choose a parser.
    if (this.#hint !== undefined) this.#useParser(parserOf(this.#hint, slice, this.#minSize));
    const parsed = this.#picker.isDeaf ? undefined : this.#parser?.push(slice);
    const parsedMs = performance.now();
    const spans = this.#picker.push(this.#filled, scan, parsed);
    this.times.kernelMs += scannedMs - startedMs;
    this.times.parserMs += parsedMs - scannedMs;
    this.times.pickerMs += performance.now() - parsedMs;
    yield* this.#pieces(spans, this.#sliceAt - before);
    // Bytes without a leaf move before the next slice, at least as many as the kernel's context.
    const kept = Math.max(this.#picker.pending, KERNEL_CONTEXT);
    this.#octets.copyWithin(this.#sliceAt - kept, end - kept, end);
    this.#context = Math.min(KERNEL_CONTEXT, this.#context + this.#filled);
    this.#filled = 0;
  }

  *finish(): Generator<BlockPiece, void, undefined> {
    if (this.#filled > 0) yield* this.cut();
    const { pending } = this.#picker;
    yield* this.#pieces(this.#picker.finish(this.#parser?.finish()), this.#sliceAt - pending);
  }

  #useParser(parser: Parser | undefined): void {
    this.#hint = undefined;
    if (parser === undefined) return;
    this.#parser = new ContentParser(parser);
    this.#picker.useParser(parser);
  }

  *#pieces(spans: readonly LeafSpan[], start: number): Generator<BlockPiece, void, undefined> {
    let at = start;
    for (const { size, octet } of spans) {
      if (octet === undefined) yield { kind: 'data', data: this.#octets.subarray(at, at + size) };
      else yield { kind: 'run', octet, size };
      at += size;
    }
  }
}

function roundUp(size: number): number {
  return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
}
