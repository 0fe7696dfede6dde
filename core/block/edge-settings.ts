/** How a Store cuts data into Blocks: fixed when it is made, and recorded with it. @see vt(5), "Edges" */
export interface EdgeSettings {
  /** The edge kernel, for example `poly32-1`. */
  readonly kernel: string;
  /** Least octets of a Block, but for the last of a file and those a parser asks for. */
  readonly minSize: number;
  /** Octets of a Block on average. */
  readonly meanSize: number;
  /** Most octets of a Block. */
  readonly maxSize: number;
  /**
   * From so many octets on the Blocks of a content that no parser knows are four times as large; undefined for nowhere.
   * Large contents have most of all Blocks, and each costs time and index.
   */
  readonly coarseFrom?: number;
}
