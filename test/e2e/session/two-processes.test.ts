import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { recited, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

test('two programs write to one Store at once; both roots open whole, and the latest root has the work of both', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = scratch.path('store');
  const names = ['one', 'two'] as const;
  for (const [i, name] of names.entries()) makeTree(scratch.path(name), { files: 800, seed: 41 + i, extras: false });

  const sessions = await Promise.all(names.map((name) => vtftp(['-S', store, '-c', `put ${scratch.path(name)} ${name}; quit`], { env })));
  for (const session of sessions) assert.equal(session.status, 0, session.report);
  for (const [i, session] of sessions.entries()) {
    const name = names[i] ?? '';
    const target = scratch.path(`${name}-again`);
    const get = await vtftp(['-S', store, recited(session), '-c', `get ${name} ${target}`], { env });
    assert.equal(get.status, 0, get.report);
    assert.equal(await rsyncDifferences(scratch.path(name), target), '');
  }
  const latest = await vtftp(['-S', store, '-c', 'ls -1'], { env });
  assert.equal(latest.stdout, 'one\ntwo\n', latest.report);
});

test('sixteen sessions at once append sixteen whole lines to one archive', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = scratch.path('store');
  const first = await vtftp(['-S', store, '-c', 'mkdir start; quit'], { env });
  assert.equal(first.status, 0, first.report);
  const names = Array.from({ length: 16 }, (_, i) => `dir-${String(i).padStart(2, '0')}`);
  const sessions = await Promise.all(names.map((name) => vtftp(['-S', store, '-c', `mkdir ${name}; quit`], { env })));
  for (const session of sessions) assert.equal(session.status, 0, session.report);
  const latest = await vtftp(['-S', store, '-c', 'ls -1'], { env });
  assert.equal(latest.stdout, `${names.join('\n')}\nstart\n`, latest.report);
  const lines = readFileSync(`${store}/archives/default.vt`, 'utf8').trimEnd().split('\n');
  assert.ok(lines.length >= 17 && lines.every((line) => /^\d{4}-.* D\{.*\} !crc32:[0-9a-f]{8}$/.test(line)), lines.join('\n'));
});

test('one program reads while another writes', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = scratch.path('store');
  const source = scratch.path('one');
  makeTree(source, { files: 400, seed: 51, extras: false });
  makeTree(scratch.path('two'), { files: 1500, seed: 52, extras: false });
  const put = await vtftp(['-S', store, '-c', `put ${source} one; quit`], { env });
  assert.equal(put.status, 0, put.report);
  const [writer, reader] = await Promise.all([
    vtftp(['-S', store, '-c', `put ${scratch.path('two')} two; quit`], { env }),
    vtftp(['-S', store, recited(put), '-c', `get one ${scratch.path('again')}`], { env }),
  ]);
  assert.equal(writer.status, 0, writer.report);
  assert.equal(reader.status, 0, reader.report);
  assert.equal(await rsyncDifferences(source, scratch.path('again')), '');
});
