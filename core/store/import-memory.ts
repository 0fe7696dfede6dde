import type { ImportMemory, LocalCache } from './capabilities.ts';
import { capability } from './capability.ts';
import type { Store } from './store.ts';

/** What is remembered of files that were put into a Store: with the Store, or on this machine; undefined where nothing is. */
export function importMemoryOf(store: Store): ImportMemory | undefined {
  const cache = capability(store, 'cache');
  return capability(store, 'imports') ?? (cache === undefined ? undefined : besideStore(cache));
}

function besideStore(cache: LocalCache): ImportMemory {
  return {
    get: (key) => cache.get(key),
    put: (key, value) => cache.put(key, value),
    open: async () => await Promise.resolve(),
    isFull: false,
  };
}
