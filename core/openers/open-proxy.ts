import { performance } from 'node:perf_hooks';
import { ParseError, VtError } from '../base/errors.ts';
import { DEFAULT_HASH_NAME } from '../block/hash.ts';
import { canWrite, capability } from '../store/capability.ts';
import { ProxyStore } from '../store/proxy/proxy.ts';
import type { ProxyStores } from '../store/proxy/proxy-stores.ts';
import { UnopenedStore } from '../store/proxy/unopened-store.ts';
import type { Store } from '../store/store.ts';
import type { OpenContext, OpenStoreEnvironment } from './opener.ts';
import type { StoreParameters, StoreSpecification } from './specification.ts';
import { numberParameter, storesParameter } from './specification.ts';

/** Bytes that may wait in a spool by default. */
const DEFAULT_MAX_SPOOL = 10 * 2 ** 30;

/** The roles in a proxy, in the order in which their Stores are opened. The first Store decides the hash function of new ones. */
const ROLES = ['save', 'read', 'read2', 'save2', 'copy2'] as const;
type Role = (typeof ROLES)[number];

/**
 * Opens `proxy:save=A|B,read=C…`. A Store with several roles is opened once.
 *
 * @param options.savesWhereItCan - a read-only Store of `save` is only read, instead of refused
 * @throws {VtError} EOPEN if a Store cannot be opened, has another hash function than the first, or is unfit for its role
 */
export async function openProxyStore(
  given: StoreParameters,
  context: OpenContext,
  { savesWhereItCan = false }: { readonly savesWhereItCan?: boolean } = {},
): Promise<Store> {
  const opened = new Map<string, Store>();
  const stores: Record<Role, Store[]> = { save: [], read: [], read2: [], save2: [], copy2: [] };
  try {
    if (!ROLES.some((role) => storesParameter(given, role).length > 0)) {
      throw new VtError('EOPEN', `open Store "${context.name}": it has no Stores`, {
        remedy: 'write proxy:save=STORE, or proxy:read=STORE',
      });
    }
    for (const role of ROLES) {
      for (const specification of storesParameter(given, role)) {
        const text = context.format(specification);
        const [first] = opened.values();
        const changes = changesFor(role, context, first);
        const store = opened.get(text) ?? (await openPart(specification, role, text, given, context, changes));
        opened.set(text, store);
        if (role === 'save' && savesWhereItCan && !canWrite(store)) continue;
        checkPlace(store, role, first, context.name);
        stores[role].push(store);
      }
    }
    if ([stores.save, stores.read, stores.read2].every((some) => some.length === 0)) {
      throw new VtError('EOPEN', `open Store "${context.name}": it has no Store to save to or to read from`, {
        remedy: 'add save=STORE or read=STORE',
      });
    }
    return new ProxyStore(stores satisfies ProxyStores, {
      name: context.name,
      maxSpoolBytes: numberParameter(given, 'maxspool') ?? DEFAULT_MAX_SPOOL,
      onNotice: context.onNotice ?? (() => undefined),
      nowMs: () => performance.now(),
    });
  } catch (error) {
    for (const store of opened.values()) await store[Symbol.asyncDispose]();
    throw error;
  }
}

/** Opens a Store of a proxy. If there is a spool, a Store of `save` that cannot be opened is tried again later. */
async function openPart(
  specification: StoreSpecification,
  role: Role,
  name: string,
  given: StoreParameters,
  context: OpenContext,
  changes: Partial<OpenStoreEnvironment>,
): Promise<Store> {
  try {
    return await context.open(specification, changes);
  } catch (error) {
    const hasSpool = role === 'save' && storesParameter(given, 'save2').length > 0;
    if (!hasSpool || !(error instanceof VtError) || error instanceof ParseError) throw error;
    return new UnopenedStore({
      name,
      hashName: changes.hashName ?? context.hashName ?? DEFAULT_HASH_NAME,
      open: async () => await context.open(specification, changes),
    });
  }
}

/** Only Stores that are written to may be created. */
function changesFor(role: Role, context: OpenContext, first: Store | undefined): Partial<OpenStoreEnvironment> {
  const mayMake = role === 'save' || role === 'save2' || role === 'copy2';
  return {
    ...(mayMake ? {} : { create: false }),
    ...(first === undefined ? {} : { hashName: first.hashName }),
    ...(context.create === undefined || !mayMake ? {} : { create: context.create }),
  };
}

function checkPlace(store: Store, role: Role, first: Store | undefined, name: string): void {
  const refuse = (what: string, remedy: string): VtError =>
    new VtError('EOPEN', `open Store "${name}": Store "${store.name}" ${what}`, { remedy });
  if (first !== undefined && store.hashName !== first.hashName) {
    throw refuse(
      `has hash function ${store.hashName}, and "${first.name}" has ${first.hashName}`,
      'all Stores of a proxy need one hash function: change it with transition, leave it out, or remove what is a cache',
    );
  }
  const writes = role === 'save' || role === 'save2' || role === 'copy2';
  if (writes && !canWrite(store)) throw refuse('is read-only', `name it in read= in place of ${role}=`);
  if (role === 'save2' && capability(store, 'access')?.drops === true)
    throw refuse('may drop Blocks: what waits there could be lost', 'use a datadir for save2=');
  if (role === 'save2' && capability(store, 'enumeration') === undefined)
    throw refuse('cannot list its Blocks', 'use a datadir for save2=');
}
