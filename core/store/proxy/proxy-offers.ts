import type { Capabilities, DurabilityPolicy, ImportMemory, LocalCache, OtherNames, RecordSink } from '../capabilities.ts';
import { capability, type Offers } from '../capability.ts';
import { DURABILITIES } from '../durability.ts';
import { importMemoryOf } from '../import-memory.ts';
import type { Store } from '../store.ts';
import type { ProxyArchives } from './proxy-archives.ts';
import { ProxyRecords } from './proxy-records.ts';
import type { ProxyStores } from './proxy-stores.ts';

/** The Store over several, with what it can do itself. */
type Proxy = Store &
  Capabilities['counts'] &
  Capabilities['enumeration'] &
  Capabilities['location'] &
  Capabilities['parts'] &
  Capabilities['spool'] &
  Pick<RecordSink, 'addRecords'>;

/**
 * What a proxy can do. Stores that could not be opened yet, or are not made yet, get capabilities later: each is asked for anew.
 *
 * @param sources - every Store that is read; `all`: every Store
 */
export function proxyOffers(
  proxy: Proxy,
  stores: ProxyStores,
  archives: ProxyArchives,
  { sources, all }: { readonly sources: readonly Store[]; readonly all: readonly Store[] },
): Offers {
  const { save, save2 } = stores;
  // Of one Store alone all holds that it says of itself.
  const [only] = all.length === 1 ? save : [];
  const records = new ProxyRecords(proxy, sources);
  const making = {
    get isMade() {
      // What is there of any of them can be read.
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
      // What waits in a spool is not in the Stores yet that would be counted on.
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

/** All are meant to keep what is added: the one that promises least is what holds. */
function weakest(save: readonly Store[]): DurabilityPolicy | undefined {
  const policies = save.flatMap((store) => capability(store, 'durability') ?? []);
  const rank = ({ durability }: DurabilityPolicy): number => DURABILITIES.indexOf(durability);
  return policies.reduce<DurabilityPolicy | undefined>(
    (least, policy) => (least === undefined || rank(policy) > rank(least) ? policy : least),
    undefined,
  );
}

/** What is noted of Blocks holds where each Store that is to have them has noted the same. */
function commonCache(save: readonly Store[]): LocalCache | undefined {
  const caches = save.flatMap((store) => capability(store, 'cache') ?? []);
  return caches.length < save.length ? undefined : inAll(caches);
}

/** As {@link commonCache}, where one of them has it elsewhere. */
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

/** What any of them knows. */
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

/** Whether one image of records does for all of them. */
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
      // A spool would take what one of them has refused.
      return !hasSpool && save.every((store) => capability(store, 'recordSink')?.checksRecords === true);
    },
    addRecords: async (batch, options) => await proxy.addRecords(batch, options),
  };
}
