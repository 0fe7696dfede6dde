import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Archive, ArchiveEntry } from '../../../core/archive/archive.ts';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { marksOf, withMarks } from '../../../core/archive/mark-notes.ts';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import { makeScratch } from '../../support/scratch.ts';

async function entriesOf(archive: Archive): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  for await (const entry of archive.entries()) entries.push(entry);
  return entries;
}

async function append(archive: Archive, whenNs: bigint): Promise<void> {
  await archive.append(async () => await Promise.resolve({ whenNs, dirent: EMPTY_ROOT }));
}

describe('lines of an archive', () => {
  it('are marked and dropped while others append, and none is lost', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const archive = openArchiveFile(path);
    for (let when = 1n; when <= 20n; when++) await append(archive, when);
    // Left by a process that was killed.
    writeFileSync(`${path}.changed`, 'half');
    const others = Array.from({ length: 30 }, async (_, i) => await append(openArchiveFile(path), 100n + BigInt(i)));
    const marks = (await entriesOf(archive)).slice(0, 20).map(async (entry) => {
      const other = openArchiveFile(path);
      await other.lines?.setNotes(entry, (notes) => withMarks(notes, { tags: [`t${entry.number}`], isProtected: entry.number === 3 }));
    });
    await Promise.all([...others, ...marks]);
    const all = await entriesOf(archive);
    assert.equal(all.length, 50);
    assert.deepEqual(
      all.slice(0, 20).map((entry) => marksOf(entry).tags),
      Array.from({ length: 20 }, (_, i) => [`t${i + 1}`]),
    );
    assert.deepEqual(new Set(all.map(({ whenNs }) => whenNs)).size, 50);
    assert.equal((await archive.last())?.number, 50);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await archive.lines?.drop(all.slice(3, 13));
    const left = await entriesOf(archive);
    assert.deepEqual(
      left.map(({ whenNs }) => whenNs),
      all.filter(({ number }) => number <= 3 || number > 13).map(({ whenNs }) => whenNs),
    );
    assert.deepEqual(
      readdirSync(path.slice(0, path.lastIndexOf('/'))).filter((name) => name.startsWith('a.vt')),
      ['a.vt'],
    );
  });

  it('are not changed where they are others by now, the newest, or protected', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const archive = openArchiveFile(path);
    for (let when = 1n; when <= 4n; when++) await append(archive, when);
    const seen = await entriesOf(archive);
    const [first, second, third, fourth] = seen;
    assert.ok(first && second && third && fourth);
    await archive.lines?.drop([second]);
    const before = readFileSync(path, 'utf8');
    await assert.rejects(async () => await archive.lines?.drop([first, third]), /root 3 of archive .* was changed meanwhile/);
    await assert.rejects(async () => await archive.lines?.setNotes(third, () => new Map()), /was changed meanwhile/);
    await assert.rejects(async () => await archive.lines?.drop([{ ...fourth, number: 3 }]), /it is the newest/);
    await assert.rejects(async () => await openArchiveFile(path, { readOnly: true }).lines?.drop([first]), { code: 'EREADONLY' });
    assert.equal(readFileSync(path, 'utf8'), before);
    await archive.lines?.setNotes(first, (notes) => withMarks(notes, { tags: [], isProtected: true }));
    await assert.rejects(async () => await archive.lines?.drop([first]), /it is protected/);
    await archive.lines?.setNotes(first, (notes) => withMarks(notes, { tags: ['kept'], isProtected: false }));
    await assert.rejects(async () => await archive.lines?.drop([first]), /it got the tag @kept meanwhile/);
    await archive.lines?.setNotes(first, (notes) => withMarks(notes, { tags: [], isProtected: false }));
    assert.equal(readFileSync(path, 'utf8'), before);
  });
});
