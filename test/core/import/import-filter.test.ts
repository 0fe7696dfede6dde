import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import type { FilterWord } from '../../../core/filter/name-filter.ts';
import { NameFilter } from '../../../core/filter/name-filter.ts';
import { readFoundRules } from '../../../core/filter/read-rules.ts';
import type { Imported } from '../../../core/import/import.ts';
import { importLocal } from '../../../core/import/import.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';
import { outlive } from '../../support/trees/outlive.ts';

async function put(store: Store, path: string, words: readonly FilterWord[], plan = false): Promise<Imported> {
  const filter = new NameFilter(words, { read: readFoundRules }).at(path as Octets, readFoundRules);
  const imported = await importLocal(store, path as Octets, {
    filter,
    plan,
    workers: 0,
    onFailure: (failed, error) => assert.fail(`${failed}: ${String(error)}`),
  });
  if (!plan) await store.flush();
  return imported;
}

function exclude(...patterns: readonly string[]): FilterWord[] {
  return patterns.map((pattern) => ({ kind: 'exclude', value: pattern as Octets }));
}

test('an import by rules gives what one without memory gives, whatever the rules were before', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = makeRandom(seed);
  const source = makeScratch(t).path('tree');
  makeTree(source, { files: 150, seed: 57 });
  await outlive(source);
  await using remembers = new MemoryStore();
  const patterns = ['*a*', '*.txt', '/odd', 'd*/', '**/b*', '*', '*1', '[0-4]*', '*link*'] as const;
  for (let round = 0; round < 20; round++) {
    const words = Array.from(
      { length: random.below(4) },
      (): FilterWord => ({ kind: random.chance(30) ? 'include' : 'exclude', value: random.pick(patterns) as Octets }),
    );
    await using knows = new MemoryStore();
    const before = await put(remembers, source, words);
    const fresh = await put(knows, source, words);
    assert.equal(formatDirent(before.dirent), formatDirent(fresh.dirent), JSON.stringify({ seed, round, words }));
    assert.equal(before.counts.excluded, fresh.counts.excluded);
    const again = await put(remembers, source, words);
    assert.equal(again.counts.unchangedFiles, again.counts.files, JSON.stringify({ seed, round, words }));
  }
});

test('rules that are added make no file that stays be read again', async (t) => {
  const source = makeScratch(t).mkdir('tree');
  for (const name of ['a.c', 'a.o', 'b.c', 'b.o']) writeFileSync(`${source}/${name}`, name);
  await outlive(source);
  await using store = new MemoryStore();
  await put(store, source, []);
  const { counts } = await put(store, source, exclude('*.o'));
  assert.deepEqual([counts.files, counts.unchangedFiles, counts.excluded, counts.newBlocks], [2, 2, 2, 1]);
});

test('what is excluded is not opened, nor looked into, nor counted; a plan counts the same', async (t) => {
  const source = makeScratch(t).mkdir('tree');
  mkdirSync(`${source}/left/out`, { recursive: true });
  mkdirSync(`${source}/all`);
  for (const name of ['left/out/x', 'all/x.o', 'kept', 'y.o']) writeFileSync(`${source}/${name}`, 'x'.repeat(100));
  await using store = new MemoryStore();
  const words = exclude('/left/', '*.o');
  const plan = await put(store, source, words, true);
  const { dirent, counts } = await put(store, source, words);
  assert.deepEqual([counts.files, counts.bytes, counts.dirs, counts.excluded], [1, 100, 2, 3]);
  assert.deepEqual([plan.counts.files, plan.counts.bytes, plan.counts.dirs, plan.counts.excluded], [1, 100, 2, 3]);
  assert.ok(dirent.kind === 'dir');
  const empty = await put(store, `${source}/all`, words);
  assert.ok(empty.dirent.kind === 'dir' && empty.dirent.block === EMPTY_BLOCK);
});

test('a file of rules that cannot be understood ends an import, for what it excludes may not be stored', async (t) => {
  const source = makeScratch(t).mkdir('tree');
  mkdirSync(`${source}/below`);
  writeFileSync(`${source}/below/.rules`, '- ok\nbad line\n');
  writeFileSync(`${source}/below/x`, 'x');
  await using store = new MemoryStore();
  const words: FilterWord[] = [{ kind: 'filter', value: ': .rules' as Octets }];
  await assert.rejects(put(store, source, words), { code: 'EUSAGE', message: /below\/\.rules:2: filter rule "bad line".*column 1$/ });
});
