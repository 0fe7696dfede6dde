import type { Capabilities, DurabilityPolicy, ImportMemory, LocalCache, OtherNames, RecordSink } from '../capabilities.ts';
import { capability, type Offers } from '../capability.ts';
import { DURABILITIES } from '../durability.ts';
import { importMemoryOf } from '../import-memory.ts';
import type { Store } from '../store.ts';
import type { ProxyArchives } from './proxy-archives.ts';
import { ProxyRecords } from './proxy-records.ts';
import type { ProxyStores } from './proxy-stores.ts';

/** The proxy Store with its own capabilities. */
type Proxy = Store &
  Capabilities['counts'] &
  Capabilities['enumeration'] &
  Capabilities['location'] &
  Capabilities['parts'] &
  Capabilities['spool'] &
  Pick<RecordSink, 'addRecords'>;

/**
 * The capabilities of a proxy. They are determined at each call, since Stores that are not opened or created yet get theirs later.
 *
 * @param sources - all Stores that are read; `all`: all Stores
 */
export function proxyOffers(
  proxy: Proxy,
  stores: ProxyStores,
  archives: ProxyArchives,
  { sources, all }: { readonly sources: readonly Store[]; readonly all: readonly Store[] },
): Offers {
  const { save, save2 } = stores;
  // A proxy of a single Store has all capabilities of that Store.
  const [only] = all.length === 1 ? save : [];
  const records = new ProxyRecords(proxy, sources);
  const making = {
    get isMade() {
      // It is enough that one of the Stores exists: it can be read.
      return sources.some((store) => capability(store, 'making')?.isMade ?? true);
    },
    async make() {
      for (const store of save) await capability(store, 'making')?.make();
    },
  };
  const sink = recordSink(proxy, save, save2.length > 0);
  return {
    access: {
      write: save.length > 0,
      drops: save.length > 0 && save.every((store) => capability(store, 'access')?.drops === true),
    },
    get archives() {
      const [alone] = all.length === 1 ? all : [];
      if (alone !== undefined) return capability(alone, 'archives');
      return archives.areThere ? archives : undefined;
    },
    get cache() {
      return commonCache(save);
    },
    counts: proxy,
    get durability() {
      return weakest(save);
    },
    get enumeration() {
      return sources.every((store) => capability(store, 'enumeration') !== undefined) ? proxy : undefined;
    },
    get folders() {
      return all.flatMap((store) => capability(store, 'folders') ?? []);
    },
    get imports() {
      // With a spool, Blocks may not be in the Stores yet that the records refer to.
      return save2.length === 0 ? commonImports(save) : undefined;
    },
    get link() {
      return only === undefined ? undefined : capability(only, 'link');
    },
    get location() {
      return sources.some((store) => capability(store, 'location') !== undefined) ? proxy : undefined;
    },
    making,
    get names() {
      return namesOf(sources);
    },
    get notes() {
      return only === undefined ? undefined : capability(only, 'notes');
    },
    parts: proxy,
    get recordSink() {
      return takesRecords(save) ? sink : undefined;
    },
    get recordSource() {
      return sources.some((store) => capability(store, 'recordSource') !== undefined) ? records : undefined;
    },
    spool: proxy,
  };
}

/** The weakest durability of all Stores to save to. */
function weakest(save: readonly Store[]): DurabilityPolicy | undefined {
  const policies = save.flatMap((store) => capability(store, 'durability') ?? []);
  const rank = ({ durability }: DurabilityPolicy): number => DURABILITIES.indexOf(durability);
  return policies.reduce<DurabilityPolicy | undefined>(
    (least, policy) => (least === undefined || rank(policy) > rank(least) ? policy : least),
    undefined,
  );
}

/** A cache with the values on which all Stores to save to agree. */
function commonCache(save: readonly Store[]): LocalCache | undefined {
  const caches = save.flatMap((store) => capability(store, 'cache') ?? []);
  return caches.length < save.length ? undefined : inAll(caches);
}

/** As {@link commonCache}, if one of the Stores has its records elsewhere. */
function commonImports(save: readonly Store[]): ImportMemory | undefined {
  if (save.every((store) => capability(store, 'imports') === undefined)) return undefined;
  const memories = save.flatMap((store) => importMemoryOf(store) ?? []);
  const common = memories.length < save.length ? undefined : inAll(memories);
  if (common === undefined) return undefined;
  return {
    get: (key) => common.get(key),
    put: (key, value) => common.put(key, value),
    async open(options) {
      for (const memory of memories) await memory.open(options);
    },
    get isFull() {
      return memories.some((memory) => memory.isFull);
    },
  };
}

function inAll(caches: readonly LocalCache[]): LocalCache | undefined {
  const [first, ...others] = caches;
  if (first === undefined || others.length === 0) return first;
  return {
    get(key) {
      const value = first.get(key);
      return value !== undefined && others.every((cache) => isEqual(cache.get(key), value)) ? value : undefined;
    },
    put(key, value) {
      for (const cache of caches) cache.put(key, value);
    },
  };
}

/** Finds a name in any of the Stores. */
function namesOf(sources: readonly Store[]): OtherNames | undefined {
  const found = sources.map((store) => capability(store, 'names')).filter((names) => names !== undefined);
  if (found.length === 0) return undefined;
  return {
    find(kind, ref, hashName) {
      for (const names of found) {
        const other = names.find(kind, ref, hashName);
        if (other !== undefined) return other;
      }
      return undefined;
    },
  };
}

function isEqual(found: Uint8Array | undefined, value: Uint8Array): boolean {
  return found !== undefined && Buffer.compare(found, value) === 0;
}

/** Whether the same record image fits all Stores. */
function takesRecords(save: readonly Store[]): boolean {
  const sinks = save.map((store) => capability(store, 'recordSink'));
  return sinks.length > 0 && sinks.every((sink) => sink !== undefined && sink.compression === sinks[0]?.compression);
}

function recordSink(proxy: Proxy, save: readonly Store[], hasSpool: boolean): RecordSink {
  return {
    get compression() {
      return save.map((store) => capability(store, 'recordSink')?.compression).find((one) => one !== undefined) ?? 'none';
    },
    get checksRecords() {
      // A spool would accept records that a Store has refused.
      return !hasSpool && save.every((store) => capability(store, 'recordSink')?.checksRecords === true);
    },
    addRecords: async (batch, options) => await proxy.addRecords(batch, options),
  };
}
