import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Runs a line in a Store; it has to go well. @returns what it printed */
async function run({ env }: Scratch, store: string, line: string): Promise<string> {
  const session = await vtftp(['-S', store, '-c', line], { env });
  assert.equal(session.status, 0, session.report);
  return session.stdout;
}

function archiveOf(store: string): string {
  return readFileSync(join(store, 'archives/default.vt'), 'latin1');
}

test('a file cache before a served Store, and a proxy over one, have its archives', async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  await run(scratch, store, 'mkdir before; quit');
  const { address } = await serve(scratch, store, `serve unix:${scratch.path('socket')}`);
  for (const [name, over] of [
    ['cached', `filecache:${scratch.path('cache')},backend=${address}`],
    ['saved', `proxy:save=${address}`],
    ['counted', `progress:(proxy:save=${address})`],
  ] as const) {
    const dirref = await run(scratch, over, `mkdir ${name}; quit`);
    assert.ok(archiveOf(store).includes(dirref.trim()), name);
    assert.match(await run(scratch, over, 'ls; log'), /before\n(.*\n)*@2 /);
  }
  assert.equal(await run(scratch, address, 'ls'), 'before\ncached\ncounted\nsaved\n');
});

test('a file cache before a Store that is read-only shows its tree, keeps what it reads, and is read-only itself', async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  writeFileSync(scratch.path('letter'), 'a letter\n'.repeat(10_000));
  await run(scratch, store, `put ${scratch.path('letter')} letter; quit`);
  const { address, stop } = await serve(scratch, store, `serve --read-only unix:${scratch.path('socket')}`);
  const cached = `filecache:${scratch.path('cache')},backend=${address}`;
  for (const over of [cached, `proxy:read=${address}`, `proxy:read2=${address}`]) {
    assert.match(await run(scratch, over, 'ls; log'), /^letter\n@1 /, over);
  }
  await run(scratch, cached, `get letter ${scratch.path('got')}`);
  assert.deepEqual(readFileSync(scratch.path('got')), readFileSync(scratch.path('letter')));
  const refused = await vtftp(['-S', cached, '-c', `put ${scratch.path('letter')} other`], { env: scratch.env });
  assert.equal(refused.status, 11, refused.report);
  await stop();
  const bytes = readdirSync(scratch.path('cache')).reduce((sum, name) => sum + statSync(scratch.path(`cache/${name}`)).size, 0);
  assert.ok(bytes > 0, 'what was read is kept');
});

test('a new Store over an old one shows the tree of the old one, and undo goes back to it', async (t) => {
  const scratch = makeScratch(t);
  const [old, fresh] = [scratch.path('old'), scratch.path('new')];
  await run(scratch, old, 'mkdir one; quit');
  await run(scratch, old, 'mkdir two; quit');
  const before = archiveOf(old);
  const over = `proxy:save=${fresh},read=${old}`;
  assert.equal(await run(scratch, over, 'ls'), 'one\ntwo\n');
  await run(scratch, over, 'mkdir three; quit');
  assert.equal(await run(scratch, over, 'ls'), 'one\nthree\ntwo\n');
  assert.deepEqual((await run(scratch, over, 'log')).match(/^@\d+/gm), ['@3', '@2', '@1']);
  assert.match(await run(scratch, over, 'undo; ls; quit'), /\none\ntwo\n/);
  assert.equal(await run(scratch, over, 'ls'), 'one\ntwo\n');
  assert.equal(archiveOf(old), before);
});

test('each Store of a mirror has every root; one that was away catches up, and gc leaves it whole', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const [m1, m2, spool] = [scratch.path('m1'), scratch.path('m2'), scratch.path('spool')];
  const mirror = `proxy:save=${m1}|${m2},save2=${spool}`;
  const source = scratch.mkdir('source');
  writeFileSync(join(source, 'file'), 'content '.repeat(5000));
  await run(scratch, mirror, `put ${source} first; quit`);
  assert.equal(archiveOf(m1), archiveOf(m2));

  // A file in the place of the folder: it cannot be opened.
  renameSync(m2, `${m2}.away`);
  writeFileSync(m2, '');
  writeFileSync(join(source, 'file'), 'changed '.repeat(5000));
  const without = await vtftp(['-S', mirror, '-c', `put ${source} second; quit`], { env });
  assert.equal(without.status, 0, without.report);
  rmSync(m2);
  renameSync(`${m2}.away`, m2);
  assert.notEqual(archiveOf(m1), archiveOf(m2));
  await run(scratch, mirror, 'flush');
  assert.equal(archiveOf(m1), archiveOf(m2));

  // With the first gone, the second is all there is.
  rmSync(m1, { recursive: true });
  assert.match(await run(scratch, m2, 'gc --grace=0; cat first/file'), /content/);
  assert.match(await run(scratch, m2, 'cat second/file'), /changed/);
  assert.deepEqual((await run(scratch, m2, 'log')).match(/^@\d+/gm), ['@2', '@1']);
  assert.match(await run(scratch, mirror, 'cat second/file'), /changed/);
});

test('a mirror that is made of one Store and a new one puts all into both, whatever the first remembers of the files', async (t) => {
  const scratch = makeScratch(t);
  const [m1, m2] = [scratch.path('m1'), scratch.path('m2')];
  const source = scratch.mkdir('source');
  writeFileSync(join(source, 'file'), 'content '.repeat(5000));
  await run(scratch, m1, `put ${source} tree; quit`);
  await run(scratch, `proxy:save=${m1}|${m2}`, `put ${source} copy; quit`);
  assert.equal(archiveOf(m1), archiveOf(m2));
  assert.match(await run(scratch, m2, 'cat copy/file'), /content/);
});

test('two who wrote to the Stores of a mirror by themselves are told of it, and nothing of either goes', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const [m1, m2] = [scratch.path('m1'), scratch.path('m2')];
  const mirror = `proxy:save=${m1}|${m2}`;
  await run(scratch, mirror, 'mkdir both; quit');
  cpSync(m2, scratch.path('copy'), { recursive: true });
  await run(scratch, m2, 'mkdir alone; quit');
  await run(scratch, m1, 'mkdir other; quit');
  const session = await vtftp(['-S', mirror, '-c', 'mkdir later; quit'], { env });
  assert.equal(session.status, 0, session.report);
  assert.match(session.stderr, /archive ".*m2.*" has a root of its own, @2, that Store ".*m1" lacks/);
  assert.match(await run(scratch, m2, 'ls; undo @2; ls'), /later[\s\S]*alone/);
});
