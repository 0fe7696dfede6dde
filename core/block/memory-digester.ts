/**
 * Computes the digests of pieces of one memory. The parameters are those of HashFunction's digestMany; `ranges` are offsets in the memory.
 */

export type MemoryDigester = (ranges: ArrayLike<number>, digests: Uint8Array) => void;
