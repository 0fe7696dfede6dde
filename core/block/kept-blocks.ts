import { RecentMap } from '../base/recent-map.ts';
import type { BlockSource } from './block-source.ts';
import { digestHex } from './hashcode.ts';

/** Maximum number of cached Blocks. They are mostly superblocks of large Dirs, at most 64 KiB each. */
const MAX_KEPT = 64;

/** A source that caches recently used Blocks, for callers that walk the top of one Block tree repeatedly. */
export function keepBlocks(source: BlockSource): BlockSource {
  const kept = new RecentMap<string, Uint8Array>({ maxSize: MAX_KEPT });
  return {
    name: source.name,
    get: async (hashcode, options) => {
      const key = digestHex(hashcode.digest);
      const known = kept.get(key);
      if (known !== undefined) return known;
      const found = await source.get(hashcode, options);
      if (found !== undefined) kept.set(key, found);
      return found;
    },
  };
}
