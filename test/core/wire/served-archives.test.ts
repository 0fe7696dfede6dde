import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { formatArchiveLine, parseArchiveLine } from '../../../core/archive/archive-line.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { parseDirent } from '../../../core/dirent/dirent-text.ts';
import { capability } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { answerEntries, answerEntryAppend, answerEntryLast, encodeAppend } from '../../../core/wire/entry-requests.ts';
import { encodeText } from '../../../core/wire/payload.ts';
import { servedFolders } from './served-folders.ts';
import { openServed, testCheckers } from './served-store.ts';

const { newFolder, serve } = servedFolders();

it('the archive of a served Store is read and appended to; two who append at once both do', async () => {
  const folder = newFolder();
  const file = join(folder, 'tree.vt');
  await using below = new MemoryStore();
  const exports = new Map([['', { store: below, archive: () => openArchiveFile(file) }]]);
  await serve(folder, { exports, isReadOnly: false, instance: 'test', checkers: testCheckers });
  await using store = await openServed(folder);
  const archive = capability(store, 'archives')?.open('tree', { readOnly: false });
  assert.ok(archive !== undefined);
  assert.equal(await archive.last(), undefined);
  const dirent = parseDirent('D{"top"}');
  const appended = await archive.append(async () => await Promise.resolve({ whenNs: 1_000_000_000n, dirent }));
  assert.equal(appended?.number, 1);
  let calls = 0;
  await archive.append(async (last) => {
    if (calls++ === 0)
      await openArchiveFile(file).append(
        async () => await Promise.resolve({ whenNs: 2_000_000_000n, dirent: parseDirent('D{"between"}') }),
      );
    assert.equal(last?.number, calls);
    return { whenNs: 3_000_000_000n, dirent };
  });
  assert.equal(calls, 2);
  const found: string[] = [];
  for await (const { number, whenNs, dirent: entry } of archive.entries())
    found.push(`${number} ${whenNs / 1_000_000_000n} ${entry.name ?? ''}`);
  assert.deepEqual(found, ['1 1 top', '2 2 between', '3 3 top']);
  const last = await archive.last();
  assert.deepEqual([last?.number, last?.whenNs], [3, 3_000_000_000n]);
});

it('notes go over the wire, and lines come without them to a client that reads none', async () => {
  const folder = newFolder();
  const file = join(folder, 'tree.vt');
  await using below = new MemoryStore();
  const exports = new Map([['', { store: below, archive: () => openArchiveFile(file) }]]);
  await serve(folder, { exports, isReadOnly: false, instance: 'test', checkers: testCheckers });
  await using store = await openServed(folder);
  const archive = capability(store, 'archives')?.open('tree', { readOnly: false });
  const notes = new Map([['message', 'kept' as Octets]]);
  const line = { whenNs: 1_000_000_000n, dirent: parseDirent('D{"top"}'), notes };
  await archive?.append(async () => await Promise.resolve(line));
  assert.deepEqual((await archive?.last())?.notes, notes);
  assert.match(readFileSync(file, 'latin1'), / N\{message:"kept"\} !crc32:/);
  const archives = () => openArchiveFile(file);
  const name = encodeText('tree');
  for (const [json, expected] of [
    [{}, undefined],
    [{ notes: true }, notes],
  ] as const) {
    const { payload: last } = await answerEntryLast(archives, json, name, {});
    const { payload: all } = await answerEntries(archives, json, name, {});
    for (const given of [last, all])
      assert.deepEqual(
        parseArchiveLine(
          Buffer.concat([given ?? []].flat())
            .toString('latin1')
            .trimEnd(),
        )?.notes,
        expected,
      );
  }
  // It has seen the newest line without its notes, which is the newest all the same.
  const next = formatArchiveLine({ whenNs: 2_000_000_000n, dirent: parseDirent('D{"next"}') });
  const seen = formatArchiveLine({ whenNs: line.whenNs, dirent: line.dirent });
  const modes = { isReadOnly: false, isAppendOnly: false, store: new MemoryStore(), nowNs: 2_000_000_000n };
  assert.equal((await answerEntryAppend(archives, modes, {}, encodeAppend('tree', seen, next), {})).yes, true);
});
