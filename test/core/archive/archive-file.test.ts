import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { Archive, ArchiveEntry } from '../../../core/archive/archive.ts';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import type { ArchiveLine } from '../../../core/archive/archive-line.ts';
import { formatArchiveLine, parseArchiveLine } from '../../../core/archive/archive-line.ts';
import { notesField } from '../../../core/archive/archive-notes.ts';
import { newestFirst } from '../../../core/archive/newest-first.ts';
import { ParseError, ReadOnlyError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromBytes, octetsFromText } from '../../../core/base/octets.ts';
import { flock } from '../../../core/base/system/libc.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { dirents } from '../../support/arbitraries.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeScratch } from '../../support/scratch.ts';

const WHEN_NS = 1_795_364_221_123_456_789n;

function dir(name: string): Dirent {
  return { kind: 'dir', name: name as Octets, meta: {}, block: EMPTY_BLOCK };
}

/** Notes of any octets. */
const noted = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z][a-z_]{0,8}$/), fc.uint8Array({ maxLength: 20 })), { maxLength: 3 })
  .map((notes) => new Map(notes.map(([name, value]) => [name, octetsFromBytes(value)])));

function state(name: string, whenNs = WHEN_NS): ArchiveLine {
  return { whenNs, dirent: dir(name) };
}

async function read(archive: Archive): Promise<{ entries: ArchiveEntry[]; damage: [number, string][] }> {
  const entries: ArchiveEntry[] = [];
  const damage: [number, string][] = [];
  for await (const entry of archive.entries({ onDamage: (line, reason) => damage.push([line, reason]) })) entries.push(entry);
  return { entries, damage };
}

describe('archive lines', () => {
  it('a line has the time twice, the Dirent, and the CRC-32 of all that stands before', () => {
    const line = '2026-11-22T16:17:01.123456789Z 1795364221.123456789 D{name:"a b\\x0a",block:LB{}} !crc32:793c6f37';
    assert.equal(formatArchiveLine(state('a b\n')), line);
    assert.deepEqual(parseArchiveLine(line), { whenNs: WHEN_NS, dirent: dir('a b\n') });
  });

  it('any Dirent at any time comes back, names with spaces and newlines too', () => {
    fc.assert(
      fc.property(
        dirents,
        fc.bigInt({ min: -62_135_596_800_000_000_000n, max: 253_402_300_799_999_999_999n }),
        noted,
        (dirent, whenNs, notes) => {
          const line = formatArchiveLine({ whenNs, dirent, ...notesField(notes) });
          assert.match(line, /^[ -~]+$/);
          assert.deepEqual(parseArchiveLine(line), { whenNs, dirent, ...notesField(notes) });
          assert.equal(
            BigInt(Math.floor(Date.parse(`${line.slice(0, 19)}Z`) / 1000)),
            (whenNs - (((whenNs % 10n ** 9n) + 10n ** 9n) % 10n ** 9n)) / 10n ** 9n,
          );
        },
      ),
    );
  });

  it('notes stand between the Dirent and the check', () => {
    const line =
      '2026-11-22T16:17:01.123456789Z 1795364221.123456789 D{name:"a",block:LB{}} N{undo:"12",message:"say \\"a, b}\\" \\xc3\\xa9"} !crc32:6b8344e1';
    const notes = new Map([
      ['undo', '12' as Octets],
      ['message', octetsFromText('say "a, b}" é')],
    ]);
    assert.equal(formatArchiveLine({ ...state('a'), notes }), line);
    assert.deepEqual(parseArchiveLine(line), { ...state('a'), notes });
    assert.throws(() => formatArchiveLine({ ...state('a'), notes: new Map([['no name', '' as Octets]]) }), RangeError);
  });

  it('any one character changed or cut off is found', () => {
    const line = formatArchiveLine(state('name'));
    for (let i = 0; i < line.length; i++) {
      const changed = line.slice(0, i) + (line[i] === 'x' ? 'y' : 'x') + line.slice(i + 1);
      assert.throws(() => parseArchiveLine(changed), ParseError, changed);
      if (i > 0) assert.throws(() => parseArchiveLine(line.slice(0, i)), ParseError);
    }
  });
});

describe('archive files', () => {
  it('entries are appended, listed oldest first, and the last found from the end', async (t) => {
    const archive = openArchiveFile(makeScratch(t).path('a.vt'));
    assert.equal(await archive.last(), undefined);
    assert.deepEqual(await read(archive), { entries: [], damage: [] });
    for (let i = 1; i <= 300; i++) {
      const entry = await archive.append(async (last) => {
        assert.equal(last?.number, i === 1 ? undefined : i - 1);
        return state(`state ${i}`, WHEN_NS + BigInt(i));
      });
      assert.equal(entry?.number, i);
    }
    const { entries, damage } = await read(archive);
    assert.deepEqual(damage, []);
    assert.deepEqual(
      entries.map(({ number, whenNs, dirent }) => [number, whenNs, dirent.name]),
      Array.from({ length: 300 }, (_, i) => [i + 1, WHEN_NS + BigInt(i + 1), `state ${i + 1}`]),
    );
    const last = await archive.last();
    assert.equal(last?.number, 300);
    assert.equal(last?.dirent.name, 'state 300');
  });

  it('whoever decides against an entry appends nothing', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const archive = openArchiveFile(path);
    assert.equal(await archive.append(async () => undefined), undefined);
    assert.equal(readFileSync(path, 'utf8'), '');
    await assert.rejects(
      archive.append(async () => {
        throw new Error('changed its mind');
      }),
      /changed its mind/,
    );
    await archive.append(async () => state('a'));
    assert.equal((await read(archive)).entries.length, 1);
  });

  it('a damaged line costs that line alone', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const archive = openArchiveFile(path);
    for (const name of ['one', 'two', 'three']) await archive.append(async () => state(name));
    writeFileSync(path, readFileSync(path, 'latin1').replace('name:"two"', 'name:"tvo"'), 'latin1');
    const { entries, damage } = await read(archive);
    assert.deepEqual(
      entries.map(({ number, dirent }) => [number, dirent.name]),
      [
        [1, 'one'],
        [2, 'three'],
      ],
    );
    assert.deepEqual(
      damage.map(([line]) => line),
      [2],
    );
    assert.match(damage[0]?.[1] ?? '', /checksum does not match, at offset \d+$/);
  });

  it('a last line torn at any length is passed over, and the next entry starts a line of its own', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const archive = openArchiveFile(path);
    await archive.append(async () => state('whole'));
    const whole = readFileSync(path).length;
    await archive.append(async () => state('torn'));
    const both = readFileSync(path);
    for (let size = whole; size < both.length; size += 7) {
      writeFileSync(path, both);
      truncateSync(path, size);
      assert.equal((await archive.last())?.dirent.name, 'whole');
      await archive.append(async (last) => {
        assert.equal(last?.dirent.name, 'whole');
        return state('next');
      });
      assert.deepEqual(
        (await read(archive)).entries.map(({ dirent }) => dirent.name),
        ['whole', 'next'],
        `${size} octets`,
      );
    }
    // Only the LF is missing: the check holds.
    writeFileSync(path, both.subarray(0, -1));
    assert.equal((await archive.last())?.dirent.name, 'torn');
  });

  it('the last entry is found behind much damage, and comments and empty lines say nothing', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const archive = openArchiveFile(path);
    await archive.append(async () => state('found'));
    appendFileSync(path, `# comment\n\n${'\xff'.repeat(200_000)}\n\n#`, 'latin1');
    assert.equal((await archive.last())?.dirent.name, 'found');
    assert.equal((await archive.last())?.number, 1);
    const { entries, damage } = await read(archive);
    assert.equal(entries.length, 1);
    assert.deepEqual(
      damage.map(([line]) => line),
      [4],
    );
  });

  it('a read-only archive refuses entries, and one that cannot be opened says so', async (t) => {
    const scratch = makeScratch(t);
    await assert.rejects(
      openArchiveFile(scratch.path('a.vt'), { readOnly: true }).append(async () => state('a')),
      ReadOnlyError,
    );
    assert.equal(existsSync(scratch.path('a.vt')), false);
    await assert.rejects(
      openArchiveFile(scratch.path('no/such/folder.vt')).append(async () => state('a')),
      (error) => error instanceof VtError && error.code === 'EOPEN',
    );
  });

  it('what is no file is refused, and a file of one endless line is damage, not a full memory', async (t) => {
    const scratch = makeScratch(t);
    await assert.rejects(openArchiveFile(scratch.folder).last(), (error) => error instanceof VtError && error.code === 'EOPEN');
    const path = scratch.path('a.vt');
    const archive = openArchiveFile(path);
    await archive.append(async () => state('found'));
    writeFileSync(path, '', { flag: 'a' });
    truncateSync(path, 40 * 1024 * 1024);
    assert.equal((await archive.last())?.dirent.name, 'found');
    const { entries, damage } = await read(archive);
    assert.equal(entries.length, 1);
    assert.deepEqual(
      damage.map(([line]) => line),
      [2],
    );
  });

  it('an append waits for the lock, and can be cancelled meanwhile', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const archive = openArchiveFile(path);
    await archive.append(async () => state('a'));
    const holder = openSync(path, 'r');
    assert.equal(flock(holder, 'exclusive', true), true);
    const signal = AbortSignal.abort();
    await assert.rejects(
      archive.append(async () => state('b'), { signal }),
      (error) => error instanceof VtError && error.code === 'ECANCELLED',
    );
    const waiting = archive.append(async () => state('c'));
    closeSync(holder);
    assert.equal((await waiting)?.number, 2);
  });

  it('an entry goes to the file that has the name when the lock is got', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const archive = openArchiveFile(path);
    await archive.append(async () => state('a'));
    const holder = openSync(path, 'r');
    flock(holder, 'exclusive', true);
    const waiting = archive.append(async () => state('b'));
    writeFileSync(`${path}.new`, readFileSync(path));
    renameSync(`${path}.new`, path);
    closeSync(holder);
    assert.equal((await waiting)?.number, 2);
    assert.equal((await read(archive)).entries.length, 2);
  });

  it('several processes append at once, and no entry is lost or torn', async (t) => {
    const path = makeScratch(t).path('a.vt');
    const program = fileURLToPath(new URL('../../support/stores/archive-appender.js', import.meta.url));
    await Promise.all(
      ['a', 'b', 'c'].map(
        (name) =>
          new Promise<void>((resolve, reject) => {
            fork(program, [path, name, '40']).once('exit', (status) => (status === 0 ? resolve() : reject(new Error(`exit ${status}`))));
          }),
      ),
    );
    const { entries, damage } = await read(openArchiveFile(path));
    assert.deepEqual(damage, []);
    assert.equal(entries.length, 120);
    assert.equal(new Set(entries.map(({ dirent }) => dirent.name)).size, 120);
  });

  const PYTHON = [
    { file: 'pack/tree.vt', name: 'tree', whenNs: 1_795_357_092_132_401_500n },
    { file: 'pack/text200k.txt.vt', name: 'text200k.txt', whenNs: 1_795_357_092_973_276_600n },
    { file: 'mount/rw.vt', name: 'mnt2', whenNs: 1_795_357_094_457_508_600n },
    { file: 'stream/arch.vt', name: 'f.txt', whenNs: 1_577_934_255_000_000_000n },
  ];
  for (const { file, name, whenNs } of PYTHON) {
    it(`the Python vt's ${file} is read, and appended to`, async (t) => {
      const path = makeScratch(t).path('copy.vt');
      writeFileSync(path, readFileSync(join(PROJECT_ROOT, 'test/golden/python-vt', file)));
      const archive = openArchiveFile(path);
      const last = await archive.last();
      assert.equal(last?.dirent.name, name);
      assert.equal(last?.whenNs, whenNs);
      const before = await read(archive);
      assert.deepEqual(before.damage, []);
      await archive.append(async () => state('ours'));
      assert.deepEqual(
        (await read(archive)).entries.map(({ dirent }) => dirent.name),
        [...before.entries.map(({ dirent }) => dirent.name), 'ours'],
      );
    });
  }
});

it('entries come newest first as well, of the same numbers, whatever stands between them', async (t) => {
  const path = makeScratch(t).path('many.vt');
  const hash = (i: number): Dirent => ({
    kind: 'dir',
    name: '' as Octets,
    meta: {},
    block: { kind: 'hash', span: 10 + i, hashcode: { hashName: 'sha3-256', digest: Buffer.alloc(32, i) } },
  });
  const lines = Array.from({ length: 3000 }, (_, i) => {
    // Usual lines, others, a comment, nothing, and what is damaged: its check does not hold, or it says nothing that is known.
    const notes =
      i % 2 === 0
        ? new Map([
            ['command', `put "${i}" \\ \xff` as Octets],
            ['user', 'me' as Octets],
          ])
        : undefined;
    const usual = formatArchiveLine({
      whenNs: WHEN_NS + BigInt(i),
      dirent: i % 3 === 0 ? dir(`${i}`) : hash(i % 250),
      ...notesField(notes),
    });
    if (i % 100 === 7) return '# a comment';
    if (i % 100 === 8) return '';
    if (i % 100 === 9) return usual.replace('1795364221', '1795364222');
    return i % 100 === 10 ? 'x'.repeat(70_000) : usual;
  });
  for (const end of ['', '\n', '\n\n']) {
    writeFileSync(path, `${lines.join('\n')}${end}`);
    const archive = openArchiveFile(path);
    const { entries, damage } = await read(archive);
    const backward: ArchiveEntry[] = [];
    const backwardDamage: [number, string][] = [];
    for await (const entry of newestFirst(archive, { onDamage: (line, reason) => backwardDamage.push([line, reason]) }))
      backward.push(entry);
    assert.equal(entries.length, 2880);
    assert.deepEqual(backward.toReversed(), entries);
    assert.deepEqual(backwardDamage.toReversed(), damage);
    assert.equal((await archive.last())?.number, 2880);
  }
});
