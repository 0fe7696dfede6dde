import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { openArchiveFile } from '../../core/archive/archive-file.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import type { Block } from '../../core/block/block.ts';
import { openDatadir } from '../../core/datadir/datadir.ts';
import { storeDir } from '../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../core/dirent/dirent.ts';
import { dir, file, literal } from '../support/bombs/bomb.ts';
import { serve } from '../support/links/served-program.ts';
import { mounted, noMountsHere } from '../support/mounts/mounted.ts';
import type { Run } from '../support/program.ts';
import { vtftp } from '../support/program.ts';
import type { Scratch } from '../support/scratch.ts';
import { makeScratch } from '../support/scratch.ts';
import { openShellHere } from '../support/shells/shell-here.ts';
import { MapSource } from '../support/stores/map-source.ts';

// Somebody who may add to an archive records a root that nobody can read.

/** A Block that no Store has. */
const NOWHERE: Block = { kind: 'hash', span: 100, hashcode: { hashName: 'sha3-256', digest: Buffer.alloc(32, 0xad) } };

const EMPTY_TOP: DirDirent = { kind: 'dir', name: octetsFromText(''), meta: {}, block: NOWHERE };

/** A Dir of which something below cannot be read. */
async function rootOver(store: string, entries: readonly Dirent[]): Promise<DirDirent> {
  await using opened = await openDatadir(store, {});
  const made = new MapSource(opened.hashName);
  const block = storeDir(made, entries);
  for (const [digest, data] of made.blocks) await opened.addBatch([{ digest: Buffer.from(digest, 'hex'), data }]);
  return { ...EMPTY_TOP, block };
}

async function record(store: string, root: DirDirent): Promise<void> {
  const whenNs = BigInt(Date.now()) * 1_000_000n;
  await openArchiveFile(join(store, 'archives/default.vt')).append(async () => await Promise.resolve({ whenNs, dirent: root }));
}

function linesOf(store: string): string[] {
  return readFileSync(join(store, 'archives/default.vt'), 'latin1').trim().split('\n');
}

async function storeOfTwoStates(
  t: TestContext,
): Promise<{ readonly scratch: Scratch; readonly store: string; run(line: string): Promise<Run> }> {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  const run = async (line: string): Promise<Run> => await vtftp(['-S', store, '-c', line], { env: scratch.env });
  for (const line of ['mkdir one x; quit', 'mkdir two; quit']) {
    const made = await run(line);
    assert.equal(made.status, 0, made.report);
  }
  return { scratch, store, run };
}

it('gc says what to do about a newest root that cannot be read, and that works: no state that can be read is lost', async (t) => {
  const { store, run } = await storeOfTwoStates(t);
  await record(store, EMPTY_TOP);
  const refused = await run('gc');
  assert.equal(refused.status, 13, refused.report);
  const [, drop = ''] = /nothing was removed; repair the Store first, or remove the root: (gc --drop [^\s)]+)/.exec(refused.stderr) ?? [];
  const newest = await run(drop);
  assert.equal(newest.status, 1, newest.report);
  const [, first = ''] = /it is the newest \(record another first: (.*)\)/.exec(newest.stderr) ?? [];
  const done = await run(`${first}; ${drop}; gc; fsck; ls`);
  assert.equal(done.status, 0, done.report);
  assert.match(done.stdout, /clean; .*\none\ntwo\nx\n/);
  assert.match((await run('undo; ls')).stdout, /\none\ntwo\nx\n/);
});

it('a newest root whose top is missing bars nobody: it is told, stays in the archive, and work goes on from the state before', async (t) => {
  const { store, run } = await storeOfTwoStates(t);
  await record(store, EMPTY_TOP);
  const before = linesOf(store);
  const runs: readonly (readonly [line: string, status: number, stdout: RegExp])[] = [
    ['ls', 0, /^one\ntwo\nx\n$/],
    ['pwd', 0, /^\/\n$/],
    ['log', 0, /^@3 .*\n@2 .*\n@1 /],
    ['undo @3', 13, /^$/],
    ['gc', 13, /^$/],
    ['fsck', 13, /./],
    ['mkdir three; quit', 0, /^D\{/],
    ['ls', 0, /^one\nthree\ntwo\nx\n$/],
    ['undo; ls', 0, /^undone: .*\(@2\)\none\ntwo\nx\n/],
    ['undo; ls', 0, /^undone: .*\(@1\)\none\nx\n/],
    ['redo; redo; ls', 0, /^redone: .*\(@2\)\nredone: .*\(@4\)\none\nthree\ntwo\nx\n/],
  ];
  let isTold = true;
  for (const [line, status, stdout] of runs) {
    const done = await run(line);
    assert.equal(done.status, status, `${line}: ${done.report}`);
    assert.match(done.stdout, stdout, `${line}: ${done.report}`);
    assert.equal(/state @3 cannot be read: .*; it is passed over/.test(done.stderr), isTold, `${line}: ${done.report}`);
    assert.deepEqual(linesOf(store).slice(0, before.length), before, line);
    // What comes after it is the newest from then on.
    if (line.startsWith('mkdir')) isTold = false;
  }
  const dropped = await run('gc --drop default@3; fsck; ls');
  assert.equal(dropped.status, 0, dropped.report);
  assert.match(dropped.stdout, /\none\nthree\ntwo\nx\n$/);
});

it('undo goes back from a root that was passed over by nobody', async (t) => {
  const { store, run } = await storeOfTwoStates(t);
  await record(store, EMPTY_TOP);
  const undone = await run('undo; ls');
  assert.equal(undone.status, 0, undone.report);
  assert.match(undone.stdout, /^undone: .*\(@1\)\none\nx\n/);
});

it('a newest root that lacks Blocks below is the newest: what can be read of it is', async (t) => {
  const { store, run } = await storeOfTwoStates(t);
  await record(store, await rootOver(store, [file('good', literal('good\n')), dir('x', NOWHERE)]));
  for (const [line, status, stdout] of [
    ['ls', 0, /^good\nx\n$/],
    ['cat good', 0, /^good\n$/],
    ['ls x', 13, /^$/],
    ['mkdir more; quit', 0, /^D\{/],
    ['ls', 0, /^good\nmore\nx\n$/],
    ['rm -r x; quit', 0, /^D\{/],
    ['undo; undo; undo; ls', 0, /one\ntwo\nx\n/],
  ] as const) {
    const done = await run(line);
    assert.equal(done.status, status, `${line}: ${done.report}`);
    assert.match(done.stdout, stdout, `${line}: ${done.report}`);
  }
});

it('a session records what it has, beside a root that cannot be merged with it', async (t) => {
  const { scratch, store, run } = await storeOfTwoStates(t);
  {
    await using shell = await openShellHere({ home: scratch.folder, store });
    const made = await shell.run(octetsFromText('mkdir x/ours'));
    assert.equal(made.status, 0, made.stderr);
    await record(store, await rootOver(store, [dir('theirs', literal('')), dir('x', NOWHERE)]));
    const synced = await shell.run(octetsFromText('sync; ls / x'));
    assert.equal(synced.status, 0, synced.stderr);
    assert.match(synced.stderr, /state @3 cannot be read: .*recorded after an earlier state, without it/);
  }
  assert.equal(linesOf(store).length, 4);
  const after = await run('ls; ls x; undo; ls');
  assert.match(after.stdout, /^one\ntwo\nx\nours\nundone: .*\(@2\)\none\ntwo\nx\n/, after.report);
});

it('a mount begins and goes on beside a root that cannot be read', { skip: noMountsHere() }, async (t) => {
  const { scratch, store, run } = await storeOfTwoStates(t);
  await record(store, EMPTY_TOP);
  const mount = await mounted(t, scratch);
  const made = await mount.sh('ls && mkdir written');
  assert.equal(made.stdout, 'one\ntwo\nx\n', made.report);
  const gone = await mount.unmount();
  assert.equal(gone.status, 0, gone.report);
  assert.match((await run('ls')).stdout, /^one\ntwo\nwritten\nx\n$/);
});

it('serve --append-only takes no root that it does not hold whole', async (t) => {
  const { scratch, store } = await storeOfTwoStates(t);
  const served = await serve(scratch, store, `serve --append-only ${scratch.path('s.sock')}`);
  const before = linesOf(store);
  const text = `D{block:B{hash:H{sha3-256:${'ad'.repeat(32)}},span:100}}`;
  for (const [line, says] of [
    [`bind -u d ${text}; quit`, /the Store does not hold the root: "\/d": get Block .*: not in Store/],
    [`bind -u f F{block:B{hash:H{sha3-256:${'ad'.repeat(32)}},span:100}}; quit`, /the Store does not hold the root: "\/f": get Block/],
  ] as const) {
    const refused = await vtftp(['-S', served.address, '-c', line], { env: scratch.env });
    assert.equal(refused.status, 12, refused.report);
    assert.match(refused.stderr, says);
  }
  assert.deepEqual(linesOf(store), before);
  const taken = await vtftp(['-S', served.address, '-c', `put ${process.execPath} node; mkdir three; quit`], { env: scratch.env });
  assert.equal(taken.status, 0, taken.report);
  await served.stop();
  const checked = await vtftp(['-S', store, '-c', 'fsck; ls'], { env: scratch.env });
  assert.match(checked.stdout, /^node\none\nthree\ntwo\nx\n/m, checked.report);
});
