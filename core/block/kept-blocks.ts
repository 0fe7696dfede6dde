import type { BlockSource } from './block-source.ts';
import { digestHex } from './hashcode.ts';

/** Blocks kept: of the superblocks of some large Dirs, at most 64 KiB each. */
const MAX_KEPT = 64;

/** A source that caches the last Blocks it gave, for callers that walk the top of one Block tree repeatedly. */
export function keepBlocks(source: BlockSource): BlockSource {
  const kept = new Map<string, Uint8Array>();
  return {
    name: source.name,
    get: async (hashcode, options) => {
      const key = digestHex(hashcode.digest);
      const found = kept.get(key) ?? (await source.get(hashcode, options));
      if (found === undefined) return undefined;
      kept.delete(key);
      kept.set(key, found);
      for (const oldest of kept.keys()) {
        if (kept.size <= MAX_KEPT) break;
        kept.delete(oldest);
      }
      return found;
    },
  };
}
