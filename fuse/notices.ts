import type { Octets } from '../core/base/octets.ts';

/** Reports changes to caches that hold the previous state. */
export interface Notices {
  /** Attributes of a node, and its content where `content`, are to be asked for again. */
  node(ino: number, content: boolean): void;
  /** A file ends at `size` bytes or beyond, `last` being the last of them: a kernel that keeps sizes itself does not learn it otherwise. */
  grown(ino: number, size: number, last: number): void;
  /** A name of a Dir is to be asked for again, whether it was there or not. */
  name(parent: number, name: Octets): void;
  /** Resolves when every word so far has arrived. */
  idle(): Promise<void>;
}

/** For drivers that cannot tell their kernel anything. */
export const NO_NOTICES: Notices = {
  node: () => undefined,
  grown: () => undefined,
  name: () => undefined,
  idle: async () => {
    await Promise.resolve();
  },
};
