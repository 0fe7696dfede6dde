import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readdirSync, renameSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { cName } from '../../../core/base/system/at-calls.ts';
import { atCalls } from '../../../core/base/system/choose-at-calls.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { exportDirent } from '../../../core/export/export.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { file, literal } from '../../support/bombs/bomb.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';
import { MapSource } from '../../support/stores/map-source.ts';

const NAME = 'm';

/** A Dir of so many levels, with a file before and after each, and a time of its own. */
async function deepDir(store: MemoryStore, levels: number): Promise<DirDirent> {
  const blocks = new MapSource('sha3-256');
  let dirent: DirDirent | undefined;
  for (let level = levels; level >= 0; level--) {
    const entries: Dirent[] = [file(`a${level}`, literal('a')), ...(dirent === undefined ? [] : [dirent]), file(`z${level}`, literal('z'))];
    dirent = {
      kind: 'dir',
      name: NAME as Octets,
      meta: { mode: 0o755, mtimeNs: BigInt(level) * 1_000_000_000n },
      block: storeDir(blocks, entries),
    };
  }
  for (const [digest, data] of blocks.blocks) await store.addBatch([{ digest: Buffer.from(digest, 'hex'), data }]);
  assert.ok(dirent);
  return dirent;
}

function makeTarget(t: TestContext): Scratch {
  const scratch = makeScratch(t);
  // Node's own way of removing goes by path.
  scratch.beforeRemoval(() => spawnSync('rm', ['-rf', scratch.path('target'), scratch.path('away')]));
  return scratch;
}

/** Goes down an exported tree. */
function eachLevel(top: string, check: (level: number, dir: number) => void): void {
  const calls = atCalls();
  let dir: number | undefined = openSync(top, 'r');
  for (let level = 0; dir !== undefined; level++) {
    check(level, dir);
    const at: number = dir;
    dir = calls.stat(at, cName(NAME as Octets)) === undefined ? undefined : calls.open(at, cName(NAME as Octets), 'dir');
    closeSync(at);
  }
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('a tree deeper than there are descriptors comes out whole, with the times of each directory', async (t) => {
  await using store = new MemoryStore();
  const LEVELS = 600;
  const dirent = await deepDir(store, LEVELS);
  const scratch = makeTarget(t);
  let most = 0;
  const before = openDescriptors();
  const counts = await exportDirent(store, dirent, octetsFromText(scratch.path('target')), {
    onFailure: ({ path, error }) => assert.fail(`${path.slice(-20)}: ${error.message}`),
    onProgress: () => {
      most = Math.max(most, openDescriptors() - before);
    },
  });
  assert.deepEqual([counts.dirs, counts.files], [LEVELS + 1, 2 * (LEVELS + 1)]);
  assert.ok(most < 450, `${most} descriptors`);
  assert.equal(openDescriptors(), before);
  let seen = 0;
  eachLevel(scratch.path('target'), (level, dir) => {
    seen++;
    assert.equal(fstatSync(dir).mtimeMs, level * 1000, `level ${level}`);
    assert.deepEqual(
      readdirSync(`/proc/self/fd/${dir}`).filter((name) => name !== NAME),
      [`a${level}`, `z${level}`],
    );
  });
  assert.equal(seen, LEVELS + 1);
});

test('a directory that is moved away while the export is deep in it is named, and nothing goes to where it was', async (t) => {
  await using store = new MemoryStore();
  const LEVELS = 400;
  const dirent = await deepDir(store, LEVELS);
  const scratch = makeTarget(t);
  scratch.mkdir('away');
  const failures: string[] = [];
  let isMoved = false;
  await exportDirent(store, dirent, octetsFromText(scratch.path('target')), {
    workers: 0,
    onFailure: ({ error }) => failures.push(error.message),
    onProgress: ({ dirs }) => {
      if (isMoved || dirs < LEVELS) return;
      isMoved = true;
      renameSync(scratch.path(`target/${NAME}/${NAME}`), scratch.path('away/moved'));
    },
  });
  assert.ok(isMoved);
  assert.ok(failures.length > 0 && failures.every((message) => message.includes('moved while it was written')), failures.join('\n'));
  assert.deepEqual(readdirSync(scratch.path('away')), ['moved']);
  eachLevel(scratch.path('away/moved'), (level, dir) => {
    if (level < LEVELS - 2) assert.ok(readdirSync(`/proc/self/fd/${dir}`).includes(`z${level + 2}`), `level ${level}`);
  });
});
