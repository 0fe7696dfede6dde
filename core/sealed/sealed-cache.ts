import type { ImportMemory, LocalCache } from '../store/capabilities.ts';
import type { SealKeys } from './seal-keys.ts';
import { lookupOf } from './seal-keys.ts';
import { openValue, sealValue } from './seal-value.ts';

/**
 * Wraps a cache and seals its keys and values, so that it may be on an untrusted machine with the Store.
 *
 * @param keysNow - returns the keys of the Store, or undefined while it has none
 */
export function sealedCache(below: LocalCache, keysNow: () => SealKeys | undefined): LocalCache {
  return {
    get(key) {
      const keys = keysNow();
      if (keys === undefined) return undefined;
      const name = lookupOf(keys, 'cache', key);
      const found = below.get(name);
      return found === undefined ? undefined : openValue(keys.values.cache, name.toString('latin1'), found);
    },
    put(key, value) {
      const keys = keysNow();
      if (keys === undefined) return;
      const name = lookupOf(keys, 'cache', key);
      below.put(name, sealValue(keys.values.cache, name.toString('latin1'), value));
    },
  };
}

/** The same for the records of which local files put has stored. */
export function sealedImports(below: ImportMemory, keysNow: () => SealKeys | undefined): ImportMemory {
  return {
    ...sealedCache(below, keysNow),
    open: async (options) => await below.open(options),
    get isFull() {
      return below.isFull;
    },
  };
}
