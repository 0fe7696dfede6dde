import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { ODD_NAMES, octets } from '../../support/trees/make-tree.ts';

async function putOddNames(scratch: Scratch): Promise<string> {
  const source = scratch.mkdir('source');
  for (const name of ODD_NAMES) writeFileSync(octets(`${source}/${name}`), `content of ${name}`);
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${source} odd; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  return recited(put);
}

test('names with ESC, newline, 0xff, a leading dash and worse go in and come out', async (t) => {
  const scratch = makeScratch(t);
  const root = await putOddNames(scratch);
  const get = await vtftp(['-S', scratch.path('store'), root, '-c', `get odd ${scratch.path('target')}`], { env: scratch.env });
  assert.equal(get.status, 0, get.report);
  assert.equal(await rsyncDifferences(scratch.path('source'), scratch.path('target')), '');
});

test('a listing to a pipe has names raw, one to a terminal has their control characters escaped', async (t) => {
  const scratch = makeScratch(t);
  const root = await putOddNames(scratch);
  const store = scratch.path('store');
  const piped = await vtftp(['-S', store, root, '-c', 'ls -1 -a odd'], { env: scratch.env });
  assert.equal(piped.status, 0, piped.report);
  for (const name of ODD_NAMES)
    assert.ok(piped.stdoutBytes.includes(octets(`${name}\n`)), `no raw ${JSON.stringify(name)} in\n${piped.report}`);

  // `script` gives the program a terminal for stdout.
  const command = `${process.execPath} ${PROGRAM} --color=never -S ${store} '${root}' -c 'ls -1 -a odd'`;
  const terminal = await run('script', ['-qec', command, '/dev/null'], { env: { ...scratch.env, TERM: 'xterm' }, input: '' });
  assert.equal(terminal.status, 0, terminal.report);
  const shown = terminal.stdoutBytes.toString('latin1');
  assert.ok(!shown.includes('\x1b[31m'), 'an ESC in a name reaches the terminal');
  assert.ok(!shown.includes('new\nline') && !shown.includes('new\r\nline'), 'a newline in a name reaches the terminal');
  assert.ok(shown.includes('--help'), terminal.report);
});

test('--json gives a name that is not UTF-8 in base64 besides', async (t) => {
  const scratch = makeScratch(t);
  const root = await putOddNames(scratch);
  const listed = await vtftp(['-S', scratch.path('store'), root, '--json', '-c', 'ls odd'], { env: scratch.env });
  assert.equal(listed.status, 0, listed.report);
  const records = listed.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { name?: string; name_b64?: string });
  const wanted = octets('\xff\xfe not utf-8').toString('base64');
  assert.ok(
    records.some((record) => record.name_b64 === wanted),
    listed.report,
  );
  assert.ok(
    records.some((record) => record.name === 'new\nline' && record.name_b64 === undefined),
    listed.report,
  );
});

test('a Dir of 100,000 entries goes in, lists, takes one more name for a few Blocks, and comes out', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.mkdir('source');
  for (let i = 0; i < 100_000; i++) writeFileSync(`${source}/entry-${i}`, i % 100 === 0 ? `${i}\n` : '');
  const store = scratch.path('store');

  const put = await vtftp(['-S', store, '-c', `put ${source} big; quit`], { env });
  assert.equal(put.status, 0, put.report);
  const listed = await vtftp(['-S', store, recited(put), '-c', 'ls -1 big'], { env });
  assert.equal(listed.status, 0, listed.stderr);
  assert.equal(listed.stdout.split('\n').filter((line) => line.startsWith('entry-')).length, 100_000);

  const sizeBefore = await storedSize(store);
  const one = await vtftp(['-S', store, '-c', 'touch big/one-more; quit'], { env });
  assert.equal(one.status, 0, one.report);
  const grown = (await storedSize(store)) - sizeBefore;
  assert.ok(grown < 100_000, `one more name in 100,000 took ${grown} octets in the Store`);

  const get = await vtftp(['-S', store, recited(put), '-c', `get big ${scratch.path('target')}`], { env });
  assert.equal(get.status, 0, get.report);
  assert.equal(await rsyncDifferences(source, scratch.path('target')), '');
});

/** Octets of the .vtd files of a Store. */
async function storedSize(store: string): Promise<number> {
  const listed = await run('du', ['-cb', ...readdirSync(`${store}/data`).map((name) => `${store}/data/${name}`)]);
  return Number.parseInt(listed.stdout.trimEnd().split('\n').at(-1) ?? '', 10);
}

test('a path 200 levels deep goes in, is walked and comes out', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.path('source');
  const path = Array.from({ length: 200 }, (_, i) => `level-${i}`).join('/');
  mkdirSync(`${source}/${path}`, { recursive: true });
  writeFileSync(`${source}/${path}/bottom`, 'deep\n');
  const store = scratch.path('store');

  const put = await vtftp(['-S', store, '-c', `put ${source} deep; quit`], { env });
  assert.equal(put.status, 0, put.report);
  const read = await vtftp(['-S', store, recited(put), '-c', `cat deep/${path}/bottom; cd deep/${path}; pwd; cd ../..; ls`], { env });
  assert.equal(read.status, 0, read.report);
  assert.equal(read.stdout, `deep\n/deep/${path}\nlevel-198\n`);
  const get = await vtftp(['-S', store, recited(put), '-c', `get deep ${scratch.path('target')}`], { env });
  assert.equal(get.status, 0, get.report);
  assert.equal(await rsyncDifferences(source, scratch.path('target')), '');
});

test('paths longer than the system takes are walked, copied, moved, removed, and come out', async (t) => {
  const scratch = makeScratch(t);
  const { env, folder } = scratch;
  // Node's own removal gives up at such paths.
  scratch.beforeRemoval(() => void spawnSync('rm', ['-rf', scratch.path('out')]));
  const name = 'n'.repeat(200);
  const path = Array.from({ length: 30 }, () => name).join('/');
  const commands = [
    `mkdir t; cd t; ${`mkdir ${name}; cd ${name}; `.repeat(30)}touch bottom; cd /`,
    'find t -name bottom',
    `stat t/${path}/bottom`,
    'cp -r t copy; rm -r t; mv copy moved; du -s moved; get moved out; rm -r moved; ls; quit',
  ];
  const ran = await vtftp(['-S', 'memory:', ...commands.flatMap((line) => ['-c', line])], { env, cwd: folder });
  assert.equal(ran.status, 0, ran.report);
  assert.equal(ran.stdout.split('\n')[0], `/t/${path}/bottom`, ran.report);
  const again = await vtftp(['-S', 'memory:', '-c', `put out; cat out/${path}/bottom; find out -name bottom; quit`], { env, cwd: folder });
  assert.equal(again.status, 0, again.report);
  assert.ok(again.stdout.includes(`\n/out/${path}/bottom\n`), again.report);
});
