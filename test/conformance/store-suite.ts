import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClosedError, CorruptBlockError, ReadOnlyError, VtError } from '../../core/base/errors.ts';
import { MAX_BLOCK_SIZE } from '../../core/block/block-size.ts';
import type { DigestedBlock } from '../../core/block/block-target.ts';
import { hashByName } from '../../core/block/hash.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import { digestHex, hashcodeOf } from '../../core/block/hashcode.ts';
import { addCounts, canWrite, capability } from '../../core/store/capability.ts';
import { MemoryStore } from '../../core/store/memory.ts';
import { checkRecords } from '../../core/store/records/check-records.ts';
import { packRecords, unpackRecords } from '../../core/store/records/record-batch.ts';
import type { Store } from '../../core/store/store.ts';

/** A Store under test. */
export interface StoreSubject {
  /** For the names of the tests: `memory:`. */
  readonly name: string;
  /** A new, empty Store. */
  readonly open: () => Promise<Store>;
  /** The same Store again, after it was closed, where it outlives that. */
  readonly reopen?: () => Promise<Store>;
  /** The same Store again, without leave to write. */
  readonly reopenReadOnly?: () => Promise<Store>;
  /** It verifies what it is given: what does not match its digest is refused when it is added. */
  readonly checksAdds?: boolean;
}

/** The contract of every Store. A new Store's test is a call of this. */
export function storeSuite(subject: StoreSubject): void {
  const test = (title: string, body: (store: Store) => Promise<void>): void => {
    it(`${subject.name}: ${title}`, async () => {
      const store = await subject.open();
      try {
        await body(store);
      } finally {
        await store[Symbol.asyncDispose]();
      }
    });
  };

  describe(`${subject.name} keeps the contract of a Store`, () => {
    addTests(test);
    getTests(test, subject);
    batchTests(test);
    lifecycleTests(test);
    listTests(test);
    reopenTests(test, subject);
  });
}

type Test = (title: string, body: (store: Store) => Promise<void>) => void;

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function digested(store: Store, data: Uint8Array): DigestedBlock {
  return { digest: hashcodeOf(store.hashName, data).digest, data };
}

async function getBytes(store: Store, hashcode: HashCode): Promise<Buffer> {
  const data = await store.get(hashcode);
  assert.ok(data !== undefined, `Block ${digestHex(hashcode.digest)} is not there`);
  return Buffer.from(data);
}

function addTests(test: Test): void {
  test('a Block that is added comes back, before and after a flush', async (store) => {
    const { hashcode, isNew } = await store.add(bytes('one'));
    assert.equal(isNew, true);
    assert.deepEqual(hashcode.digest, hashcodeOf(store.hashName, bytes('one')).digest);
    assert.deepEqual(await getBytes(store, hashcode), bytes('one'));
    await store.flush();
    assert.deepEqual(await getBytes(store, hashcode), bytes('one'));
  });

  test('adding the same bytes again is not new, before and after a flush', async (store) => {
    await store.add(bytes('same'));
    assert.equal((await store.add(bytes('same'))).isNew, false);
    await store.flush();
    assert.equal((await store.add(bytes('same'))).isNew, false);
    const { newBlocks, existingBlocks, newBytes, existingBytes } = addCounts(store);
    assert.deepEqual(
      { newBlocks, existingBlocks, newBytes, existingBytes },
      { newBlocks: 1, existingBlocks: 2, newBytes: 4, existingBytes: 8 },
    );
  });

  test('the Block of no bytes is a Block', async (store) => {
    const { hashcode } = await store.add(new Uint8Array(0));
    assert.equal((await getBytes(store, hashcode)).length, 0);
    await store.flush();
    assert.equal((await getBytes(store, hashcode)).length, 0);
  });

  test('a Block of 16 MiB comes back', async (store) => {
    const data = Buffer.alloc(MAX_BLOCK_SIZE, 'vtftp');
    const { hashcode } = await store.add(data);
    await store.flush();
    assert.ok((await getBytes(store, hashcode)).equals(data));
  });

  test('a Block larger than that is refused, and nothing of its batch is kept', async (store) => {
    await assert.rejects(store.add(new Uint8Array(MAX_BLOCK_SIZE + 1)), RangeError);
    const small = digested(store, bytes('small'));
    const large = { digest: small.digest.map((octet) => octet ^ 1), data: new Uint8Array(MAX_BLOCK_SIZE + 1) };
    await assert.rejects(store.addBatch([small, large]), RangeError);
    assert.deepEqual(await store.has([{ hashName: store.hashName, digest: small.digest }]), [false]);
  });

  test('the caller may use its memory again at once', async (store) => {
    const memory = bytes('first content');
    const digests = [digested(store, memory)];
    const adding = store.add(memory);
    memory.fill('x');
    const { hashcode } = await adding;
    assert.deepEqual(await getBytes(store, hashcode), bytes('first content'));
    const again = bytes('second content');
    const batch = [digested(store, again)];
    const addingBatch = store.addBatch(batch);
    again.fill('y');
    for (const { digest } of [...digests, ...batch]) assert.equal(digest.length, hashcode.digest.length);
    const { digest } = digested(store, bytes('second content'));
    batch[0]?.digest.fill(0);
    await addingBatch;
    await store.flush();
    assert.deepEqual(await getBytes(store, { hashName: store.hashName, digest }), bytes('second content'));
  });

  test('Blocks may lie in shared memory', async (store) => {
    const memory = new Uint8Array(new SharedArrayBuffer(1000)).fill(7);
    const { hashcode } = await store.add(memory.subarray(10, 900));
    await store.flush();
    assert.deepEqual(await getBytes(store, hashcode), Buffer.alloc(890, 7));
  });
}

function getTests(test: Test, { checksAdds = false }: StoreSubject): void {
  test('a Block that is not there is undefined, not an error', async (store) => {
    assert.equal(await store.get(hashcodeOf(store.hashName, bytes('nowhere'))), undefined);
    assert.deepEqual(await store.has([hashcodeOf(store.hashName, bytes('nowhere'))]), [false]);
  });

  test('a hashcode of another hash function is not there', async (store) => {
    const { hashcode } = await store.add(bytes('one'));
    const other = store.hashName === 'sha256' ? 'blake3' : 'sha256';
    assert.equal(await store.get({ hashName: other, digest: hashcode.digest }), undefined);
    assert.equal(await store.get(hashcodeOf(other, bytes('one'))), undefined);
    assert.deepEqual(await store.has([{ hashName: other, digest: hashcode.digest }]), [false]);
  });

  test('has answers for each hashcode in its place', async (store) => {
    const there = (await store.add(bytes('there'))).hashcode;
    const not = hashcodeOf(store.hashName, bytes('not'));
    assert.deepEqual(await store.has([not, there, not, there]), [false, true, false, true]);
    assert.deepEqual(await store.has([]), []);
  });

  test('bytes that do not match their hashcode are never given', async (store) => {
    const wrong = { digest: hashcodeOf(store.hashName, bytes('right')).digest, data: bytes('wrong') };
    if (checksAdds) {
      await assert.rejects(store.addBatch([wrong]), (error) => error instanceof VtError && error.code === 'ECORRUPT');
      assert.equal(await store.get({ hashName: store.hashName, digest: wrong.digest }), undefined);
      return;
    }
    await store.addBatch([wrong]);
    await assert.rejects(store.get({ hashName: store.hashName, digest: wrong.digest }), CorruptBlockError);
  });
}

function batchTests(test: Test): void {
  test('equal Blocks of one batch are stored once', async (store) => {
    const a = digested(store, bytes('a'));
    const b = digested(store, bytes('b'));
    assert.deepEqual(await store.addBatch([a, b, a, b, a]), [true, true, false, false, false]);
    assert.deepEqual(await store.addBatch([]), []);
    assert.equal(addCounts(store).newBlocks, 2);
    assert.deepEqual(await getBytes(store, { hashName: store.hashName, digest: a.digest }), bytes('a'));
    assert.deepEqual(await getBytes(store, { hashName: store.hashName, digest: b.digest }), bytes('b'));
  });

  test('a batch of many Blocks comes back whole', async (store) => {
    const blocks = Array.from({ length: 3000 }, (_, i) => digested(store, bytes(`block ${i} `.repeat(1 + (i % 40)))));
    assert.ok((await store.addBatch(blocks)).every(Boolean));
    await store.flush();
    const got = await Promise.all(blocks.map(async ({ digest }) => await getBytes(store, { hashName: store.hashName, digest })));
    for (const [i, { data }] of blocks.entries()) assert.deepEqual(got[i], data);
  });

  test('Blocks that come as records are those that come as Blocks', async (store) => {
    const sink = capability(store, 'recordSink');
    if (sink === undefined) return;
    const hash = hashByName(store.hashName);
    const known = digested(store, bytes('known '.repeat(20)));
    await store.addBatch([known]);
    const blocks = Array.from({ length: 300 }, (_, i) => digested(store, bytes(`record ${i % 250} `.repeat(1 + (i % 250)))));
    blocks.splice(7, 0, known);
    const batch = packRecords(blocks, hash, sink.compression);
    const isNew = await sink.addRecords(batch);
    batch.image.fill(0);
    assert.deepEqual(
      [...isNew],
      blocks.map((_, i) => (i === 7 || i > 250 ? 0 : 1)),
    );
    const check = async (): Promise<void> => {
      for (const { digest, data } of blocks) assert.deepEqual(await getBytes(store, { hashName: store.hashName, digest }), data);
    };
    await check();
    await store.flush();
    await check();
    assert.deepEqual(await store.addBatch(blocks.slice(0, 9)), Array<boolean>(9).fill(false));
  });

  test('it gives Blocks as records, in the order asked for, and leaves out those that it has not', async (store) => {
    const source = capability(store, 'recordSource');
    if (source === undefined) return;
    const hash = hashByName(store.hashName);
    const blocks = Array.from({ length: 500 }, (_, i) => digested(store, bytes(`given ${i} `.repeat(1 + (i % 300)))));
    await store.addBatch(blocks);
    await store.flush();
    const wanted = [...blocks.slice(250), digested(store, bytes('not there')), ...blocks.slice(0, 250)];
    const there = wanted.filter((_, i) => i !== 250);
    for (const spans of [undefined, wanted.map(({ data }) => data.length)]) {
      const digests = Buffer.concat(wanted.map(({ digest }) => digest));
      const found: Buffer[] = [];
      const target = new MemoryStore({ hashName: store.hashName });
      for await (const batch of source.records(digests, spans)) {
        checkRecords(batch, hash, store.name);
        found.push(Buffer.from(batch.digests));
        if (batch.codecs.every((codec) => codec === 0)) await target.addBatch(unpackRecords(batch, hash.digestSize));
      }
      assert.deepEqual(Buffer.concat(found), Buffer.concat(there.map(({ digest }) => digest)));
      for (const { digest, data } of there) {
        const got = await target.get({ hashName: store.hashName, digest });
        if (got !== undefined || (capability(store, 'recordSink')?.compression ?? 'none') === 'none')
          assert.deepEqual(Buffer.from(got ?? [1]), Buffer.from(data));
      }
    }
    for await (const _ of source.records(new Uint8Array(0))) assert.fail('records of nothing');
  });

  test('a digest of another size is refused', async (store) => {
    await assert.rejects(store.addBatch([{ digest: new Uint8Array(7), data: bytes('x') }]), RangeError);
  });

  test('adds at the same time store equal Blocks once', async (store) => {
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) => store.add(bytes(`block ${i % 10}`))));
    assert.equal(results.filter(({ isNew }) => isNew).length, 10);
    await Promise.all([store.flush(), store.flush(), store.add(bytes('later')), store.flush()]);
    for (const { hashcode } of results) assert.ok(await store.get(hashcode));
  });
}

function lifecycleTests(test: Test): void {
  test('a signal that has fired cancels every operation', async (store) => {
    const { hashcode } = await store.add(bytes('one'));
    const signal = AbortSignal.abort();
    const isCancelled = (error: unknown): boolean => error instanceof VtError && error.code === 'ECANCELLED';
    await assert.rejects(store.add(bytes('two'), { signal }), isCancelled);
    await assert.rejects(store.addBatch([], { signal }), isCancelled);
    await assert.rejects(store.get(hashcode, { signal }), isCancelled);
    await assert.rejects(store.has([hashcode], { signal }), isCancelled);
    await assert.rejects(store.flush({ signal }), isCancelled);
    assert.deepEqual(await getBytes(store, hashcode), bytes('one'));
  });

  test('after close every operation is refused, and closing again is harmless', async (store) => {
    const { hashcode } = await store.add(bytes('one'));
    await store[Symbol.asyncDispose]();
    await assert.rejects(store.add(bytes('two')), ClosedError);
    await assert.rejects(store.addBatch([]), ClosedError);
    await assert.rejects(store.get(hashcode), ClosedError);
    await assert.rejects(store.has([hashcode]), ClosedError);
    await assert.rejects(store.flush(), ClosedError);
    await store[Symbol.asyncDispose]();
  });

  test('a value of the cache can be read after a flush, if there is a cache', async (store) => {
    const cache = capability(store, 'cache');
    if (cache === undefined) return;
    assert.equal(cache.get(bytes('key')), undefined);
    const value = bytes('value');
    cache.put(bytes('key'), value);
    value.fill('x');
    cache.put(bytes('other'), new Uint8Array(0));
    await store.flush();
    assert.deepEqual(Buffer.from(cache.get(bytes('key')) ?? []), bytes('value'));
    assert.deepEqual(Buffer.from(cache.get(bytes('other')) ?? [1]), bytes(''));
    cache.put(bytes('key'), bytes('newer'));
    await store.flush();
    assert.deepEqual(Buffer.from(cache.get(bytes('key')) ?? []), bytes('newer'));
  });
}

function listTests(test: Test): void {
  test('it lists every Block in the order of the digests, if it can', async (store) => {
    const enumeration = capability(store, 'enumeration');
    if (enumeration === undefined) return;
    const added: string[] = [];
    for (let i = 0; i < 300; i++) added.push(digestHex((await store.add(bytes(`block ${i}`))).hashcode.digest));
    const listed: string[] = [];
    for await (const { digest } of enumeration.hashcodes()) listed.push(digestHex(digest));
    assert.deepEqual(listed, added.sort());
  });
}

function reopenTests(test: Test, { reopen, reopenReadOnly }: StoreSubject): void {
  if (reopen === undefined) return;
  test('after it is closed and opened again everything is there', async (store) => {
    const { hashcode } = await store.add(bytes('kept'));
    capability(store, 'cache')?.put(bytes('key'), bytes('value'));
    await store[Symbol.asyncDispose]();
    const again = await reopen();
    try {
      const cache = capability(again, 'cache');
      if (cache !== undefined) assert.deepEqual(Buffer.from(cache.get(bytes('key')) ?? []), bytes('value'));
      assert.deepEqual(await again.has([hashcode]), [true]);
      assert.deepEqual(await getBytes(again, hashcode), bytes('kept'));
      assert.equal((await again.add(bytes('kept'))).isNew, false);
      assert.equal(again.hashName, store.hashName);
      assert.deepEqual(again.edges, store.edges);
    } finally {
      await again[Symbol.asyncDispose]();
    }
  });

  if (reopenReadOnly === undefined) return;
  test('opened without leave to write it gives Blocks and takes none', async (store) => {
    const { hashcode } = await store.add(bytes('kept'));
    await store[Symbol.asyncDispose]();
    const again = await reopenReadOnly();
    try {
      assert.equal(canWrite(again), false);
      await assert.rejects(again.add(bytes('new')), ReadOnlyError);
      await assert.rejects(again.addBatch([]), ReadOnlyError);
      assert.deepEqual(await getBytes(again, hashcode), bytes('kept'));
      await again.flush();
    } finally {
      await again[Symbol.asyncDispose]();
    }
  });
}
