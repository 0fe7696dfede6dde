import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import { openStore } from '../../../core/openers/open-store.ts';
import { addCounts } from '../../../core/store/capability.ts';
import { newStorePath } from '../datadir/store-folder.ts';

it('the default Store is made on first use, another only where it is asked for', async () => {
  const path = newStorePath();
  const environment = { defaultStorePath: path, cachePath: join(dirname(path), 'cache') };
  await assert.rejects(openStore(path, environment), (error) => error instanceof VtError && error.code === 'EOPEN');
  const store = await openStore('default', environment);
  const { hashcode } = await store.add(Buffer.from('kept'));
  await store[Symbol.asyncDispose]();
  assert.equal(store.hashName, 'sha3-256');
  const again = await openStore(`datadir:${path}`, environment);
  assert.ok(await again.get(hashcode));
  await again[Symbol.asyncDispose]();
  const other = join(dirname(path), 'other');
  const made = await openStore(`${other}?x, y=z`, { ...environment, create: true, hashName: 'blake3' });
  assert.equal(made.hashName, 'blake3');
  await made[Symbol.asyncDispose]();
});

it('a memory Store is opened by its specification', async () => {
  const store = await openStore('memory:100?hash=sha1', { defaultStorePath: '/nowhere', cachePath: '/nowhere' });
  assert.equal(store.hashName, 'sha1');
  assert.equal((await store.add(Buffer.alloc(100))).isNew, true);
  await assert.rejects(store.add(Buffer.alloc(1)), VtError);
  assert.ok(!existsSync('/nowhere'));
});

it('what is stored first in a Store that is made by it is compressed as asked for', async () => {
  const path = newStorePath();
  const environment = { defaultStorePath: path, cachePath: join(dirname(path), 'cache'), create: 'by first write' as const };
  await using store = await openStore(`datadir:${path},compression=zlib`, environment);
  const content = Buffer.from('compressible '.repeat(1000));
  {
    await using ingest = new Ingest(store, { workers: 0 });
    await ingest.bytes(content);
    await ingest.flushPending();
    await ingest.settled();
  }
  await store.flush();
  const { newBytes, storedBytes } = addCounts(store);
  assert.ok(newBytes >= content.length / 2);
  assert.ok(storedBytes < newBytes / 4, `${storedBytes} of ${newBytes}`);
});
