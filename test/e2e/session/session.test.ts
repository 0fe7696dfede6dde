import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { session } from '../../support/shells/one-session.ts';

test('QUIT syncs and recites the top Dirref alone on the last line, and it reopens the very same tree', async (t) => {
  const scratch = makeScratch(t);
  const first = await session(scratch, 'mkdir a; mkdir a/b; touch a/b/c; QUIT');
  assert.equal(first.status, 0, first.report);
  assert.equal(first.stdout.trimEnd().split('\n').length, 1, first.report);
  const again = await session(scratch, 'find; quit', [recited(first)]);
  assert.equal(again.status, 0, again.report);
  assert.equal(recited(again), recited(first));
  assert.match(again.stdout, /a\/b\/c\n/);
});

test('the end of stdin is QUIT: it syncs, recites and exits 0', async (t) => {
  const scratch = makeScratch(t);
  const piped = await vtftp(['-S', scratch.path('store')], { env: scratch.env, input: 'mkdir piped\ncd piped\npwd' });
  assert.equal(piped.status, 0, piped.report);
  assert.match(piped.stdout, /^\/piped\nD\{.*\}\n$/);
  assert.match((await session(scratch, 'ls')).stdout, /piped/);
});

test('a session that changed nothing and was not told to quit recites nothing', async (t) => {
  const scratch = makeScratch(t);
  const quiet = await session(scratch, 'pwd');
  assert.equal(quiet.stdout, '/\n', quiet.report);
});

test('SIGTERM cancels, syncs, recites on stderr, and ends with 143', async (t) => {
  const scratch = makeScratch(t);
  const ended = await vtftp(['-S', scratch.path('store'), '-c', 'mkdir kept; !echo ready; !sleep 30'], {
    env: scratch.env,
    during: async (program) => {
      await program.printed('ready');
      program.kill('SIGTERM');
    },
  });
  assert.equal(ended.status, 143, ended.report);
  const recitation = /^D\{.*\}$/m.exec(ended.stderr)?.[0];
  assert.ok(recitation !== undefined, ended.report);
  const again = await session(scratch, 'ls', [recitation]);
  assert.match(again.stdout, /kept/, again.report);
});

test('SIGINT ends a script with 130, and what was done before it is kept', async (t) => {
  const scratch = makeScratch(t);
  const ended = await vtftp(['-S', scratch.path('store'), '-c', 'mkdir kept; !echo ready; !sleep 30; mkdir never'], {
    env: scratch.env,
    during: async (program) => {
      await program.printed('ready');
      program.kill('SIGINT');
    },
  });
  assert.equal(ended.status, 130, ended.report);
  const after = await session(scratch, 'ls -1');
  assert.equal(after.stdout, 'kept\n', after.report);
});

test('-c, -b FILE, -b -, a pipe and a #!-script run the same commands', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const lines = 'mkdir x\n# a comment\ncd x; pwd\n';
  writeFileSync(scratch.path('script'), lines);
  // The kernel hands everything after the interpreter over as one word, so a script names one program.
  writeFileSync(scratch.path('vtftp-script'), `#!/usr/bin/env -S ${process.execPath} ${PROGRAM} -S ${scratch.path('s5')} -b\n${lines}`);
  chmodSync(scratch.path('vtftp-script'), 0o755);
  const runs = [
    await vtftp(['-S', scratch.path('s1'), '-c', 'mkdir x', '-c', 'cd x; pwd'], { env }),
    await vtftp(['-S', scratch.path('s2'), '-b', scratch.path('script')], { env }),
    await vtftp(['-S', scratch.path('s3'), '-b', '-'], { env, input: lines }),
    await vtftp(['-S', scratch.path('s4')], { env, input: lines }),
    await run(scratch.path('vtftp-script'), [], { env }),
  ];
  for (const one of runs) {
    assert.equal(one.status, 0, one.report);
    assert.match(one.stdout, /^\/x\nD\{.*\}\n$/, one.report);
  }
});

test('a setting, and a value, that there is not is refused with those that there are', async (t) => {
  const scratch = makeScratch(t);
  for (const [line, says] of [
    ['set constructor on', /set: constructor: no such setting \(one of onerror, glob, mime, timing, suggest, prompt\)/],
    ['set toString', /set: toString: no such setting/],
    ['set glob maybe', /set: glob: expected on or off, got "maybe"/],
  ] as const) {
    const { status, stderr } = await session(scratch, line);
    assert.equal(status, 2, stderr);
    assert.match(stderr, says);
  }
});

test('a script stops at its first error; - ignores one; set onerror continue goes on and tells at the end', async (t) => {
  const scratch = makeScratch(t);
  const stopped = await session(scratch, 'mkdir a; cd nowhere; mkdir b');
  assert.equal(stopped.status, 1, stopped.report);
  assert.match(stopped.stderr, /nowhere.*no such file/i);
  assert.equal((await session(scratch, 'ls -1')).stdout, 'a\n');

  const ignored = await session(scratch, '-cd nowhere; mkdir c; ls -1');
  assert.equal(ignored.status, 0, ignored.report);
  assert.match(ignored.stdout, /^a\nc\n/);

  const through = await session(scratch, 'set onerror continue; cd nowhere; mkdir d; ls -1');
  assert.equal(through.status, 1, through.report);
  assert.match(through.stdout, /d\n/);
});

interface Ending {
  readonly name: string;
  readonly args: (scratch: Scratch) => readonly string[];
  readonly status: number;
  readonly says: RegExp;
}

const ENDINGS: readonly Ending[] = [
  { name: 'an unknown command', args: () => ['-c', 'frobnicate'], status: 2, says: /frobnicate/ },
  { name: 'a misspelt command', args: () => ['-c', 'mkdri a'], status: 2, says: /did you mean.*mkdir/i },
  { name: 'an unknown option of a command', args: () => ['-c', 'ls --frobnicate'], status: 2, says: /--frobnicate/ },
  { name: 'an unknown option', args: () => ['--frobnicate'], status: 2, says: /--frobnicate/ },
  { name: 'an unfinished quote', args: () => ['-c', "ls 'a"], status: 2, says: /quote/ },
  { name: 'a prefix of a command', args: () => ['-c', 'mkd a'], status: 2, says: /mkd/ },
  { name: 'a glob without a match', args: () => ['-c', 'mkdir a; ls *.none'], status: 1, says: /\*\.none/ },
  { name: 'a source that is not there', args: (s) => ['-c', 'ls', s.path('nowhere.vt')], status: 10, says: /nowhere\.vt/ },
  { name: 'a script that is not there', args: (s) => ['-b', s.path('nowhere')], status: 10, says: /nowhere/ },
  { name: 'exit 7', args: () => ['-c', 'exit 7'], status: 7, says: /^/ },
];

for (const { name, args, status, says } of ENDINGS) {
  test(`${name} ends with ${status}`, async (t) => {
    const scratch = makeScratch(t);
    const ended = await vtftp(['-S', scratch.path('store'), ...args(scratch)], { env: scratch.env });
    assert.equal(ended.status, status, ended.report);
    assert.match(ended.stderr, says);
    assert.doesNotMatch(ended.stderr, /^\s+at .*:\d+:\d+/m);
  });
}

test('a default Store is made under XDG_DATA_HOME on first use', async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('docs'));
  writeFileSync(scratch.path('docs/letter'), 'dear reader\n');
  const put = await vtftp(['-c', 'put docs docs; ls -l docs; quit'], { env: scratch.env, cwd: scratch.folder });
  assert.equal(put.status, 0, put.report);
  assert.match(readFileSync(scratch.path('home/data/vtftp/store/vtftp-store'), 'utf8'), /^format=2$/m);
  const cat = await vtftp(['-c', 'cat docs/letter'], { env: scratch.env });
  assert.equal(cat.stdout, 'dear reader\n', cat.report);
});

test('nothing but what was asked for is on stdout, and -n plans without effect', async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('docs'));
  writeFileSync(scratch.path('docs/letter'), 'dear reader\n');
  const plan = await session(scratch, `put ${scratch.path('docs')} docs`, ['-n']);
  assert.equal(plan.status, 0, plan.report);
  assert.match(plan.stdout, /docs/);
  assert.equal((await session(scratch, 'ls')).stdout, '');
});

test('a reader that goes away ends the program quietly', async (t) => {
  const scratch = makeScratch(t);
  const made = await session(scratch, Array.from({ length: 300 }, (_, i) => `mkdir dir-${i}`).join('; '));
  assert.equal(made.status, 0, made.report);
  const piped = await run(
    'sh',
    ['-c', `"$0" "$1" -S "$2" -c 'find; find; find; find; find' | head -n 1`, process.execPath, PROGRAM, scratch.path('store')],
    { env: scratch.env },
  );
  assert.equal(piped.stderr, '', piped.report);
});
