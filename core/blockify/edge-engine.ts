/** The functions that differ between the WebAssembly kernel and its TypeScript twin. Positions are offsets in the memory. */
export interface EdgeEngine {
  /** Candidates at from <= i < end, as i + 1 - origin. The whole window of each must be content. */
  candidates(from: number, end: number, origin: number): Uint32Array;
  /** The end of the run that contains `at`; at most `end`. */
  runEnd(at: number, end: number): number;
  /** The start of the run that contains `at`; at least `start`. */
  runStart(at: number, start: number): number;
  copy(to: number, from: number, size: number): void;
}
