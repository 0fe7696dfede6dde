/**
 * Of the boundaries between the parts of a content those that a large part touches. Small parts are left to the kernel, which
 * gathers them: their own edges would make Blocks of any small size. Which these are depends on the parts alone.
 */
export class LargeParts {
  readonly #size: number;
  /** The last boundary, and whether it is an edge already; the start of a content is one. */
  #last = 0;
  #isEdge = true;
  #edges: number[] = [];

  /** @param size - bytes of a large part, at least; a boundary is known to be an edge so many bytes after it, at the latest */
  constructor(size: number) {
    this.#size = size;
  }

  /** What has to be known to continue, but for edges not taken yet. */
  get state(): readonly [last: number, isEdge: number] {
    return [this.#last, Number(this.#isEdge)];
  }

  restore(last: number, isEdge: number): void {
    this.#last = last;
    this.#isEdge = isEdge !== 0;
  }

  /** The next boundary: an offset in the content, not below those before. */
  boundary(at: number): void {
    if (at <= this.#last) return;
    const isLarge = at - this.#last >= this.#size;
    if (isLarge && !this.#isEdge) this.#edges.push(this.#last);
    if (isLarge) this.#edges.push(at);
    this.#last = at;
    this.#isEdge = isLarge;
  }

  /** The edges that would be known besides if these were the last boundaries, ascending, and the content ended at `to`. */
  ifEnded(boundaries: readonly number[], to: number): number[] {
    const copy = new LargeParts(this.#size);
    copy.#last = this.#last;
    copy.#isEdge = this.#isEdge;
    for (const at of boundaries) copy.boundary(at);
    return copy.take(to);
  }

  /** Takes the edges that are known. @param to - all boundaries below it were reported */
  take(to: number): number[] {
    if (!this.#isEdge && to - this.#last >= this.#size) {
      this.#edges.push(this.#last);
      this.#isEdge = true;
    }
    const edges = this.#edges;
    this.#edges = [];
    return edges;
  }
}
