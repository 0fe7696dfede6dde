import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { GrantedBlocks } from '../../../core/rights/granted-blocks.ts';
import { parseRightsLine } from '../../../core/rights/rights-line.ts';
import { RightsView } from '../../../core/rights/rights-view.ts';
import { capability } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeScratch } from '../../support/scratch.ts';
import { SealedPlace } from '../../support/sealed/sealed-stores.ts';
import { content } from './rights-fixture.ts';

const isUnsupported = (error: unknown): boolean => error instanceof VtError && error.code === 'EUNSUPPORTED';

function viewOf(store: MemoryStore, rights: string): RightsView {
  const holder = parseRightsLine(`anna the-secret-of-anna-herself ${rights}`);
  assert.ok(holder !== undefined);
  return new RightsView(store, holder, () => true);
}

test('rights to a part open no sealed Store: there to give a Block is no proof of knowing it', async () => {
  const store = new MemoryStore({ hashName: 'sealed' });
  const hashcode = { hashName: 'sealed', digest: Buffer.alloc(32, 7) } as const;
  await using part = viewOf(store, 'add=anna');
  await assert.rejects(part.has([hashcode]), isUnsupported);
  await assert.rejects(part.addBatch([{ digest: hashcode.digest, data: Buffer.alloc(40, 7) }]), isUnsupported);
  await using whole = viewOf(store, 'read add=anna');
  assert.deepEqual(await whole.has([hashcode]), [false]);
});

test('Blocks that may be read are counted: where they are too many it is told, and none is given away', async () => {
  const store = new MemoryStore();
  const granted = new GrantedBlocks(store, store.hashName, async () => await Promise.resolve(new Map()), 3);
  const digests = ['a', 'b', 'c', 'd'].map((seed) => hashcodeOf('sha3-256', content(seed)).digest);
  for (const digest of digests.slice(0, 3)) granted.grant(digest);
  assert.throws(() => granted.grant(digests[3] as Uint8Array), isUnsupported);
  assert.deepEqual(await granted.has(digests.slice(0, 3)), [true, true, true]);
  await assert.rejects(granted.has([hashcodeOf('sha3-256', content('e')).digest]), isUnsupported);
});

test('rights that have ended end the ways to many Blocks at once too', async (t) => {
  await using below = await openDatadir(join(makeScratch(t).folder, 'store'), { create: true });
  const place = new SealedPlace();
  t.after(() => place.remove());
  await using sealed = await place.open(place.path('sealed'));
  const { hashcode } = await below.add(content('a'));
  await below.flush();
  let isAllowed = true;
  const holder = parseRightsLine('anna the-secret-of-anna-herself read');
  assert.ok(holder !== undefined);
  await using view = new RightsView(below, holder, () => isAllowed);
  await using sealedView = new RightsView(sealed, holder, () => isAllowed);
  const location = capability(view, 'location');
  const source = capability(view, 'recordSource');
  const sealing = capability(sealedView, 'sealing');
  assert.ok(location !== undefined && source !== undefined && sealing !== undefined);
  const counted = async (): Promise<number> => {
    let count = 0;
    for await (const batch of source.records(hashcode.digest)) count += batch.count;
    return count;
  };
  assert.notEqual(location.locate([hashcode.digest])[0], undefined);
  assert.equal(await counted(), 1);
  assert.equal(sealing.names(hashcode.digest).length, hashcode.digest.length);
  isAllowed = false;
  const isEnded = (error: unknown): boolean => error instanceof VtError && error.code === 'EPERM';
  assert.throws(() => location.locate([hashcode.digest]), isEnded);
  await assert.rejects(counted, isEnded);
  assert.throws(() => sealing.names(hashcode.digest), isEnded);
});
