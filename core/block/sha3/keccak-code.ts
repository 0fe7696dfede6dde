/** A SHA-3-256 kernel in machine code. @see scripts/kernels/native-kernel.ts for its parameters */
export interface KeccakCode {
  /** Messages that it hashes at once. */
  readonly sides: number;
  /** Bytes of memory of its own that it needs. */
  readonly scratchSize: number;
  /** In base64. */
  readonly code: string;
}
