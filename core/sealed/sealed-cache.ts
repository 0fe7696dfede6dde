import type { ImportMemory, LocalCache } from '../store/capabilities.ts';
import type { SealKeys } from './seal-keys.ts';
import { lookupOf } from './seal-keys.ts';
import { openValue, sealValue } from './seal-value.ts';

/**
 * A cache whose keys and values are sealed: it may lie with the Store, on a machine that is not trusted.
 *
 * @param keysNow - the keys of the Store, undefined while it has none
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

/** The same of what PUT saw of local files. */
export function sealedImports(below: ImportMemory, keysNow: () => SealKeys | undefined): ImportMemory {
  return {
    ...sealedCache(below, keysNow),
    open: async (options) => await below.open(options),
    get isFull() {
      return below.isFull;
    },
  };
}
