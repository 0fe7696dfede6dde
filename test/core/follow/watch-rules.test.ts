import assert from 'node:assert/strict';
import { appendFileSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import { EdgeScanner } from '../../../core/blockify/edge-scanner.ts';
import { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import { NameFilter } from '../../../core/filter/name-filter.ts';
import { readNamedRules } from '../../../core/filter/read-rules.ts';
import { WatchGroup } from '../../../core/follow/watch-group.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom } from '../../support/random.ts';
import { ownSelection } from '../../support/rsync/rsync-selection.ts';
import { makeScratch } from '../../support/scratch.ts';

interface Watching {
  readonly folder: string;
  /** Tells of a path, as the system does. @returns whether it was listened to */
  readonly tell: (name: string) => boolean;
  readonly round: () => Promise<void>;
  /** The paths that are stored. */
  readonly stored: () => Promise<string[]>;
  /** Those that the rules select. */
  readonly selected: () => string[] | 'refused';
}

function watching(t: TestContext, rules: readonly string[]): Watching {
  const folder = makeScratch(t).mkdir('tree');
  const store = new MemoryStore();
  const tree = openLiveTree(store, undefined);
  const words = rules.map((value) => ({ kind: 'filter', value: value as Octets }) as const);
  const group = new WatchGroup({
    store,
    tree,
    folder: folder as Octets,
    target: '/tree' as TreePath,
    makeIngest: () => new Ingest(store, { workers: 0 }),
    scanner: new EdgeScanner(store.edges),
    owners: systemOwnerNames(),
    imports: {},
    filter: new NameFilter(words, { read: readNamedRules }),
    rescanMs: 3_600_000,
    monotonicMs: () => 0,
    onNotice: (notice) => assert.fail(notice),
  });
  t.after(() => group.close());
  const list = async (path: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const entry of tree.list(path as TreePath)) {
      found.push(`${entry.path.slice('/tree/'.length)}${entry.dirent.kind === 'dir' ? '/' : ''}`);
      if (entry.dirent.kind === 'dir') found.push(...(await list(entry.path)));
    }
    return found;
  };
  return {
    folder,
    tell: (name) => {
      const path = join(folder, name) as Octets;
      const counts = group.concerns(path);
      if (counts) group.note(path);
      return counts;
    },
    round: async () => {
      for (let i = 0; i < 2; i++) {
        await group.look({});
        await group.flush({});
        await group.bind();
      }
    },
    stored: async () => (await list('/tree')).sort(),
    selected: () => ownSelection(folder, words),
  };
}

test('a watched tree leaves out what its rules exclude, and does not listen to it', async (t) => {
  const { folder, tell, round, stored } = watching(t, ['- *.o', '- /build/', ': .rules']);
  mkdirSync(join(folder, 'build'));
  for (const name of ['a.c', 'a.o', 'build/x']) writeFileSync(join(folder, name), name);
  await round();
  assert.deepEqual(await stored(), ['a.c']);
  for (const name of ['build/y', 'b.o', 'b.c']) writeFileSync(join(folder, name), name);
  assert.deepEqual([tell('build/y'), tell('build'), tell('b.o'), tell('b.c')], [false, true, false, true]);
  await round();
  assert.deepEqual(await stored(), ['a.c', 'b.c']);
  renameSync(join(folder, 'b.o'), join(folder, 'o'));
  renameSync(join(folder, 'b.c'), join(folder, 'c.o'));
  for (const name of ['b.o', 'o', 'b.c', 'c.o']) tell(name);
  await round();
  assert.deepEqual(await stored(), ['a.c', 'o']);
});

test('a file of rules in a watched tree that changes lets other rules hold', async (t) => {
  const { folder, tell, round, stored } = watching(t, [': .rules']);
  mkdirSync(join(folder, 'd'));
  for (const name of ['d/a.o', 'd/a.c']) writeFileSync(join(folder, name), name);
  await round();
  writeFileSync(join(folder, 'd/.rules'), '- *.o\n: .more\n');
  assert.ok(tell('d/.rules'));
  await round();
  assert.deepEqual(await stored(), ['d/', 'd/.rules', 'd/a.c']);
  writeFileSync(join(folder, 'd/.more'), '- .*\n');
  assert.ok(tell('d/.more'));
  await round();
  assert.deepEqual(await stored(), ['d/', 'd/a.c']);
  rmSync(join(folder, 'd/.rules'));
  assert.ok(tell('d/.rules'));
  await round();
  assert.deepEqual(await stored(), ['d/', 'd/.more', 'd/a.c', 'd/a.o']);
});

test('after any changes a watched tree is what the rules select', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = makeRandom(seed);
  const { folder, tell, round, stored, selected } = watching(t, ['+ kept.o', '- *.o', '- out/', '- /top', ': .rules']);
  const all = (): string[] => (readdirSync(folder, { recursive: true, encoding: 'utf8' }) as string[]).sort();
  for (let step = 0; step < 120; step++) {
    const dirs = ['', ...all().filter((name) => lstatSync(join(folder, name)).isDirectory())];
    const fresh = join(dirs[random.below(dirs.length)] ?? '', random.pick(['a', 'a.o', 'kept.o', 'out', 'top', 'b', '.rules']));
    const some = all()[random.below(all().length)] ?? fresh;
    const doing = random.pick(['write', 'write', 'mkdir', 'rename', 'rename', 'append', 'remove'] as const);
    const before = all();
    try {
      const isRules = fresh.endsWith('.rules');
      if (doing === 'write') writeFileSync(join(folder, fresh), isRules ? random.pick(['- a\n', '- b\n+ a.o\n', '!\n', '']) : `${step}`);
      else if (doing === 'mkdir' && !isRules) mkdirSync(join(folder, fresh));
      else if (doing === 'rename' && !isRules && !some.endsWith('.rules')) renameSync(join(folder, some), join(folder, fresh));
      else if (doing === 'append' && !some.endsWith('.rules')) appendFileSync(join(folder, some), 'more');
      else if (doing === 'remove') rmSync(join(folder, some), { recursive: true });
    } catch {
      // Names that are taken, Dirs in themselves and the like.
    }
    // The system tells of all that is in a directory which comes or goes.
    const isTold = (name: string): boolean => [some, fresh].some((top) => name === top || name.startsWith(`${top}/`));
    for (const name of new Set([some, fresh, ...before, ...all()])) if (isTold(name)) tell(name);
    if (!random.chance(40)) continue;
    await round();
    assert.deepEqual(await stored(), selected(), JSON.stringify({ seed, step }));
  }
});
