import assert from 'node:assert/strict';
import { unlinkSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { importLocal } from '../../../core/import/import.ts';
import { repair } from '../../../core/maintain/repair.ts';
import { scrub } from '../../../core/maintain/scrub.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { newStorePath } from '../datadir/store-folder.ts';
import { CONTENT, faultsOf, harm, makeStore } from './maintained-store.ts';

it('repair takes Blocks from its own record but for one bit, and from another Store, and says what is still missing', async () => {
  const { datadir, path } = await makeStore();
  await using _ = datadir;
  harm(path, 4000, (octet) => octet ^ 0x10, 1);
  harm(path, 20_000, () => 0x55, 4);
  harm(path, 44_000, () => 0x55, 4);
  const scrubbed = { onFinding: () => undefined, nowSeconds: () => 1, monotonicMs: () => 0 };
  assert.equal((await scrub(datadir, scrubbed)).damagedBlocks, 3);
  await using other = new MemoryStore({ hashName: datadir.hashName });
  await other.add(CONTENT.subarray(16_000, 24_000));
  const from: string[] = [];
  const options = {
    files: [],
    onFinding: () => undefined,
    onRepaired: (_hashcode: unknown, where: string) => void from.push(where),
    onFailure: (where: string, error: unknown) => assert.fail(`${where}: ${String(error)}`),
  };
  const first = await repair(datadir, { ...options, sources: [other] });
  assert.deepEqual([first.repaired, first.missing], [2, 1]);
  assert.ok(from.some((where) => where.includes('one bit')));
  await other.add(CONTENT.subarray(40_000, 48_000));
  const second = await repair(datadir, { ...options, sources: [other] });
  assert.deepEqual([second.repaired, second.missing], [1, 0]);
  assert.deepEqual(await faultsOf(datadir), []);
});

it('repair cuts local files that still hold the data', async () => {
  const path = newStorePath();
  const file = `${path}-source` as Octets;
  writeFileSync(file, CONTENT);
  await using datadir = await openDatadir(path, { create: true });
  const { dirent } = await importLocal(datadir, file, { workers: 0 });
  const tree = openLiveTree(datadir, undefined);
  await tree.bind('/file' as TreePath, { ...dirent, name: '' as Octets });
  const root = await tree.sync({});
  await openArchiveFile(datadir.archivePath('default')).append(() => Promise.resolve({ whenNs: 1n, dirent: root }));
  harm(path, 20_000, () => 0x55, 4);
  await scrub(datadir, { onFinding: () => undefined, nowSeconds: () => 1, monotonicMs: () => 0 });
  const counts = await repair(datadir, {
    sources: [],
    files: [file],
    onFinding: () => undefined,
    onRepaired: () => undefined,
    onFailure: () => assert.fail(),
  });
  assert.deepEqual([counts.repaired, counts.missing], [1, 0]);
  unlinkSync(file);
});
