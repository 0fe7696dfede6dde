import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { liveWriters } from '../../../core/datadir/writer-presence.ts';
import { withMaintenanceLock } from '../../../core/maintain/lock.ts';
import { newStorePath } from '../datadir/store-folder.ts';
import { makeStore } from './maintained-store.ts';

it('one looks after a Store at a time, and a dead one leaves the lock free', async () => {
  const { datadir, path } = await makeStore();
  await datadir[Symbol.asyncDispose]();
  await withMaintenanceLock(path, datadir.access, true, async () => {
    await assert.rejects(
      withMaintenanceLock(path, datadir.access, true, () => Promise.resolve()),
      (error) => error instanceof VtError && error.code === 'ELOCKED',
    );
  });
  await withMaintenanceLock(path, datadir.access, true, () => Promise.resolve());
});

it('sessions that write are listed as long as they live, and the files of dead ones are removed', async () => {
  const { datadir, path } = await makeStore();
  assert.equal(liveWriters(path).length, 1);
  assert.equal(liveWriters(path, datadir.internals().ownWriter).length, 0);
  await datadir[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(join(path, 'writers')), []);
  writeFileSync(join(path, 'writers', 'dead'), '0\n');
  assert.deepEqual(liveWriters(path), []);
  assert.deepEqual(readdirSync(join(path, 'writers')), []);
});

it('a Store that is strict has every batch durable and indexed before it is acknowledged; others gather', async () => {
  const batching = async (durability: 'strict' | 'batch' | 'none'): Promise<number> => {
    await using datadir = await openDatadir(newStorePath(), { create: true, durability: () => durability });
    for (let i = 0; i < 3; i++) await datadir.add(Buffer.from(`${i}`));
    assert.equal(datadir.durability, durability);
    return datadir.indexBatching().transactions;
  };
  assert.equal(await batching('strict'), 3);
  assert.equal(await batching('batch'), 0);
  assert.equal(await batching('none'), 0);
});
