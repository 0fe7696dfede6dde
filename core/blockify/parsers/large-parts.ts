/**
 * Selects the boundaries of large parts of a content as edges. Boundaries between small parts are ignored, because they would make small
 * Blocks: the kernel combines these parts. The choice depends only on the parts.
 */
export class LargeParts {
  readonly #size: number;
  /** The last boundary, and whether it is an edge. The start of a content is one. */
  #last = 0;
  #isEdge = true;
  #edges: number[] = [];

  /** @param size - minimum bytes of a large part; also the maximum distance after a boundary at which it is known to be an edge */
  constructor(size: number) {
    this.#size = size;
  }

  /** The state to restore, without edges not yet taken. */
  get state(): readonly [last: number, isEdge: number] {
    return [this.#last, Number(this.#isEdge)];
  }

  restore(last: number, isEdge: number): void {
    this.#last = last;
    this.#isEdge = isEdge !== 0;
  }

  /** Adds the next boundary: an offset in the content, in ascending order. */
  boundary(at: number): void {
    if (at <= this.#last) return;
    const isLarge = at - this.#last >= this.#size;
    if (isLarge && !this.#isEdge) this.#edges.push(this.#last);
    if (isLarge) this.#edges.push(at);
    this.#last = at;
    this.#isEdge = isLarge;
  }

  /** The further edges if these were the last boundaries and the content ended at `to`. @param boundaries - ascending */
  ifEnded(boundaries: readonly number[], to: number): number[] {
    const copy = new LargeParts(this.#size);
    copy.#last = this.#last;
    copy.#isEdge = this.#isEdge;
    for (const at of boundaries) copy.boundary(at);
    return copy.take(to);
  }

  /** Removes and returns the known edges. @param to - all boundaries below it have been added */
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
