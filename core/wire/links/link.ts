import type { Readable, Writable } from 'node:stream';

/** An input and an output stream of octets; a socket can be both. */
export interface Link {
  readonly input: Readable;
  readonly output: Writable;
  /** Sets the receiver of the input's octets, in place of `data` events. Each chunk's memory is reused after `take` returns. */
  readonly onReused?: ((take: (chunk: Buffer) => void) => void) | undefined;
  /** Whether the other end is closed, if the link can find out while the input is not read. */
  readonly hasHungUp?: (() => boolean) | undefined;
  /** Closes both at once. */
  destroy(): void;
  /** Why the other side has ended, if the link can find out. Resolves soon after the end. */
  reason?(): Promise<string | undefined>;
}
