/** The place of a Block's stored bytes in a local file. */
export interface BlockLocation {
  /** A file path. */
  readonly file: string;
  /** Offset of the stored bytes. */
  readonly offset: number;
  /** Octets stored. */
  readonly storedSize: number;
  /** Octets of the Block. */
  readonly size: number;
  /** Their encoding; `part`: in a frame that precedes them in the file. */
  readonly codec: 'none' | 'zlib' | 'zstd' | 'part';
}
