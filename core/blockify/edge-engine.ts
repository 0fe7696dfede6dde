/** What differs between the WebAssembly and its twin. Positions are addresses. */
export interface EdgeEngine {
  /** Candidates at from <= i < end, as offsets past them from origin. A whole window up to each is content. */
  candidates(from: number, end: number, origin: number): Uint32Array;
  /** Where the run that `at` belongs to ends, `end` at most. */
  runEnd(at: number, end: number): number;
  /** Where the run that `at` belongs to starts, `start` at least. */
  runStart(at: number, start: number): number;
  copy(to: number, from: number, size: number): void;
}
