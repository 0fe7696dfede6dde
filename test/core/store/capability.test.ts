import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PRIVATE_ACCESS } from '../../../core/base/system/store-files.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { AbsentStore } from '../../../core/datadir/absent-store.ts';
import type { Capabilities, CapabilityName } from '../../../core/store/capabilities.ts';
import { canWrite, capability, layerOf, type Offers } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { ProgressStore } from '../../../core/store/progress-store.ts';
import { ProxyStore } from '../../../core/store/proxy/proxy.ts';
import type { ProxyStores } from '../../../core/store/proxy/proxy-stores.ts';
import { UnopenedStore } from '../../../core/store/proxy/unopened-store.ts';
import { packRecords } from '../../../core/store/records/record-batch.ts';
import type { Store } from '../../../core/store/store.ts';
import { AttachedStore } from '../../../fuse/control/attached-store.ts';
import { PlanStore } from '../../../shell/session/plan-store.ts';

const hash = hashByName('sha3-256');
const DATA = Buffer.from('one Block');
const DIGEST = hash.digest(DATA);
const BATCH = packRecords([{ digest: DIGEST, data: DATA }], hash, 'none');

/** A Store with every capability there is. Each answers with something of its own. */
class FullStore extends MemoryStore {
  override readonly offers: Required<Offers> = {
    access: { write: true, drops: false },
    archives: { open: (name) => ({ name: `archive ${name}` }) as ReturnType<Capabilities['archives']['open']> },
    cache: { get: () => Buffer.from('cached'), put: () => undefined },
    costs: { costs: () => ({ puts: 1, gets: 2, lists: 3, deletes: 4, sentBytes: 5, receivedBytes: 6 }), putsFor: (bytes) => bytes },
    counts: { counts: () => ({ newBlocks: 11, newBytes: 12, storedBytes: 13, existingBlocks: 14, existingBytes: 15 }) },
    durability: { durability: 'none' },
    enumeration: this,
    folders: ['/folder/of/it'],
    imports: { open: async () => await Promise.resolve(), get: () => Buffer.from('remembered'), put: () => undefined, isFull: false },
    journals: {
      isEmpty: false,
      hasLeft: async () => await Promise.resolve(true),
      begin: () => assert.fail('no journal is begun'),
      recover: async () => await Promise.resolve(),
      look: () => [],
      setAside: async () => await Promise.resolve([]),
      listAside: () => ['journals/aside/one'],
    },
    link: { latency: async () => await Promise.resolve(7), traffic: () => ({ sentBytes: 8, receivedBytes: 9 }) },
    location: {
      locate: (digests) => digests.map(() => ({ file: '/f', offset: 1, storedSize: 9, size: 9, codec: 'none' })),
    },
    making: { isMade: false, make: async () => await Promise.resolve() },
    mount: { about: { mountpoint: '/mnt' }, ask: async (request) => await Promise.resolve({ asked: request }) },
    names: { find: () => ({ kind: 'run', span: 15, octet: 16 }) },
    notes: { has: async () => await Promise.resolve(true), add: async () => await Promise.resolve() },
    parts: { parts: async () => await Promise.resolve([{ role: 'inside', store: this }]) },
    progress: { progress: () => ({ addBytes: 1, addCount: 2, getBytes: 3, getCount: 4, outstanding: 5 }) },
    recordSink: {
      compression: 'zlib',
      checksRecords: true,
      addRecords: async ({ count }) => await Promise.resolve(new Uint8Array(count).fill(1)),
    },
    recordSource: {
      async *records() {
        yield await Promise.resolve(BATCH);
      },
    },
    sealing: { id: 'seal', below: this, keys: { names: DIGEST, contents: DIGEST }, names: (digests) => digests },
    spool: { drain: async () => await Promise.resolve({ deliveredBlocks: 1, deliveredBytes: 2, waitingBlocks: 3, troubles: ['some'] }) },
  };
}

/** A Store with none. */
class BareStore extends MemoryStore {
  override readonly offers = {};
}

/** What a capability answers when it is used. */
const USES: { readonly [Name in CapabilityName]: (found: Capabilities[Name]) => unknown } = {
  access: (access) => access,
  archives: (archives) => archives.open('tree', { readOnly: false }).name,
  cache: (cache) => cache.get(DIGEST),
  costs: (costs) => [costs.costs(), costs.putsFor(7)],
  counts: (counts) => counts.counts(),
  durability: ({ durability }) => durability,
  enumeration: async (enumeration) => await collect(enumeration.hashcodes()),
  folders: (folders) => folders,
  imports: (imports) => imports.get(DIGEST),
  journals: async (journals) => await journals.hasLeft(),
  link: async (link) => [await link.latency(), link.traffic()],
  location: (location) => location.locate([DIGEST], [9]),
  making: ({ isMade }) => isMade,
  mount: async (mount) => [mount.about, await mount.ask({ request: 'about' })],
  names: (names) => names.find('bytes', { kind: 'hash', span: 9, hashcode: { hashName: 'sha1', digest: DIGEST } }, 'sha3-256'),
  notes: async (notes) => await notes.has(DIGEST),
  parts: async (parts) => (await parts.parts()).map(({ role }) => role),
  progress: (progress) => progress.progress(),
  recordSink: async (sink) => [sink.compression, sink.checksRecords, await sink.addRecords(BATCH)],
  recordSource: async (source) => (await collect(source.records(DIGEST, [9]))).map(({ digests }) => Buffer.from(digests).toString('hex')),
  sealing: (sealing) => sealing.id,
  spool: async (spool) => await spool.drain(),
};

const NAMES = Object.keys(USES) as CapabilityName[];

/** What a wrapper does with a capability of the Store below: hands it on or stands in for it, has one of its own, or hides it. */
type Treatment = 'same' | 'own' | 'hidden';

interface Wrapper {
  readonly name: string;
  readonly wrap: (store: Store) => Promise<Store>;
  /** What it has though the Store below has not. */
  readonly makes?: readonly CapabilityName[];
  /** All that is not `same`. */
  readonly treats: { readonly [Name in CapabilityName]?: Treatment };
}

const PROXY_OWN = {
  costs: 'hidden',
  access: 'own',
  counts: 'own',
  parts: 'own',
  spool: 'own',
  progress: 'hidden',
  journals: 'hidden',
  mount: 'hidden',
  sealing: 'hidden',
} as const;

const WRAPPERS: readonly Wrapper[] = [
  { name: 'progress', wrap: async (store) => await Promise.resolve(new ProgressStore(store)), treats: { progress: 'own' } },
  {
    name: 'proxy:save=',
    wrap: async (store) => await Promise.resolve(proxyOf({ save: [store] })),
    makes: ['folders', 'making'],
    treats: PROXY_OWN,
  },
  {
    name: 'proxy:read=',
    wrap: async (store) => await Promise.resolve(proxyOf({ read: [store] })),
    makes: ['folders', 'making'],
    treats: {
      ...PROXY_OWN,
      cache: 'hidden',
      durability: 'hidden',
      imports: 'hidden',
      link: 'hidden',
      notes: 'hidden',
      recordSink: 'hidden',
    },
  },
  {
    name: 'a Store that was made late',
    async wrap(below) {
      const store = new AbsentStore('/absent', below.hashName, below.edges, {
        make: async () => await Promise.resolve(below),
        access: PRIVATE_ACCESS,
      });
      await store.make();
      return store;
    },
    treats: { making: 'own' },
  },
  {
    name: 'a Store that was opened late',
    async wrap(below) {
      const store = new UnopenedStore({ name: 'late', hashName: below.hashName, open: async () => await Promise.resolve(below) });
      await store.has([]);
      return store;
    },
    treats: {},
  },
  {
    name: 'a plan',
    wrap: async (store) => await Promise.resolve(new PlanStore(store)),
    treats: {
      access: 'own',
      counts: 'own',
      durability: 'hidden',
      enumeration: 'hidden',
      journals: 'hidden',
      location: 'hidden',
      notes: 'hidden',
      recordSink: 'hidden',
      recordSource: 'hidden',
      spool: 'hidden',
    },
  },
  {
    name: 'the Store of a mount',
    wrap: async (store) => await Promise.resolve(new AttachedStore(store, new MemoryStore())),
    treats: {},
  },
];

function proxyOf(stores: Partial<ProxyStores>): ProxyStore {
  const all = { save: [], read: [], save2: [], read2: [], copy2: [], ...stores };
  return new ProxyStore(all, { name: 'proxy', maxSpoolBytes: 1e9, onNotice: (notice) => assert.fail(notice), nowMs: () => 0 });
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const out: Item[] = [];
  for await (const item of items) out.push(item);
  return out;
}

/** What using a capability gives, or undefined where it is not there. */
async function use<Name extends CapabilityName>(store: Store, name: Name): Promise<unknown> {
  const found = capability(store, name);
  return found === undefined ? undefined : { answer: await USES[name](found) };
}

async function check(outer: Wrapper, below: Store): Promise<void> {
  const store = await outer.wrap(below);
  for (const name of NAMES) {
    const found = await use(store, name);
    switch (outer.treats[name] ?? 'same') {
      case 'same':
        assert.deepEqual(found, await use(below, name), `${name} is not as below`);
        break;
      case 'own':
        assert.ok(found !== undefined, `${name} is lost`);
        break;
      case 'hidden':
        assert.equal(found, undefined, `${name} is not hidden`);
    }
  }
}

async function fullStore(): Promise<Store> {
  const store = new FullStore();
  await store.add(DATA);
  await store.flush();
  return store;
}

describe('capabilities are found through wrappers', () => {
  for (const outer of WRAPPERS) {
    it(`${outer.name}: every capability of the Store below`, async () => await check(outer, await fullStore()));
    it(`${outer.name}: nothing that neither of them has`, async () => {
      const store = await outer.wrap(new BareStore());
      const own = NAMES.filter((name) => outer.treats[name] === 'own' || outer.makes?.includes(name) === true);
      assert.deepEqual(
        NAMES.filter((name) => capability(store, name) !== undefined),
        own,
      );
    });
    for (const inner of WRAPPERS)
      it(`${outer.name} over ${inner.name}`, async () => await check(outer, await inner.wrap(await fullStore())));
  }

  it('layerOf finds a Store of a class below any wrapper that has one Store below', async () => {
    for (const { name, wrap } of WRAPPERS) {
      const full = await fullStore();
      const store = await wrap(full);
      assert.equal(layerOf(store, FullStore), name.startsWith('proxy') ? undefined : full, name);
    }
    assert.equal(layerOf(new MemoryStore(), FullStore), undefined);
  });

  it('a Store that says nothing can be written to', () => assert.ok(canWrite({})));
});
