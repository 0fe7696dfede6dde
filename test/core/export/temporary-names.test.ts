import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { exportDirent } from '../../../core/export/export.ts';
import { isAbandoned, temporaryPrefix } from '../../../core/export/temporary-names.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeScratch } from '../../support/scratch.ts';
import { storeTree } from '../../support/trees/store-tree.ts';

/** A temporary name of this process, with some of its parts replaced. */
function nameWith(parts: { machine?: string; boot?: string; pid?: number; start?: string } = {}): Octets {
  const [, machine, boot, pid, start, random] = /^\.vtftp-(\w+)-(\w+)-(\w+)-(\w+)-(\w+)-$/.exec(temporaryPrefix()) ?? [];
  const number = parts.pid?.toString(36) ?? pid;
  return `.vtftp-${parts.machine ?? machine}-${parts.boot ?? boot}-${number}-${parts.start ?? start}-${random}-0` as Octets;
}

const DEAD = spawnSync('true').pid;

test('temporary names of dead processes are told from those of living ones, of other machines, and of others', () => {
  for (const [name, expected] of [
    [nameWith(), false],
    [nameWith({ pid: DEAD }), true],
    // Another process got the number since.
    [nameWith({ start: '1' }), true],
    [nameWith({ boot: '01234567' }), true],
    [nameWith({ machine: '01234567', pid: DEAD }), false],
    [nameWith({ machine: '01234567', boot: '01234567' }), false],
    [`${nameWith({ pid: DEAD })}.txt`, false],
    [`x${nameWith({ pid: DEAD })}`, false],
    ['.vtftp-0123456789ab0', false],
    ['.vtftp-notes', false],
    ['', false],
  ] as const) {
    assert.equal(isAbandoned(name as Octets), expected, name);
  }
});

test('GET removes what a killed one left in the directories that it enters, and nothing else', async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('source/sub'), { recursive: true });
  writeFileSync(scratch.path('source/sub/file'), 'content');
  const store = new MemoryStore();
  const dirent = await storeTree(store, scratch.path('source'));
  const stay = [nameWith(), nameWith({ machine: '01234567', pid: DEAD }), '.vtftp-notes'].sort();
  for (const folder of ['target', 'target/sub', 'target/other']) {
    mkdirSync(scratch.path(folder));
    for (const name of [...stay, nameWith({ pid: DEAD }), nameWith({ boot: '01234567' })])
      writeFileSync(scratch.path(`${folder}/${name}`), '');
  }
  // No file: left where it is.
  const folder = nameWith({ pid: DEAD, start: '7' });
  mkdirSync(scratch.path(`target/${folder}`));
  const counts = await exportDirent(store, dirent, scratch.path('target') as Octets);
  assert.equal(counts.failures, 0);
  assert.deepEqual(readdirSync(scratch.path('target/sub')).sort(), [...stay, 'file'].sort());
  assert.deepEqual(readdirSync(scratch.path('target')).sort(), [...stay, folder, 'other', 'sub'].sort());
  assert.equal(readdirSync(scratch.path('target/other')).length, stay.length + 2, 'the tree has no such directory');
});
