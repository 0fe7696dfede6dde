import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { CorruptBlockError, VtError } from '../../../../core/base/errors.ts';
import { hashcodeOf } from '../../../../core/block/hashcode.ts';
import { openStore } from '../../../../core/openers/open-store.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { ProxyStore } from '../../../../core/store/proxy/proxy.ts';
import type { ProxyStores } from '../../../../core/store/proxy/proxy-stores.ts';
import type { Store } from '../../../../core/store/store.ts';
import { storeSuite } from '../../../conformance/store-suite.ts';
import { makeRandom } from '../../../support/random.ts';
import type { Fault } from '../../../support/stores/fault-store.ts';
import { FaultStore } from '../../../support/stores/fault-store.ts';
import { newStorePath } from '../../datadir/store-folder.ts';

function memory(name: string): MemoryStore {
  return new MemoryStore({ name });
}

interface Proxied {
  readonly proxy: ProxyStore;
  readonly notices: string[];
  /** Lets the time pass that a Store which failed is left alone. */
  readonly wait: () => void;
}

function proxied(stores: Partial<ProxyStores>, maxSpoolBytes = 1_000_000): Proxied {
  const notices: string[] = [];
  let nowMs = 0;
  const proxy = new ProxyStore(
    { save: [], read: [], save2: [], read2: [], copy2: [], ...stores },
    { name: 'proxy:', maxSpoolBytes, onNotice: (notice) => notices.push(notice), nowMs: () => nowMs },
  );
  return {
    proxy,
    notices,
    wait: () => {
      nowMs += 60_000;
    },
  };
}

function code(expected: string, says: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof VtError, String(error));
    assert.equal(error.code, expected, error.message);
    assert.match(error.message, says);
    return true;
  };
}

storeSuite({ name: 'proxy: of one Store', open: () => Promise.resolve(proxied({ save: [memory('a')] }).proxy) });
storeSuite({
  name: 'proxy: of every place',
  open: () =>
    Promise.resolve(
      proxied({ save: [memory('a'), memory('b')], save2: [memory('s')], read2: [memory('r')], copy2: [memory('c')] }, 1e9).proxy,
    ),
});
storeSuite({
  name: 'proxy: whose Store fails, with a spool',
  open: () => {
    const failing = new FaultStore(memory('a'), [{ on: 'add', kind: 'fail' }]);
    return Promise.resolve(proxied({ save: [failing], save2: [memory('s')] }, 1e9).proxy);
  },
});
{
  let path = '';
  const open = (create: boolean, readOnly = false) =>
    openStore(`proxy:save=(datadir:${path}/a)|(datadir:${path}/b),read=(datadir:${path}/a)`, {
      defaultStorePath: '/nowhere',
      cachePath: '/nowhere',
      create,
      readOnly,
    });
  storeSuite({
    name: 'proxy: of two datadirs',
    open: () => {
      path = newStorePath({ inMemory: true });
      return open(true);
    },
    reopen: () => open(false),
  });
}

it('a Block goes to every save Store, and comes from the first read Store that has it', async () => {
  const [a, b, c] = [memory('a'), memory('b'), memory('c')];
  const { proxy } = proxied({ save: [a, b], read: [c, b] });
  const { hashcode } = await proxy.add(Buffer.from('one'));
  assert.deepEqual([await a.has([hashcode]), await b.has([hashcode]), await c.has([hashcode])], [[true], [true], [false]]);
  const faulty = new FaultStore(a);
  const counted = proxied({ save: [faulty], read: [c, b] }).proxy;
  assert.ok(await counted.get(hashcode));
  assert.equal(faulty.calls.get, 0, 'what read has is not asked of save');
  const { hashcode: onlyA } = await a.add(Buffer.from('only in a'));
  assert.ok(await counted.get(onlyA), 'what was saved is found though read does not name the Store');
});

it('a Block that one of several save Stores lacks counts as lacking, so that whoever asks first adds it again', async () => {
  const [a, b] = [memory('a'), memory('b')];
  const failing = new FaultStore(b, [{ on: 'add', kind: 'fail', times: 1 }]);
  const { proxy } = proxied({ save: [a, failing] });
  const data = Buffer.from('goes to both');
  const hashcode = hashcodeOf(a.hashName, data);
  await assert.rejects(proxy.add(data));
  assert.deepEqual([await a.has([hashcode]), await b.has([hashcode])], [[true], [false]]);
  assert.deepEqual(await proxy.has([hashcode]), [false]);
  await proxy.add(data);
  assert.deepEqual([await proxy.has([hashcode]), await b.has([hashcode])], [[true], [true]]);
});

it('what comes from read2 is kept in copy2, and then found before it', async () => {
  const [near, far] = [memory('near'), new FaultStore(memory('far'))];
  const { hashcode } = await far.add(Buffer.from('from afar'));
  const { proxy } = proxied({ read: [near], read2: [far], copy2: [near] });
  assert.deepEqual(await proxy.has([hashcode]), [true]);
  assert.deepEqual(Buffer.from((await proxy.get(hashcode)) ?? []), Buffer.from('from afar'));
  assert.deepEqual(await near.has([hashcode]), [true]);
  assert.ok(await proxy.get(hashcode));
  assert.equal(far.calls.get, 1);
  await assert.rejects(proxy.add(Buffer.from('x')), code('EREADONLY', /read-only/));
});

it('a copy that cannot be kept is told of once and harms nothing', async () => {
  const [full, far] = [new MemoryStore({ name: 'full', maxBytes: 1 }), memory('far')];
  const { proxy, notices } = proxied({ read: [full], read2: [far], copy2: [full] });
  for (const text of ['first', 'second']) {
    const { hashcode } = await far.add(Buffer.from(text));
    assert.ok(await proxy.get(hashcode));
  }
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? '', /Store "full" keeps no copies/);
});

it('without a spool a Store that fails is named, whichever operation it was', async () => {
  for (const [fault, run] of [
    [{ on: 'add', kind: 'fail' }, (proxy: Store) => proxy.add(Buffer.from('x'))],
    [
      { on: 'add', kind: 'truncate' },
      (proxy: Store) => proxy.addBatch([{ digest: hashcodeOf('sha3-256', Buffer.from('x')).digest, data: Buffer.from('x') }]),
    ],
    [{ on: 'flush', kind: 'busy' }, (proxy: Store) => proxy.flush()],
    [{ on: 'get', kind: 'busy' }, (proxy: Store) => proxy.get(hashcodeOf('sha3-256', Buffer.from('absent')))],
    [{ on: 'has', kind: 'fail' }, (proxy: Store) => proxy.has([hashcodeOf('sha3-256', Buffer.from('absent'))])],
  ] as readonly (readonly [Fault, (proxy: Store) => Promise<unknown>])[]) {
    const { proxy } = proxied({ save: [new FaultStore(memory('weak'), [fault])] });
    await assert.rejects(run(proxy), code('EFAILED', /Store "weak" of a proxy/), fault.on);
  }
});

it('bytes that are not the Block are never given: another Store is asked, and the liar named where there is none', async () => {
  for (const kind of ['lie', 'truncate'] as const) {
    const [good, bad] = [memory('good'), memory('bad')];
    const { hashcode } = await good.add(Buffer.from('the truth'));
    await bad.add(Buffer.from('the truth'));
    const liar = new FaultStore(bad, [{ on: 'get', kind }]);
    assert.deepEqual(Buffer.from((await proxied({ read: [liar, good] }).proxy.get(hashcode)) ?? []), Buffer.from('the truth'));
    await assert.rejects(
      proxied({ read: [liar] }).proxy.get(hashcode),
      (error) => error instanceof CorruptBlockError && /bad/.test(error.message),
    );
  }
});

it('a Store that cannot be asked makes a Block that no other has an error, not a missing one', async () => {
  const down = new FaultStore(memory('down'), [{ on: 'get', kind: 'busy' }]);
  const { proxy } = proxied({ read: [down, memory('up')] });
  await assert.rejects(proxy.get(hashcodeOf('sha3-256', Buffer.from('x'))), code('EFAILED', /503/));
});

it('a Store that hangs ends with the signal', async () => {
  for (const on of ['add', 'get', 'has', 'flush'] as const) {
    const { proxy } = proxied({ save: [new FaultStore(memory('slow'), [{ on, kind: 'hang' }])], save2: [memory('spool')] });
    const aborter = new AbortController();
    const { signal } = aborter;
    const hashcode = hashcodeOf('sha3-256', Buffer.from('x'));
    const running =
      on === 'add'
        ? proxy.add(Buffer.from('x'), { signal })
        : on === 'get'
          ? proxy.get(hashcode, { signal })
          : on === 'has'
            ? proxy.has([hashcode], { signal })
            : proxy.flush({ signal });
    setImmediate(() => aborter.abort());
    await assert.rejects(running, code('ECANCELLED', /cancelled/), on);
  }
});

it('what a save Store does not take waits in the spool, is read from there, and flush drains it', async () => {
  const inner = memory('main');
  const main = new FaultStore(inner, [{ on: 'add', kind: 'fail' }]);
  const spool = memory('spool');
  const { proxy, notices, wait } = proxied({ save: [main], save2: [spool] });
  const { hashcode, isNew } = await proxy.add(Buffer.from('waits'));
  assert.equal(isNew, true);
  await proxy.add(Buffer.from('waits too'));
  assert.equal(main.calls.add, 1, 'a Store that failed is left alone for a while');
  await proxy.flush();
  assert.deepEqual(Buffer.from((await proxy.get(hashcode)) ?? []), Buffer.from('waits'));
  const waiting = (await proxy.parts()).find(({ role }) => role === 'save2');
  assert.deepEqual(waiting?.waiting, { blocks: 2, bytes: 14 });
  assert.match((await proxy.parts()).find(({ role }) => role === 'save')?.trouble ?? '', /it fails/);
  assert.match(notices[0] ?? '', /Store "main" fails .* waits in the spool/);

  const stillDown = await proxy.drain();
  assert.deepEqual([stillDown.deliveredBlocks, stillDown.waitingBlocks], [0, 2]);
  assert.match(stillDown.troubles[0] ?? '', /main/);
  main.faults = [];
  assert.deepEqual(await proxy.drain(), { deliveredBlocks: 2, deliveredBytes: 14, waitingBlocks: 0, troubles: [] });
  assert.deepEqual(await inner.has([hashcode]), [true]);
  wait();
  await proxy.add(Buffer.from('direct'));
  assert.deepEqual(await spool.has([hashcodeOf('sha3-256', Buffer.from('direct'))]), [false]);
});

it('what a Store took and cannot make durable goes to the spool before a flush succeeds', async () => {
  const main = new FaultStore(memory('main'), [{ on: 'flush', kind: 'busy' }]);
  const spool = new FaultStore(memory('spool'));
  const { proxy } = proxied({ save: [main], save2: [spool] });
  const { hashcode } = await proxy.add(Buffer.from('accepted, not durable'));
  assert.deepEqual(await spool.has([hashcode]), [false]);
  await proxy.flush();
  assert.deepEqual(await spool.has([hashcode]), [true]);
  assert.equal(spool.calls.flush, 1);
  spool.faults = [{ on: 'flush', kind: 'fail' }];
  await assert.rejects(proxy.flush(), code('EFAILED', /flush Store "spool" of a proxy/));
});

it('a Store that dies with Blocks nobody else has makes the flush fail', async () => {
  const main = new FaultStore(memory('main'));
  const { proxy } = proxied({ save: [main], save2: [memory('spool')] });
  await proxy.add(Buffer.from('only there'));
  main.faults = [
    { on: 'flush', kind: 'fail' },
    { on: 'get', kind: 'fail' },
  ];
  await assert.rejects(proxy.flush(), code('EFAILED', /flush Store "main"/));
});

it('a spool is bounded, and says what to do', async () => {
  const { proxy } = proxied({ save: [new FaultStore(memory('main'), [{ on: 'add', kind: 'fail' }])], save2: [memory('spool')] }, 100);
  await proxy.add(Buffer.alloc(80, 1));
  await assert.rejects(proxy.add(Buffer.alloc(80, 2)), (error) => {
    code('EFAILED', /80 of at most 100 bytes wait/)(error);
    assert.match((error as VtError).remedy ?? '', /flush/);
    return true;
  });
});

it('a spool in a datadir survives a restart: what waits is told, drained once, and not again', async () => {
  const path = newStorePath({ inMemory: true });
  const environment = { defaultStorePath: '/nowhere', cachePath: '/nowhere', create: true };
  const open = async (main: Store): Promise<ProxyStore> =>
    proxied({ save: [main], save2: [await openStore(`datadir:${path}`, environment)] }).proxy;
  const first = await open(new FaultStore(memory('main'), [{ on: 'add', kind: 'busy' }]));
  const random = makeRandom(5);
  const texts = Array.from({ length: 600 }, () => random.bytes(40));
  for (const text of texts) await first.add(text);
  await first.flush();
  await first[Symbol.asyncDispose]();

  const inner = memory('main');
  const failing = new FaultStore(inner, [{ on: 'add', kind: 'fail', from: 2 }]);
  const second = await open(failing);
  assert.deepEqual((await second.parts()).find(({ role }) => role === 'save2')?.waiting, { blocks: 600, bytes: 24_000 });
  const part = await second.drain();
  assert.ok(
    part.deliveredBlocks > 0 && part.waitingBlocks === 600 - part.deliveredBlocks && part.troubles.length === 1,
    JSON.stringify(part),
  );
  failing.faults = [];
  const rest = await second.drain();
  assert.deepEqual([rest.deliveredBlocks, rest.waitingBlocks, rest.troubles], [part.waitingBlocks, 0, []]);
  for (const text of texts) assert.deepEqual(await inner.has([hashcodeOf('sha3-256', text)]), [true]);
  const keptBack = new MemoryStore({ name: 'main' });
  await second[Symbol.asyncDispose]();

  const third = await open(keptBack);
  assert.deepEqual((await third.parts()).find(({ role }) => role === 'save2')?.waiting, { blocks: 0, bytes: 0 });
  await third[Symbol.asyncDispose]();
  // A Block that arrived once and fails to another time waits again, also after a restart.
  const fourth = await open(new FaultStore(memory('main'), [{ on: 'add', kind: 'busy' }]));
  await fourth.add(texts[0] ?? Buffer.alloc(0));
  await fourth.flush();
  await fourth[Symbol.asyncDispose]();
  const fifth = await open(memory('main'));
  assert.deepEqual((await fifth.parts()).find(({ role }) => role === 'save2')?.waiting, { blocks: 1, bytes: 40 });
  await fifth[Symbol.asyncDispose]();
});

it('under faults at random nothing that a flush told to be durable is lost', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const kinds = ['fail', 'busy', 'truncate'] as const;
    const faults = (['add', 'flush'] as const).flatMap((on) => kinds.map((kind): Fault => ({ on, kind, percent: 15 })));
    const [a, b, spool] = [memory('a'), memory('b'), memory('spool')];
    const { proxy, wait } = proxied({
      save: [new FaultStore(a, faults, { seed }), new FaultStore(b, faults, { seed: seed + 1000 })],
      save2: [new FaultStore(spool, [{ on: 'add', kind: 'fail', percent: 5 }], { seed: seed + 2000 })],
    });
    const random = makeRandom(seed);
    const pending: Uint8Array[] = [];
    for (let step = 0; step < 60; step++) {
      const data = random.bytes(20);
      try {
        await proxy.add(data);
        pending.push(data);
        if (random.chance(30)) wait();
        if (!random.chance(30)) continue;
        await proxy.flush();
      } catch (error) {
        assert.ok(error instanceof VtError && error.code === 'EFAILED', `seed ${seed}: ${String(error)}`);
        continue;
      }
      for (const one of pending.splice(0)) {
        const hashcode = hashcodeOf('sha3-256', one);
        const [inA, inB, waits] = (await Promise.all([a, b, spool].map((store) => store.has([hashcode])))).map(([found]) => found);
        assert.ok((inA === true && inB === true) || waits === true, `seed ${seed}, step ${step}: in a ${inA}, in b ${inB}, waits ${waits}`);
      }
    }
  }
});

const REFUSED: readonly (readonly [specification: string, says: RegExp, remedy: RegExp])[] = [
  ['proxy:', /it has no Stores/, /proxy:save=STORE/],
  ['proxy:save=(memory:,hash=sha1)|(memory:,hash=blake3)', /has hash function blake3, and ".*" has sha1/, /one hash function/],
  ['proxy:copy2=memory:', /no Store to save to or to read from/, /add save=STORE/],
  ['proxy:save=memory:,read=/nowhere/at/all', /no such folder/, /name the folder of a Store/],
  ['proxy:save=memory:,save2=filecache:/nowhere', /may drop Blocks/, /use a datadir/],
  ['proxy:save=[main]', /no configuration/, /^$/],
];

for (const [specification, says, remedy] of REFUSED) {
  it(`${specification} is refused with a remedy`, async () => {
    await assert.rejects(openStore(specification, { defaultStorePath: '/nowhere', cachePath: '/nowhere', create: true }), (error) => {
      code('EOPEN', says)(error);
      assert.match((error as VtError).remedy ?? '', remedy);
      return true;
    });
  });
}

it('a part that runs a command is refused where commands may not be run', async () => {
  await assert.rejects(
    openStore('proxy:save="!true"', { defaultStorePath: '/nowhere', cachePath: '/nowhere', create: true }),
    code('EPERM', /a specification that runs a command is not allowed here/),
  );
});

it('a clause that leads to itself is refused', async () => {
  const environment = {
    defaultStorePath: '/nowhere',
    cachePath: '/nowhere',
    clause: () => ({ kind: 'clause', clause: 'again' }) as const,
  };
  await assert.rejects(openStore('[again]', environment), code('EOPEN', /its clauses name more than 16 others/));
});

it('a cache in front of a Store keeps what was fetched, and a restart finds it there', async () => {
  const path = newStorePath({ inMemory: true });
  const environment = { defaultStorePath: '/nowhere', cachePath: join(dirname(path), 'cache'), create: true };
  const far = await openStore(`datadir:${path}`, environment);
  const { hashcode } = await far.add(Buffer.from('far away'));
  await far[Symbol.asyncDispose]();
  for (const specification of [`filecache:${path}-c,maxsize=1M,backend=${path}`, `filecache:${path}-c,maxsize=1M`]) {
    const store = await openStore(specification, environment);
    assert.deepEqual(Buffer.from((await store.get(hashcode)) ?? []), Buffer.from('far away'), specification);
    await store[Symbol.asyncDispose]();
  }
});

it('what a cache has counts as there only while the Store behind it cannot be asked', async () => {
  const path = newStorePath({ inMemory: true });
  const cache = await openStore(`filecache:${path},maxsize=1M`, { defaultStorePath: '/nowhere', cachePath: path, create: true });
  const behind = new FaultStore(new MemoryStore({ hashName: cache.hashName }), []);
  const { proxy } = proxied({ save: [behind], read: [cache], read2: [behind], copy2: [cache] });
  const { hashcode } = await cache.add(Buffer.from('in the cache alone'));
  const { hashcode: both } = await proxy.add(Buffer.from('in both'));
  assert.deepEqual(await proxy.has([hashcode, both]), [false, true]);
  assert.notEqual(await proxy.get(hashcode), undefined, 'it can be read all the same');
  behind.faults = [{ on: 'has', kind: 'fail' }];
  assert.deepEqual(await proxy.has([hashcode]), [true]);
  await proxy[Symbol.asyncDispose]();
});
