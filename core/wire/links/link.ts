import type { Readable, Writable } from 'node:stream';

/** Two streams of octets: a socket is both. */
export interface Link {
  readonly input: Readable;
  readonly output: Writable;
  /** Tells who takes the octets of the input, in place of its `data` events: in memory that is used for others as soon as they are taken. */
  readonly onReused?: ((take: (chunk: Buffer) => void) => void) | undefined;
  /** Ends both at once. */
  destroy(): void;
  /** Why the other side has ended, where more can be told of it: resolves soon after its end. */
  reason?(): Promise<string | undefined>;
}
