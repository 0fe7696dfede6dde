import { read } from 'node:fs';
import { decodeBsuint } from './bsuint.ts';
import { ParseError, throwIfCancelled } from './errors.ts';

/** The source of a copy buffer: bytes, a text (read as UTF-8), or pieces of bytes from an array, a generator or a stream. */
export type CopyBufferSource = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface FileRange {
  /** First byte; default 0. */
  readonly start?: number;
  /** The byte after the last; default the end of the file when it is reached. */
  readonly end?: number;
  /** Bytes of one read; default 256 KiB. */
  readonly chunkSize?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The longest encoding of a bsuint, in bytes; see {@link decodeBsuint}. */
const MAX_BSUINT_SIZE = 16;

/** The default limit of `bsdata` and `rest`, in bytes: a damaged length must not fill the memory. */
const DEFAULT_MAX_SIZE = 64 * 1024 * 1024;

/**
 * Reads a source of pieces in the portions that a decoder asks for. A portion within one piece is a view of the piece; a portion that
 * spans several is copied. Views stay valid as long as the source does not change its pieces. All stream decoders use this class.
 */
export class CopyBuffer implements AsyncDisposable {
  readonly #pieces: Iterator<Uint8Array> | AsyncIterator<Uint8Array>;
  /** The buffered bytes: views in order, none empty. */
  #held: Uint8Array[] = [];
  #buffered = 0;
  #offset: number;
  #ended = false;

  private constructor(pieces: Iterator<Uint8Array> | AsyncIterator<Uint8Array>, offset: number) {
    this.#pieces = pieces;
    this.#offset = offset;
  }

  /** A copy buffer of any source. @param offset - the number of the first byte, for errors and `offset` */
  static of(source: CopyBufferSource, offset = 0): CopyBuffer {
    if (typeof source === 'string') return CopyBuffer.of(Buffer.from(source, 'utf8'), offset);
    if (source instanceof Uint8Array) return new CopyBuffer([source][Symbol.iterator](), offset);
    return new CopyBuffer(Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator](), offset);
  }

  /** A copy buffer of an open file, read with positional reads, which leave the file's own position unchanged. */
  static ofFile(fd: number, range: FileRange = {}): CopyBuffer {
    return CopyBuffer.of(filePieces(fd, range), range.start ?? 0);
  }

  /** The offset of the next byte: the initial offset plus the bytes consumed. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes read from the source and not yet consumed. */
  get buffered(): number {
    return this.#buffered;
  }

  /** The first buffered bytes that are contiguous. May be empty before `fill`. */
  view(): Uint8Array {
    return this.#held[0] ?? EMPTY;
  }

  /**
   * Reads until `view()` has at least `size` bytes.
   *
   * @returns false if the source ends before
   */
  async fill(size: number): Promise<boolean> {
    while (this.#buffered < size && !this.#ended) await this.#readPiece();
    if (this.#buffered < size) return false;
    const first = this.#held[0];
    if (first !== undefined && first.length < size) this.#join(size);
    return true;
  }

  /** Whether the source is at its end. */
  async atEnd(): Promise<boolean> {
    return !(await this.fill(1));
  }

  /** Skips buffered bytes. @param size - at most `buffered` @throws {RangeError} if it is more */
  consume(size: number): void {
    if (size > this.#buffered) throw new RangeError(`consume: expected at most ${this.#buffered} bytes, got ${size}`);
    this.#offset += size;
    this.#buffered -= size;
    let left = size;
    while (left > 0) {
      const first = this.#held[0] ?? EMPTY;
      if (first.length > left) {
        this.#held[0] = first.subarray(left);
        return;
      }
      left -= first.length;
      this.#held.shift();
    }
  }

  /** The next `size` bytes. @throws {ParseError} if the source ends before */
  async take(size: number): Promise<Uint8Array> {
    if (!(await this.fill(size))) throw this.#short(size);
    const taken = this.view().subarray(0, size);
    this.consume(size);
    return taken;
  }

  /** Skips the next `size` bytes without buffering them all. @throws {ParseError} if the source ends before */
  async skip(size: number): Promise<void> {
    for (let left = size; left > 0; ) {
      if (!(await this.fill(1))) throw this.#short(left);
      const step = Math.min(left, this.#buffered);
      this.consume(step);
      left -= step;
    }
  }

  /** The next byte. @throws {ParseError} at the end */
  async octet(): Promise<number> {
    if (!(await this.fill(1))) throw this.#short(1);
    const value = this.view()[0] ?? 0;
    this.consume(1);
    return value;
  }

  /** The next unsigned varint. @throws {ParseError} as {@link decodeBsuint} */
  async bsuint(): Promise<number> {
    let size = 1;
    for (; size <= MAX_BSUINT_SIZE; size++) {
      if (!(await this.fill(size))) throw this.#short(size);
      if ((this.view()[size - 1] ?? 0) < 0x80) break;
    }
    const start = this.#offset;
    try {
      const { value, next } = decodeBsuint(this.view(), 0);
      this.consume(next);
      return value;
    } catch (cause) {
      throw new ParseError('decode bsuint: number too long', start, { cause });
    }
  }

  /** The next length-prefixed bytes. @throws {ParseError} if they exceed `maxSize` or the source ends before */
  async bsdata(maxSize: number = DEFAULT_MAX_SIZE): Promise<Uint8Array> {
    const start = this.#offset;
    const size = await this.bsuint();
    if (size > maxSize) throw new ParseError(`decode bsdata: ${size} bytes, at most ${maxSize} are allowed`, start);
    return await this.take(size);
  }

  /** All remaining bytes, in one piece. @throws {ParseError} if they are more than `maxSize` */
  async rest(maxSize: number = DEFAULT_MAX_SIZE): Promise<Uint8Array> {
    while (!this.#ended && this.#buffered <= maxSize) await this.#readPiece();
    if (this.#buffered > maxSize) throw new ParseError(`read: more than ${maxSize} bytes`, this.#offset);
    return await this.take(this.#buffered);
  }

  /** The next `size` bytes, or all that are left, in the pieces of the source. They are never copied. */
  async *pieces(size: number = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = size; left > 0 && (await this.fill(1)); ) {
      const view = this.view();
      const piece = view.length > left ? view.subarray(0, left) : view;
      this.consume(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** Ends the source. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#pieces.return?.();
  }

  async #readPiece(): Promise<void> {
    const next = this.#pieces.next();
    // Arrays and synchronous generators deliver without a turn of the event loop.
    const { done, value } = next instanceof Promise ? await next : next;
    if (done === true) this.#ended = true;
    else if (value.length > 0) {
      this.#held.push(value);
      this.#buffered += value.length;
    }
  }

  /** Copies the first `size` buffered bytes into one piece. The following bytes are not copied. */
  #join(size: number): void {
    const joined = Buffer.allocUnsafeSlow(size);
    let length = 0;
    let index = 0;
    for (; length < size; index++) {
      const piece = this.#held[index] ?? EMPTY;
      const wanted = Math.min(piece.length, size - length);
      joined.set(wanted === piece.length ? piece : piece.subarray(0, wanted), length);
      length += wanted;
      if (wanted < piece.length) {
        this.#held[index] = piece.subarray(wanted);
        break;
      }
    }
    this.#held.splice(0, index, joined);
  }

  #short(size: number): ParseError {
    return new ParseError(`read: ${size} bytes wanted, ${this.#buffered} left`, this.#offset);
  }
}

const EMPTY = new Uint8Array(0);

const DEFAULT_CHUNK_SIZE = 256 * 1024;

async function* filePieces(fd: number, range: FileRange): AsyncGenerator<Uint8Array, void, undefined> {
  const { start = 0, end = Number.POSITIVE_INFINITY, chunkSize = DEFAULT_CHUNK_SIZE, signal } = range;
  for (let position = start; position < end; ) {
    throwIfCancelled(signal);
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkSize, end - position));
    const size = await readAt(fd, buffer, position);
    if (size === 0) return;
    yield buffer.subarray(0, size);
    position += size;
  }
}

function readAt(fd: number, buffer: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, position, (error, size) => (error === null ? resolve(size) : reject(error)));
  });
}
