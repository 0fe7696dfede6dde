import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { readDatadirFormat, writeDatadirFormat } from '../../../core/datadir/datadir-format.ts';
import { announceEnd, endTransition } from '../../../core/datadir/transition-end.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { fsck } from '../../../core/maintain/fsck.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { beginInPlace } from '../../../core/transition/in-place.ts';
import { transcribeArchive } from '../../../core/transition/transcribe-archive.ts';
import { Transcriber } from '../../../core/transition/transcriber.ts';
import { knownDirent } from '../../../core/tree/other-names.ts';
import { storeRandomTree } from '../../support/trees/random-tree.ts';
import { newStorePath } from '../datadir/store-folder.ts';

const SEED = 7;

/** A Store of SHA-1 with a state, in which a transition to SHA3-256 has made all that it makes, and has not begun to end. */
async function almostDone(): Promise<{ readonly path: string; readonly before: Dirent; readonly after: string }> {
  const path = newStorePath();
  const store = await openDatadir(path, { create: true, hashName: 'sha1' });
  const before = await storeRandomTree(store, SEED);
  await store.flush();
  const from = openArchiveFile(store.archivePath('default'));
  await from.append(async () => await Promise.resolve({ whenNs: 1n, dirent: before }));
  {
    await using work = await beginInPlace(store, 'sha3-256');
    await using transcriber = new Transcriber(store, work.made, work.map, { isInPlace: true });
    await transcribeArchive(store, from, openArchiveFile(work.made.archivePath('default')), transcriber);
    await work.makeIndex({});
  }
  await store[Symbol.asyncDispose]();
  const fresh = await storeRandomTree(new MemoryStore({ hashName: 'sha3-256' }), SEED);
  return { path, before, after: formatDirent(fresh) };
}

async function requireWhole(store: Store & Awaited<ReturnType<typeof openDatadir>>, state: string): Promise<void> {
  const last = await openArchiveFile(store.archivePath('default')).last();
  assert.equal(last === undefined ? undefined : formatDirent(last.dirent), state);
  const findings: unknown[] = [];
  await fsck(store, { onFinding: (finding) => findings.push(finding) });
  assert.deepEqual(findings, []);
}

/** Where the end may be cut off: what is done of it, and the hash function that the Store has then. */
const CUTS: readonly { readonly name: string; readonly hash: 'sha1' | 'sha3-256'; readonly done: (path: string) => void }[] = [
  { name: 'nothing', hash: 'sha1', done: () => undefined },
  { name: 'it is announced', hash: 'sha1', done: (path) => announceEnd(path, 'sha3-256') },
  ...(['', 'data', 'archives', 'index'] as const).map((last) => ({
    name: last === '' ? 'the Store has its new hash function' : `${last} is moved`,
    hash: 'sha3-256' as const,
    done: (path: string) => cutAfter(path, last),
  })),
];

/** Makes the folder what it is after a move of the end. */
function cutAfter(path: string, last: '' | 'data' | 'archives' | 'index'): void {
  const whole = `${path}-whole`;
  announceEnd(path, 'sha3-256');
  cpSync(path, whole, { recursive: true });
  endTransition(whole);
  // The format file between both writings.
  const format = readDatadirFormat(whole);
  assert.ok(format !== undefined);
  const made = join(path, 'transition');
  for (const part of last === '' ? [] : (['data', 'archives', 'index'] as const)) {
    if (part === 'index') rmSync(join(path, part), { recursive: true });
    if (part === 'index') renameSync(join(made, part), join(path, part));
    else for (const name of readdirSync(join(made, part))) renameSync(join(made, part, name), join(path, part, name));
    if (part === last) break;
  }
  writeDatadirFormat(path, { ...format, becoming: 'sha3-256' });
  rmSync(whole, { recursive: true });
}

for (const { name, hash, done } of CUTS) {
  it(`a transition in place whose end was cut off where ${name} is one of the two Stores, whole`, async () => {
    const { path, before, after } = await almostDone();
    done(path);
    const store = await openDatadir(path);
    try {
      assert.equal(store.hashName, hash);
      assert.equal(existsSync(join(path, 'transition')), hash === 'sha1');
      await requireWhole(store, hash === 'sha1' ? formatDirent(before) : after);
      const known = await knownDirent(store, before);
      assert.equal(known === undefined ? undefined : formatDirent(known), hash === 'sha1' ? undefined : after);
    } finally {
      await store[Symbol.asyncDispose]();
    }
  });
}
