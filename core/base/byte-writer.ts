import { bsuintSize, writeBsuint } from './bsuint.ts';

/** A growing buffer to encode into. `take` returns the bytes and starts again. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }

  /** Bytes written since the start or the last `take`. */
  get length(): number {
    return this.#length;
  }

  octet(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  bsuint(value: number): void {
    this.#reserve(8);
    this.#length = writeBsuint(this.#buffer, this.#length, value);
  }

  bytes(data: Uint8Array): void {
    this.#reserve(data.length);
    this.#buffer.set(data, this.#length);
    this.#length += data.length;
  }

  /** Writes the bytes of `data` from `start` to `end`. For 32 bytes, that is faster than to make a view of them. */
  part(data: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    for (let i = start; i < end; i++) this.#buffer[this.#length++] = data[i] as number;
  }

  /** Length-prefixed bytes. */
  bsdata(data: Uint8Array): void {
    this.#reserve(bsuintSize(data.length) + data.length);
    this.#length = writeBsuint(this.#buffer, this.#length, data.length);
    this.#buffer.set(data, this.#length);
    this.#length += data.length;
  }

  /** Length-prefixed bytes of a string with one char a byte. */
  bsoctets(octets: string): void {
    this.#reserve(8 + octets.length);
    this.#length = writeBsuint(this.#buffer, this.#length, octets.length);
    this.#length += this.#buffer.write(octets, this.#length, 'latin1');
  }

  /** Inserts at `start` the number of bytes written since, and so makes length-prefixed bytes of them. */
  prefixLength(start: number): void {
    const size = this.#length - start;
    const prefixSize = bsuintSize(size);
    this.#reserve(prefixSize);
    this.#buffer.copyWithin(start + prefixSize, start, this.#length);
    writeBsuint(this.#buffer, start, size);
    this.#length += prefixSize;
  }

  /** Overwrites a byte written before. */
  setOctet(offset: number, value: number): void {
    this.#buffer[offset] = value;
  }

  /** The bytes written, as a view that is valid until the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of the bytes written. The writer is empty afterwards. */
  take(): Buffer {
    const out = Buffer.allocUnsafe(this.#length);
    this.#buffer.copy(out, 0, 0, this.#length);
    this.#length = 0;
    return out;
  }

  /** Discards the bytes written. */
  reset(): void {
    this.#length = 0;
  }

  #reserve(more: number): void {
    const wanted = this.#length + more;
    if (wanted <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
