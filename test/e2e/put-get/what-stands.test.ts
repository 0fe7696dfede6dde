import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Run } from '../../support/program.ts';
import { PROGRAM, run, vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../../support/shells/terminal.ts';

/** A scratch folder with `lines` run in it, each `-c` in a process of its own. */
function shellIn(
  t: TestContext,
): Scratch & { say(line: string, ...args: readonly string[]): Promise<Run>; file(name: string, text?: string): void } {
  const scratch = makeScratch(t);
  return {
    ...scratch,
    say: (line, ...args) => vtftp(['-S', scratch.path('store'), ...args, '-c', line], { env: scratch.env, cwd: scratch.folder }),
    file(name, text = name) {
      mkdirSync(scratch.path(name.replace(/[^/]*$/, '')), { recursive: true });
      writeFileSync(scratch.path(name), text);
    },
  };
}

test('put of a file goes into a Dir that is there, and neither replaces the other without --force', async (t) => {
  const { file, env, folder } = shellIn(t);
  for (const name of ['d/one', 'f', 'g/two']) file(name);
  for (const [line, status, expected] of [
    ['put d; put f d; find d', 0, '/d\n/d/f\n/d/one\n'],
    ['put g f; put f; find', 1, 'it is a Dir, and '],
    ['put f x; put g x; find x', 1, 'it is a file, and '],
    ['put f x; put --force g x; find x', 0, '/x\n/x/two\n'],
    ['mkdir y; mkdir y/f; put f y; find y', 1, 'put: /y/f: it is a Dir'],
    ['mkdir z; mkdir z/f; put --force f z; find z', 0, '/z\n/z/f\n'],
    ['put f nosuch/', 1, 'no such file'],
    ['put f x; put f x/', 1, 'not a directory'],
    ['put g new/; find new', 0, '/new\n/new/two\n'],
    ['mkdir k; put g k/; find k', 0, '/k\n/k/g\n/k/g/two\n'],
  ] as const) {
    const put = await vtftp(['-S', 'memory:', '-c', line], { env, cwd: folder });
    assert.equal(put.status, status, put.report);
    assert.ok(`${put.stdout}${put.stderr}`.includes(expected), put.report);
  }
  const store = ['-S', './planned'];
  await vtftp([...store, '-c', 'put d; put f x; quit'], { env, cwd: folder });
  const inside = await vtftp([...store, '-n', '-c', 'put f d'], { env, cwd: folder });
  assert.match(inside.stdout, /^would put \/d\/f: 1 file/, inside.report);
  const refused = await vtftp([...store, '-n', '-c', 'put d x'], { env, cwd: folder });
  assert.equal(refused.status, 1, refused.report);
  assert.match(refused.stderr, /^put: \/x: it is a file, and /, refused.report);
});

test('a put that mirrors says how many names it removed, and what keeps them', async (t) => {
  const { say, file } = shellIn(t);
  for (const name of ['a/1', 'a/2', 'a/3', 'b/4']) file(name);
  const put = await say('put a odd; put b odd; find odd; put --merge a odd; find odd');
  assert.match(put.stdout, /^removed 3 names from \/odd \(undo brings them back; put --merge keeps them\)\n\/odd\n\/odd\/4$/m, put.report);
  assert.match(put.stdout, /\/odd\/1\n\/odd\/2\n\/odd\/3\n\/odd\/4$/m, put.report);
});

test('put asks at a terminal where more than half of the names of a Dir would go', NEEDS_TMUX, async (t) => {
  const { say, file, ...scratch } = shellIn(t);
  for (const name of ['a/1', 'a/2', 'a/3', 'b/1', 'b/4']) file(name);
  assert.equal((await say('put a odd')).status, 0);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/vtftp:\/>/);
  terminal.type(`put ${scratch.path('b')} odd`);
  terminal.keys('Enter');
  await terminal.shows(/Remove 2 names of 3 names from \/odd/);
  terminal.keys('n', 'Enter');
  await terminal.shows(/put: \/odd: not confirmed, nothing was changed/);
  terminal.type('find odd');
  terminal.keys('Enter');
  await terminal.shows(/^\/odd\/1\n\/odd\/2\n\/odd\/3$/m);
});

test('put --merge: a Dir with entries stays where the local tree has a file of its name, and is named', async (t) => {
  const { say, file } = shellIn(t);
  for (const name of ['a/n/1', 'a/empty', 'b/n', 'b/empty']) file(name);
  const put = await say('put a t; mkdir t/gone; put --merge b t; find t');
  assert.equal(put.status, 3, put.report);
  assert.match(put.stderr, /put: \/t\/n: it is a Dir with entries/);
  const kept = await say('cat t/n/1; put --merge --force b t; cat t/n');
  assert.match(kept.stdout, /^a\/n\/1put .*\nb\/nD/, kept.report);
});

test('several sources of one name are refused before anything is done', async (t) => {
  const { say, file, path, folder } = shellIn(t);
  for (const name of ['m1/f', 'm2/f', 'd/keep']) file(name);
  const put = await say('mkdir k; put m1/f m2/f k/');
  assert.equal(put.status, 1, put.report);
  assert.match(put.stderr, /"[^"]*m1\/f" and "[^"]*m2\/f" would both become "\/k\/f"; nothing was done/);
  assert.equal((await say('mkdir -p k; put m1/f m1/f ./m1/f k/; find k')).stdout.includes('/k/f'), true);
  const get = await say('put m1; put m2; get m1/f m2/f d');
  assert.equal(get.status, 1, get.report);
  assert.deepEqual(readdirSync(path('d')), ['keep']);
  for (const verb of ['mv', 'cp', 'ln']) {
    const stored = await say(`mkdir -p e; ${verb} m1/f m2/f e`);
    assert.equal(stored.status, 1, stored.report);
    const local = await vtftp(['-w', '-S', 'memory:', folder, '-c', `${verb} m1/f m2/f d`]);
    assert.equal(local.status, 1, local.report);
    assert.ok(existsSync(path('m1/f')) && existsSync(path('m2/f')) && !existsSync(path('d/f')), local.report);
  }
});

test('get goes into a directory that is there, whose own metadata stays; DIR/. is the contents', async (t) => {
  const { say, file, path } = shellIn(t);
  file('docs/a');
  chmodSync(path('docs'), 0o700);
  for (const name of ['one', 'two', 'three']) {
    mkdirSync(path(name));
    chmodSync(path(name), 0o751);
  }
  utimesSync(path('one'), 1, 1);
  symlinkSync('one', path('link'));
  const get = await say(
    'put docs; get docs one; get docs/. two; get -p docs/. three; get docs new; get docs/. fresh; get docs link; get docs/ also/',
  );
  assert.equal(get.status, 0, get.report);
  assert.deepEqual(readdirSync(path('one')), ['docs']);
  for (const name of ['one/docs', 'two', 'three', 'new', 'fresh', 'also']) assert.deepEqual(readdirSync(path(name)), ['a'], name);
  const modes = ['one', 'one/docs', 'two', 'three', 'new', 'fresh'].map((name) => statSync(path(name)).mode & 0o777);
  assert.deepEqual(modes, [0o751, 0o700, 0o751, 0o700, 0o700, 0o700]);
  const nowhere = await say('get docs/.');
  assert.equal(nowhere.status, 2, nowhere.report);
  const root = await say('get / two; get / all');
  assert.equal(root.status, 0, root.report);
  assert.deepEqual(readdirSync(path('two')).sort(), ['a', 'docs']);
  assert.equal(statSync(path('two')).mode & 0o777, 0o751);
  const onto = await say('get docs/a docs');
  assert.equal(onto.status, 0, onto.report);
});

test('a symlink to a device, FIFO or open file of a process is never replaced by a file', async (t) => {
  const { say, file, path, folder, env } = shellIn(t);
  file('f', 'content\n');
  execFileSync('mkfifo', [path('fifo')]);
  for (const [name, target] of [
    ['null', '/dev/null'],
    ['to-fifo', 'fifo'],
    ['out', '/proc/self/fd/1'],
    ['twice', 'out'],
    ['devout', '/dev/stdout'],
  ] as const) {
    symlinkSync(target, path(name));
    const get = await say(`put f; get f ${name}`);
    assert.equal(get.status, 1, get.report);
    assert.match(get.stderr, /leads to|is an open file|is a FIFO|is a device/, get.report);
    assert.equal(readlinkSync(path(name)), target);
  }
  const through = await run(
    'sh',
    ['-c', '"$0" "$1" -S ./store -c "cat f > null; lpwd > out; lpwd >> twice; cat f > devout; lpwd" > all', process.execPath, PROGRAM],
    {
      env,
      cwd: folder,
    },
  );
  assert.equal(through.status, 0, through.report);
  assert.equal(readFileSync(path('all'), 'utf8'), `${folder}\n${folder}\ncontent\n${folder}\n`);
  const picture = await say('put f; blockify --svg null f; inspect --svg=to-nowhere/x f');
  assert.notEqual(picture.status, 0, picture.report);
  for (const name of ['null', 'out', 'twice', 'devout']) assert.ok(lstatSync(path(name)).isSymbolicLink(), name);
});

test('local paths mean what the system takes them for, symlinks and .. together', async (t) => {
  const { say, file, path, folder } = shellIn(t);
  for (const name of ['o/f', 'o/dir/x', 'a/f', 'script']) file(name, `${name}\n`);
  writeFileSync(path('o/script'), 'echo right\n');
  symlinkSync('../o/dir', path('a/l'));
  const put = await say('put a/l/../f; cat f; put a/l/. h; ls h; put a/l k; stat k; put a/l/ m; ls m; put a/l/..; ls o');
  assert.equal(put.status, 0, put.report);
  assert.match(put.stdout, /^o\/f$/m);
  assert.match(put.stdout, /^x$/m);
  assert.match(put.stdout, /symlink|-> \.\.\/o\/dir/);
  assert.match(put.stdout, /^dir\nf\nscript$/m);
  const out = await say(
    'cat f > a/l/../out; get f a/l/../n; lmkdir a/l/../made; lcd a/l/..; lpwd; get f here; lcd dir/..; lpwd; put ../a/l/../f again; cat again',
  );
  assert.equal(out.status, 0, out.report);
  assert.equal(out.stdout.split('\n').filter((line) => line === `${folder}/o`).length, 2, out.report);
  for (const name of ['o/out', 'o/n', 'o/made', 'o/here']) assert.ok(existsSync(path(name)), name);
  for (const name of ['a/out', 'a/n', 'a/made']) assert.ok(!existsSync(path(name)), name);
  const source = await say('source a/l/../script');
  assert.equal(source.status, 2, source.report);
  const opened = await vtftp(['-S', 'memory:', 'a/l/..', '-c', 'ls'], { cwd: folder });
  assert.match(opened.stdout, /^dir\nf\n/m, opened.report);
  for (const [line, reason] of [
    ['put nosuch/../o/f', 'no such file'],
    ['put a/f/.', 'not a directory'],
    ['put a/f/', 'not a directory'],
    ['cat f > a/f/', 'ot a directory'],
    ['cat f > new/', 'directory'],
    ['get f new/', 'no such directory'],
    ['get f a/f/', 'not a directory'],
  ] as const) {
    const refused = await say(line);
    assert.equal(refused.status, 1, refused.report);
    assert.ok(refused.stderr.includes(reason), refused.report);
  }
});

test('names with a slash after them, rm of . and ..', async (t) => {
  const { say, file, path } = shellIn(t);
  file('d/x');
  symlinkSync('d', path('l'));
  for (const [line, status, expected] of [
    ['put d; put l; cp l/ c; find c', 0, '/c/x'],
    ['cp d/x/ c', 1, 'not a directory'],
    ['mv l/ m', 1, 'not a directory'],
    ['rm -r l/', 1, 'not a directory'],
    ['rm d/x/', 1, 'not a directory'],
    ['cd d; rm -r .', 1, 'name the Dir'],
    ['rm -rf d/..', 1, 'name the Dir'],
    ['get l/ got', 0, 'got 1 file'],
    ['find d l', 0, '/d\n/d/x\n/l'],
    ['mkdir k; cp d/x d/x/ k; find k', 3, 'not a directory'],
    ['mkdir k2; cp d d/ k2; find k2', 0, 'named twice'],
  ] as const) {
    const done = await say(line);
    assert.equal(done.status, status, done.report);
    assert.ok(`${done.stdout}${done.stderr}`.includes(expected), done.report);
  }
  assert.deepEqual(readdirSync(path('got')), ['x']);
});

test(
  'an ordinary directory is read-only to scripts, but with --write; at the prompt one line says that changes are real',
  NEEDS_TMUX,
  async (t) => {
    const { file, path, ...scratch } = shellIn(t);
    file('dir/f');
    const read = await vtftp(['-S', 'memory:', path('dir'), '-c', 'cat f; rm f']);
    assert.equal(read.status, 11, read.report);
    assert.match(read.stderr, /^rm: .*dir: read-only \(it is an ordinary directory: start with --write to change it\)$/m);
    assert.ok(existsSync(path('dir/f')));
    const piped = await vtftp(['-S', 'memory:', path('dir')], { env: scratch.env, input: 'ls\nrm f\n' });
    assert.equal(piped.status, 11, piped.report);
    assert.match(piped.stderr, /^stdin:2: rm: .*dir: read-only \(it is an ordinary directory: start with --write to change it\)$/m);
    assert.ok(existsSync(path('dir/f')));
    const opened = await vtftp(['-S', 'memory:', '-c', `open ${path('dir')}; mkdir x`]);
    assert.equal(opened.status, 11, opened.report);
    const written = await vtftp(['-w', '-S', 'memory:', path('dir'), '-c', 'rm f', '-c', 'undo']);
    assert.equal(written.status, 1, written.report);
    assert.match(written.stderr, /^undo: ".*dir" is an ordinary directory, which has no earlier states$/m);
    assert.equal(written.stderr.match(/changes are made there at once, and undo cannot take them back/g)?.length, 1, written.report);
    assert.ok(!existsSync(path('dir/f')));
    const terminal = new Terminal(t, { ...scratch, path }, ['-S', 'memory:', path('dir')]);
    await terminal.shows(/changes are made there at once/);
    terminal.type('mkdir made');
    terminal.keys('Enter');
    terminal.type('undo');
    terminal.keys('Enter');
    await terminal.shows(/undo: /);
    assert.ok(existsSync(path('dir/made')));
  },
);
