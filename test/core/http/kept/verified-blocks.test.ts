import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HashCode } from '../../../../core/block/hashcode.ts';
import { VerifiedBlocks } from '../../../../core/http/kept/verified-blocks.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';

/** A Store that counts what is asked of it. */
class CountingStore extends MemoryStore {
  asked = 0;

  override async get(hashcode: HashCode): Promise<Uint8Array | undefined> {
    this.asked++;
    return await super.get(hashcode);
  }
}

test('a Block is read once as long as it is kept; those asked for last are', async () => {
  const below = new CountingStore();
  const hashcodes: HashCode[] = [];
  for (const letter of 'abc') hashcodes.push((await below.add(Buffer.alloc(1000, letter))).hashcode);
  const [a, b, c] = hashcodes;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const store = new VerifiedBlocks(below, 3000);
  const ask = async (hashcode: HashCode): Promise<number> => {
    const before = below.asked;
    assert.deepEqual(Buffer.from((await store.get(hashcode)) ?? []), Buffer.from((await below.get(hashcode)) ?? []));
    return below.asked - before - 1;
  };
  assert.deepEqual([await ask(a), await ask(b), await ask(a)], [1, 1, 0]);
  // The third is too much: the one not asked for lately goes.
  assert.deepEqual([await ask(c), await ask(a), await ask(b)], [1, 0, 1]);
});

test('what is missing is asked for again, and may come', async () => {
  const below = new CountingStore();
  const store = new VerifiedBlocks(below);
  const data = Buffer.from('it comes late');
  const { hashcode } = await new MemoryStore().add(data);
  assert.equal(await store.get(hashcode), undefined);
  await store.add(data);
  assert.deepEqual(Buffer.from((await store.get(hashcode)) ?? []), data);
});
