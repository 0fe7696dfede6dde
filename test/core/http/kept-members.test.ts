import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { KeptMembers } from '../../../core/http/kept/kept-members.ts';
import type { TarMember } from '../../../core/http/tar/tar-header.ts';

function batchesOf(count: number): readonly (readonly TarMember[])[] {
  return Array.from({ length: count }, (_, i) => [
    { path: `t/${i}` as Octets, node: { kind: 'file', name: 'x' as Octets, meta: {}, block: EMPTY_BLOCK } },
  ]);
}

/** A walk, and how often it was begun. */
class Walk {
  begun = 0;
  readonly #batches: readonly (readonly TarMember[])[];

  constructor(count: number) {
    this.#batches = batchesOf(count);
  }

  readonly run = async function* (this: Walk): AsyncGenerator<readonly TarMember[]> {
    this.begun++;
    for (const batch of this.#batches) yield await Promise.resolve(batch);
  }.bind(this);
}

async function pathsOf(members: AsyncIterable<readonly TarMember[]>): Promise<string[]> {
  const paths: string[] = [];
  for await (const batch of members) for (const { path } of batch) paths.push(path);
  return paths;
}

test('members are walked over once, and are the same afterwards', async () => {
  const kept = new KeptMembers();
  const walk = new Walk(5);
  const first = await pathsOf(kept.members('a', walk.run));
  assert.deepEqual(first, ['t/0', 't/1', 't/2', 't/3', 't/4']);
  assert.deepEqual(await pathsOf(kept.members('a', walk.run)), first);
  assert.equal(walk.begun, 1);
  await pathsOf(kept.members('b', walk.run));
  assert.equal(walk.begun, 2, 'another key');
});

test('members of a walk that was left are not kept', async () => {
  const kept = new KeptMembers();
  const walk = new Walk(5);
  for await (const batch of kept.members('a', walk.run)) if (batch[0]?.path === 't/2') break;
  assert.equal((await pathsOf(kept.members('a', walk.run))).length, 5);
  assert.equal(walk.begun, 2);
});

test('more members than there is room for are all given, and not kept', async () => {
  const kept = new KeptMembers(4000);
  const large = new Walk(50);
  for (let i = 0; i < 2; i++) assert.equal((await pathsOf(kept.members('large', large.run))).length, 50);
  assert.equal(large.begun, 2);
  const small = new Walk(3);
  for (let i = 0; i < 2; i++) assert.equal((await pathsOf(kept.members('small', small.run))).length, 3);
  assert.equal(small.begun, 1, 'what was not kept takes no room');
});

test('walks side by side hold no more together than is kept', async () => {
  const kept = new KeptMembers(4000);
  const long = kept.members('long', new Walk(50).run);
  for (let i = 0; i < 5; i++) assert.equal((await long.next()).done, false);
  const walk = new Walk(3);
  await pathsOf(kept.members('short', walk.run));
  await long.return(undefined);
  for (let i = 0; i < 2; i++) await pathsOf(kept.members('short', walk.run));
  assert.equal(walk.begun, 2, 'kept only when the long walk had left its room');
});
