/** Digests of added Blocks that are not known to be durable, in the order of arrival. */
export class UnflushedDigests {
  readonly #digestSize: number;
  #parts: Uint8Array[] = [];
  #octets = 0;

  constructor(digestSize: number) {
    this.#digestSize = digestSize;
  }

  /** Number of digests. */
  get count(): number {
    return this.#octets / this.#digestSize;
  }

  /** @param digests - concatenated; they are copied */
  add(digests: Uint8Array): void {
    this.#parts.push(Uint8Array.from(digests));
    this.#octets += digests.length;
  }

  /** Removes and returns all of them, in parts. */
  take(): readonly Uint8Array[] {
    this.#octets = 0;
    return this.#parts.splice(0);
  }

  /** Puts back the result of {@link UnflushedDigests.take}. */
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
