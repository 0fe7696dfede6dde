import type { Octets } from '../core/base/octets.ts';

/** Reports changes to caches that hold the previous state. */
export interface Notices {
  /** Cached attributes of a node, and with `content` its cached content, are stale. */
  node(ino: number, content: boolean): void;
  /** A file ends at `size` octets or beyond, `last` being the last of them: a kernel that tracks sizes needs this notice. */
  grown(ino: number, size: number, last: number): void;
  /** A cached name of a Dir is stale, whether it existed or not. */
  name(parent: number, name: Octets): void;
  /** Resolves when every notice so far has arrived. */
  idle(): Promise<void>;
}

/** For drivers that cannot notify their kernel. */
export const NO_NOTICES: Notices = {
  node: () => undefined,
  grown: () => undefined,
  name: () => undefined,
  idle: async () => {
    await Promise.resolve();
  },
};
