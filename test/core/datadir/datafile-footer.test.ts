import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { hashByName } from '../../../core/block/hash.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { footerPlaces } from '../../../core/datadir/datafiles/datafile-footer.ts';
import { freeInPlace } from '../../../core/maintain/gc-in-place.ts';
import { DATAFILE_HEADER_SIZE } from '../../../core/store/records/datafile.ts';
import { footerSize } from '../../../core/store/records/datafile-index.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath, withDatadir } from './store-folder.ts';

// Full data files end in an index of their records: a lost index of the Store comes back from these.

const HASH = 'sha3-256';
const ROLL_OVER_SIZE = 20_000;
const BLOCKS: readonly Buffer[] = Array.from({ length: 120 }, (_, i) => makeRandom(i + 1).bytes(200 + i * 7));

async function fill(path: string): Promise<string[]> {
  // Sessions of some Blocks each: a file is taken up several times.
  for (let first = 0; first < BLOCKS.length; first += 25)
    await withDatadir(
      path,
      async (store) => {
        for (const data of BLOCKS.slice(first, first + 25)) await store.add(data);
        await store.add(BLOCKS[0] as Buffer);
      },
      { hashName: HASH, rollOverSize: ROLL_OVER_SIZE },
    );
  await withDatadir(path, async (store) => void (await store.add(Buffer.from('one more'))), { rollOverSize: ROLL_OVER_SIZE });
  return readdirSync(join(path, 'data')).map((name) => join(path, 'data', name));
}

function places(file: string): number | undefined {
  const fd = openSync(file, 'r');
  try {
    return footerPlaces(fd, hashByName(HASH))?.length;
  } finally {
    closeSync(fd);
  }
}

/** Opens the Store without its index. @returns how many Blocks are there as they were, and what was told */
async function rebuilt(path: string): Promise<{ readonly whole: number; readonly notices: readonly string[] }> {
  rmSync(join(path, 'index'), { recursive: true, force: true });
  const notices: string[] = [];
  let whole = 0;
  await withDatadir(
    path,
    async (store) => {
      for (const data of BLOCKS) {
        const found = await store.get(hashcodeOf(HASH, data)).catch(() => undefined);
        if (found === undefined) continue;
        assert.deepEqual(Buffer.from(found), data);
        whole++;
      }
    },
    { rollOverSize: ROLL_OVER_SIZE, onNotice: (notice) => notices.push(notice) },
  );
  return { whole, notices: notices.filter((notice) => notice.startsWith('data file')) };
}

it('a full data file ends in its index, which a lost index of the Store comes back from', async () => {
  const path = newStorePath();
  const files = await fill(path);
  const full = files.filter((file) => statSync(file).size >= ROLL_OVER_SIZE);
  assert.ok(full.length >= 2 && full.length < files.length, 'the last one is not full');
  const counts = full.map(places);
  assert.ok(counts.every((count) => count !== undefined && count > 10));
  assert.equal(files.filter((file) => places(file) !== undefined).length, full.length);
  assert.deepEqual(await rebuilt(path), { whole: BLOCKS.length, notices: [] });
});

it('where it was written to since, or the index or footer is damaged, a scan finds what is there', async () => {
  const path = newStorePath();
  const [file = ''] = (await fill(path)).filter((name) => statSync(name).size >= ROLL_OVER_SIZE);
  const before = readFileSync(file);
  const { mtime } = statSync(file);
  const write = (data: Buffer, at = mtime): void => {
    writeFileSync(file, data);
    utimesSync(file, at, at);
  };
  const damaged = Buffer.from(before);
  const within = DATAFILE_HEADER_SIZE + 100;
  damaged[within] = (damaged[within] as number) ^ 1;
  write(damaged);
  assert.deepEqual(await rebuilt(path), { whole: BLOCKS.length - 1, notices: [] }, 'no record was read');
  write(damaged, new Date(mtime.getTime() + 10_000));
  const scanned = await rebuilt(path);
  assert.equal(scanned.whole, BLOCKS.length - 1);
  assert.match(scanned.notices.join(), /damaged at bytes/);
  write(before);
  const trailerSize = footerSize(32) + 24 + 32 + (places(file) ?? 0) * (32 + 16);
  for (let back = 1; back <= trailerSize; back += 97) {
    const flipped = Buffer.from(before);
    flipped[flipped.length - back] = (flipped[flipped.length - back] as number) ^ 4;
    write(flipped);
    assert.equal((await rebuilt(path)).whole, BLOCKS.length, `${back} octets before the end`);
  }
  for (const cut of [1, footerSize(32), footerSize(32) + 1]) {
    write(before.subarray(0, before.length - cut));
    assert.equal((await rebuilt(path)).whole, BLOCKS.length, `${cut} octets cut off`);
  }
});

it('gc that frees octets in place voids it', async () => {
  const path = newStorePath();
  const [file = ''] = (await fill(path)).filter((name) => statSync(name).size >= ROLL_OVER_SIZE);
  const { mtime } = statSync(file);
  const end = DATAFILE_HEADER_SIZE + 24 + 32 + readFileSync(file).readUInt32LE(DATAFILE_HEADER_SIZE + 12);
  freeInPlace(file, [{ start: DATAFILE_HEADER_SIZE, end }], { digestSize: 32 });
  utimesSync(file, mtime, mtime);
  assert.equal(places(file), undefined);
  assert.deepEqual(await rebuilt(path), { whole: BLOCKS.length - 1, notices: [] });
});
