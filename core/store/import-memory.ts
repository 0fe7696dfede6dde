import type { ImportMemory, LocalCache } from './capabilities.ts';
import { capability } from './capability.ts';
import type { Store } from './store.ts';

/** The records of local files that were put into a Store: kept with the Store or on this machine; undefined if it has none. */
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
