/** How a Store splits data into Blocks. Fixed when the Store is made, and recorded in it. @see vt(5), "Edges" */
export interface EdgeSettings {
  /** The edge kernel, for example `poly32-1`. */
  readonly kernel: string;
  /** Minimum bytes of a Block. The last of a file, and Blocks that a parser asks for, may be smaller. */
  readonly minSize: number;
  /** Average bytes of a Block. */
  readonly meanSize: number;
  /** Maximum bytes of a Block. */
  readonly maxSize: number;
  /**
   * Contents of at least this many bytes, if no parser knows them, get Blocks four times as large; undefined for never. Most Blocks
   * belong to large contents, and each Block costs time and space in the index.
   */
  readonly coarseFrom?: number;
}

/**
 * The default of new Stores. Measured: eight versions of 128 MiB with 448 edits, 134.8 MB of different bytes. With means of 4 / 6 / 8 /
 * 12 / 16 KiB they took 141.7 / 141.9 / 142.5 / 144.3 / 146.4 MB. Each Block also costs time and about 100 bytes of index. Most Blocks
 * belong to large contents, and an edit is small compared to such a content. So their Blocks are four times as large.
 */
export const DEFAULT_EDGES: EdgeSettings = { kernel: 'poly32-1', minSize: 2048, meanSize: 8192, maxSize: 32_768, coarseFrom: 2 ** 27 };
