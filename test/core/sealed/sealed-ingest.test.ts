import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { digestHex } from '../../../core/block/hashcode.ts';
import { importLocal } from '../../../core/import/import.ts';
import { openBlock, sealBlocks } from '../../../core/sealed/seal-blocks.ts';
import { blockKeysOf } from '../../../core/sealed/seal-keys.ts';
import { addCounts, capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { SealedPlace } from '../../support/sealed/sealed-stores.ts';

let place: SealedPlace;
before(() => {
  place = new SealedPlace();
  mkdirSync(place.path('tree'));
  const half = randomBytes(2_000_000);
  writeFileSync(place.path('tree/large'), Buffer.concat([half, Buffer.alloc(300_000, 'text '), half]));
  for (let i = 0; i < 60; i++) writeFileSync(place.path(`tree/small${i}`), randomBytes(i * 97));
});
after(() => place.remove());

/** All that lies below a sealed Store, by its names. */
async function sealedBlocks(store: Store): Promise<Map<string, Buffer>> {
  const below = capability(store, 'sealing')?.below;
  assert.ok(below !== undefined);
  const found = new Map<string, Buffer>();
  for await (const hashcode of capability(below, 'enumeration')?.hashcodes() ?? [])
    found.set(digestHex(hashcode.digest), Buffer.from((await below.get(hashcode)) ?? []));
  return found;
}

it('what workers seal is, octet by octet, what is sealed Block by Block, and counts as much', async () => {
  const onFailure = (path: Octets, error: unknown): void => assert.fail(`${path}: ${String(error)}`);
  await using worked = await place.open(`datadir:${place.path('worked')}`);
  assert.ok(capability(worked, 'recordSink')?.blockKeys !== undefined);
  const { dirent } = await importLocal(worked, place.path('tree') as Octets, { workers: 2, onFailure });
  await worked.flush();
  const found = await sealedBlocks(worked);
  assert.ok(found.size > 200);

  // A Store without keys yet: Blocks are sealed as they are added.
  await using plain = await place.open('memory:', { create: false });
  assert.equal(capability(plain, 'sealing'), undefined);
  const { dirent: again } = await importLocal(plain, place.path('tree') as Octets, { workers: 0, onFailure });
  assert.deepEqual(again, dirent);
  const { newBlocks, newBytes, existingBlocks } = addCounts(worked);
  const expected = addCounts(plain);
  assert.deepEqual({ newBlocks, newBytes }, { newBlocks: expected.newBlocks, newBytes: expected.newBytes });
  assert.ok(existingBlocks > 0 && found.size === newBlocks);

  const octets = capability(worked, 'recordSink')?.blockKeys;
  assert.ok(octets !== undefined);
  for (const [name, bytes] of found) {
    const data = openBlock(blockKeysOf(octets), Buffer.from(name, 'hex'), bytes);
    assert.ok(data !== undefined, name);
    const [sealed] = sealBlocks(blockKeysOf(octets), [{ digest: hashByName('sha3-256').digest(data), data }]);
    assert.equal(digestHex(sealed?.digest ?? new Uint8Array(0)), name);
    assert.ok(bytes.equals(sealed?.data ?? new Uint8Array(0)));
  }
});

it('where another session makes the Store meanwhile, what was sealed for other keys is not taken', async () => {
  const backend = `datadir:${place.path('raced')}`;
  await using first = await place.open(backend, { create: 'by first write' });
  await using second = await place.open(backend, { create: 'by first write' });
  await second.add(Buffer.from('made by the second'));
  await second.flush();
  const failures: unknown[] = [];
  const importing = importLocal(first, place.path('tree') as Octets, {
    workers: 1,
    onFailure: (_, error) => void failures.push(error),
  });
  await assert.rejects(importing, (error) => error instanceof VtError && /has just made it, with keys of its own/.test(error.message));
  // Whoever begins anew finds the keys.
  await using third = await place.open(backend);
  assert.equal((await third.add(Buffer.from('made by the second'))).isNew, false);
});
