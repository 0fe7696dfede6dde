/** Makes the digests of pieces of one memory. `ranges` are addresses; the arguments are those of HashFunction's digestMany. */

export type MemoryDigester = (ranges: ArrayLike<number>, digests: Uint8Array) => void;
