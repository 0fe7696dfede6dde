import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Lines of which hands of ftp, lftp and sftp expect something else, and which would replace what nobody named. */
const REFUSED: readonly (readonly [line: string, told: string])[] = [
  ['mput a.txt b.txt', 'mput: /b.txt: not a directory'],
  ['mput a.txt new', 'mput: /new: no such file or directory'],
  ['put a.txt *.log', 'put: *.log: a pattern cannot be the target (quote it to use it as a name)'],
  ['get a.txt *.log', 'get: *.log: a pattern cannot be the target (quote it to use it as a name)'],
  ['cp a.txt c*', 'cp: c*: a pattern cannot be the target (quote it to use it as a name)'],
  ['mv a.txt [c]', 'mv: [c]: a pattern cannot be the target (quote it to use it as a name)'],
  [
    'mget a.txt b.txt ../out',
    'mget: ../out: not in the tree, so nothing is written (mget takes stored names only: get NAME... DIR names a directory)',
  ],
  ['get a.txt -', 'get: - is no file (use cat NAME, or ./- for a file of that name)'],
];

test('a target that was hardly meant is refused before anything is written', async (t) => {
  const { env, path } = makeScratch(t);
  mkdirSync(path('here'));
  for (const name of ['a.txt', 'b.txt']) writeFileSync(path(`here/${name}`), `stored ${name}`);
  const options = { env, cwd: path('here') };
  const store = ['-q', '-S', path('store')];
  const made = await vtftp([...store, '-c', 'put a.txt; put b.txt'], options);
  assert.equal(made.status, 0, made.report);
  for (const name of ['a.txt', 'b.txt']) writeFileSync(path(`here/${name}`), `local ${name}`);
  for (const [line, told] of REFUSED) {
    const ran = await vtftp([...store, '-c', line], options);
    assert.notEqual(ran.status, 0, ran.report);
    assert.equal(ran.stderr.trimEnd(), told, line);
    assert.equal((await vtftp([...store, '-c', 'cat b.txt; ls -1'], options)).stdout, 'stored b.txta.txt\nb.txt\n', line);
    assert.deepEqual(readdirSync(path('here')).sort(), ['a.txt', 'b.txt'], line);
    for (const name of ['a.txt', 'b.txt']) assert.equal(readFileSync(path(`here/${name}`), 'utf8'), `local ${name}`, line);
  }
});

test('a pattern that matches one directory goes into a Dir, and replaces nothing in it', async (t) => {
  const { env, folder, path } = makeScratch(t);
  mkdirSync(path('docs'));
  writeFileSync(path('docs/a'), 'a');
  const store = ['-q', '-S', path('store')];
  const ran = await vtftp([...store, '-c', "mkdir -p e/kept; put d* e; put 'docs' f; mput docs e; set glob off; put docs g*; find"], {
    env,
    cwd: folder,
  });
  assert.equal(ran.status, 0, ran.report);
  assert.match(ran.stdout, /^\/\n\/e\n\/e\/docs\n\/e\/docs\/a\n\/e\/kept\n\/f\n\/f\/a\n\/g\*\n\/g\*\/a\n/, ran.report);
});
