/** A SHA-3-256 kernel in machine code. @see scripts/kernels/native-kernel.ts for its parameters */
export interface KeccakCode {
  /** The number of messages that it hashes at once. */
  readonly sides: number;
  /** Bytes of scratch memory that it needs. */
  readonly scratchSize: number;
  /** The machine code in base64. */
  readonly code: string;
}
