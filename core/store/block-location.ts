/** Where a Block's stored bytes lie in a local file. */
export interface BlockLocation {
  /** A file path. */
  readonly file: string;
  /** First octet of the stored bytes. */
  readonly offset: number;
  /** Octets stored. */
  readonly storedSize: number;
  /** Octets of the Block. */
  readonly size: number;
  /** How they are stored; `part`: within a frame, which lies before them. */
  readonly codec: 'none' | 'zlib' | 'zstd' | 'part';
}
