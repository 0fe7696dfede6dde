import type { HashName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';

/** A list of Blocks' digests and sizes, in columns: some 40 octets each, where an object would take 200. */
export class BlockList {
  readonly #digestSize: number;
  #digests = new Uint8Array(4096);
  #spans = new Float64Array(128);
  #count = 0;
  #bytes = 0;
  #hasUnknown = false;

  constructor(digestSize: number) {
    this.#digestSize = digestSize;
  }

  get count(): number {
    return this.#count;
  }

  /** Total octets of the Blocks with known size. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param span - the Block's octets; -1 if unknown */
  add(digest: Uint8Array, span: number): void {
    const at = this.#count * this.#digestSize;
    if (at + this.#digestSize > this.#digests.length) this.#digests = grown(this.#digests, Uint8Array);
    if (this.#count === this.#spans.length) this.#spans = grown(this.#spans, Float64Array);
    this.#digests.set(digest.subarray(0, this.#digestSize), at);
    this.#spans[this.#count++] = span;
    if (span < 0) this.#hasUnknown = true;
    else this.#bytes += span;
  }

  /** The Blocks that pass a test, in order. */
  filter(passes: (digest: Uint8Array) => boolean): BlockList {
    const out = new BlockList(this.#digestSize);
    for (let i = 0; i < this.#count; i++) if (passes(this.digest(i))) out.add(this.digest(i), this.span(i));
    return out;
  }

  digest(index: number): Uint8Array {
    return this.#digests.subarray(index * this.#digestSize, (index + 1) * this.#digestSize);
  }

  span(index: number): number {
    return this.#spans[index] as number;
  }

  /** All digests, concatenated; a view. */
  digests(): Uint8Array {
    return this.#digests.subarray(0, this.#count * this.#digestSize);
  }

  /** All sizes in octets; undefined if one is unknown. */
  spans(): Float64Array | undefined {
    return this.#hasUnknown ? undefined : this.#spans.subarray(0, this.#count);
  }

  hashcodes(hashName: HashName): HashCode[] {
    return Array.from({ length: this.#count }, (_, index) => ({ hashName, digest: this.digest(index) }));
  }
}

function grown<T extends Uint8Array | Float64Array>(array: T, Make: new (size: number) => T): T {
  const out = new Make(array.length * 2);
  out.set(array);
  return out;
}
