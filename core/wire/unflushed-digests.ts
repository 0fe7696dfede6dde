/** Digests of Blocks that were added and are not known to be durable, in the order in which they came. */
export class UnflushedDigests {
  readonly #digestSize: number;
  #parts: Uint8Array[] = [];
  #octets = 0;

  constructor(digestSize: number) {
    this.#digestSize = digestSize;
  }

  /** How many. */
  get count(): number {
    return this.#octets / this.#digestSize;
  }

  /** @param digests - one after the other; copied */
  add(digests: Uint8Array): void {
    this.#parts.push(Uint8Array.from(digests));
    this.#octets += digests.length;
  }

  /** Takes all of them, in parts. */
  take(): readonly Uint8Array[] {
    this.#octets = 0;
    return this.#parts.splice(0);
  }

  /** Takes back what {@link UnflushedDigests.take} gave. */
  giveBack(parts: readonly Uint8Array[]): void {
    this.#parts = [...parts, ...this.#parts];
    for (const { length } of parts) this.#octets += length;
  }

  /** Each of them. */
  list(): Uint8Array[] {
    const size = this.#digestSize;
    return this.#parts.flatMap((part) => Array.from({ length: part.length / size }, (_, i) => part.subarray(i * size, (i + 1) * size)));
  }
}
