import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, run, vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

// What scripts are read as, wherever they come from, and what -n leaves undone.

test('a newline in quotes belongs to the name, from stdin, by -b, -c and source; what follows it never runs', async (t) => {
  const scratch = makeScratch(t);
  const store = ['-S', scratch.path('store')];
  const { env } = scratch;
  const script = '-@mkdir victim\nset onerror continue\nstat \'x\nrm -r victim #\'\nstat "x\nrm -r victim #"\nls\n';
  writeFileSync(scratch.path('script'), script);
  const ways = [
    await vtftp(store, { env, input: script }),
    await vtftp([...store, '-b', scratch.path('script')], { env }),
    await vtftp([...store, '-c', script], { env }),
    await vtftp([...store, '-c', `source ${scratch.path('script')}`], { env }),
  ];
  for (const way of ways.slice(0, 3)) {
    assert.match(way.stdout, /^victim$/m, way.report);
    assert.equal(way.stderr.match(/x\\nrm -r victim #: no such file/g)?.length, 2, way.report);
  }
  // What is sourced goes on after an error too, and what it ends with is the status of that one line.
  assert.deepEqual(
    ways.map(({ status }) => status),
    [1, 1, 1, 1],
  );
  const left = await vtftp([...store, '-c', 'ls'], { env });
  assert.match(left.stdout, /^victim$/m, left.report);
});

test('an unfinished quote ends a script with 2, names its line, and nothing from there on runs', async (t) => {
  const scratch = makeScratch(t);
  const store = ['-S', scratch.path('store')];
  const { env } = scratch;
  const script = "mkdir a\nset onerror continue\nls 'open\nrm -r a\nmkdir b\n";
  writeFileSync(scratch.path('script'), script);
  const ways = [
    { args: [], where: 'stdin', input: script },
    { args: ['-b', '-'], where: 'stdin', input: script },
    { args: ['-b', scratch.path('script')], where: scratch.path('script'), input: '' },
  ];
  for (const { args, where, input } of ways) {
    const ended = await vtftp([...store, ...args], { env, input });
    assert.equal(ended.status, 2, ended.report);
    assert.ok(ended.stderr.includes(`${where}:3: vtftp: parse line: unfinished single quote, at column 4`), ended.report);
    assert.equal((await vtftp([...store, '-c', 'ls; rmdir a'], { env })).stdout.split('\n')[0], 'a', ended.report);
  }
});

test('a script may start with a byte order mark, have line ends of DOS, and hold octets that are not UTF-8', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const script = Buffer.from("\xef\xbb\xbfmkdir a\r\ntouch '\xff'\r\nset glob off\r\nls --json\r\n", 'latin1');
  writeFileSync(scratch.path('script'), script);
  writeFileSync(scratch.path('inner'), Buffer.from("\xef\xbb\xbftouch a/'\xfe'\r\n", 'latin1'));
  const ways = [
    { args: ['-b', scratch.path('script')], input: '' },
    { args: [], input: script },
    { args: ['-c', `source ${scratch.path('script')}; source ${scratch.path('inner')}; ls -R`], input: '' },
  ].entries();
  for (const [i, { args, input }] of ways) {
    const ended = await vtftp(['-S', scratch.path(`store${i}`), ...args], { env, input });
    assert.doesNotMatch(ended.stderr, /no such command/, ended.report);
    const names = await vtftp(['-S', scratch.path(`store${i}`), '-c', "ls a $'\\377'"], { env });
    assert.ok(names.stdoutBytes.includes(0xff), `${ended.report}\n${names.report}`);
  }
});

test('input that cannot be read ends a session with 10: a directory, and an I/O error', async (t) => {
  const { env, folder } = makeScratch(t);
  for (const [from, says] of [
    [folder, 'it is a directory'],
    [`/proc/${process.pid}/mem`, 'input/output error'],
  ] as const) {
    const ended = await run('sh', ['-c', 'exec "$0" "$1" < "$2"', process.execPath, PROGRAM, from], { env });
    assert.equal(ended.status, 10, ended.report);
    assert.equal(ended.stderr, `vtftp: read standard input: ${says}\n`, ended.report);
  }
  for (const [path, says] of [
    [folder, 'is a directory'],
    [`/proc/${process.pid}/mem`, 'input/output error'],
  ] as const) {
    const script = await vtftp(['-b', path], { env });
    assert.equal(script.status, 10, script.report);
    assert.equal(script.stderr, `vtftp: cannot read script ${path}: ${says}\n`, script.report);
    const sourced = await vtftp([], { env, input: `lpwd\nsource ${path}\nlpwd\n` });
    assert.equal(sourced.status, 10, sourced.report);
    assert.equal(sourced.stderr, `stdin:2: source: cannot read script ${path}: ${says}\n`, sourced.report);
  }
});

test('-n runs no local command and writes no file: behind |, > and >>, by ! and lls, within an alias', async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('d'));
  writeFileSync(scratch.path('d/f'), 'content\n');
  const { env } = scratch;
  const made = scratch.path('made');
  const store = ['-S', scratch.path('store')];
  await vtftp([...store, '-c', `put ${scratch.path('d')} d`], { env });
  const commands = [
    `ls | tee ${made}`,
    `cat d/f > ${made}`,
    `cat d/f >> ${made}`,
    `!touch ${made}`,
    `alias x ls; x | tee ${made}`,
    `put ${scratch.path('d')} e | tee ${made}`,
    `mkdir z > ${made}`,
    `get d/f ${made}`,
    `inspect --svg=${made} d/f`,
    `lmkdir ${made}`,
  ];
  for (const line of commands) {
    const planned = await vtftp([...store, '-n', '-c', line], { env });
    assert.equal(planned.status, 0, planned.report);
    assert.ok(!existsSync(made), planned.report);
    if (!line.startsWith('inspect')) assert.match(planned.stdout, /^would /m, planned.report);
  }
  const put = await vtftp([...store, '-n', '-c', commands[5] ?? ''], { env });
  assert.match(put.stdout, /^would put \/e: 1 file.*\nwould run \| tee /m, put.report);
});

test('quotes make no name of an option; -- and ./ do', async (t) => {
  const scratch = makeScratch(t);
  const listed = await vtftp(['-S', scratch.path('store'), '-c', `touch -- -l; ls '-l'; ls ./-l; ls -- "-l"`], { env: scratch.env });
  assert.match(listed.stdout, /^-rw.* -l\n(?:\.\/)?-l\n-l\n/, listed.report);
});

/** Words of a line that took 80 s when each word was joined to those before it. */
const MANY_WORDS = 120_000;

test(`a line of ${MANY_WORDS} words takes time in proportion to them`, async (t) => {
  const scratch = makeScratch(t);
  const names = Array.from({ length: MANY_WORDS }, (_, i) => `x${i}`).join(' ');
  const startMs = performance.now();
  const ended = await vtftp(['-S', scratch.path('store')], { env: scratch.env, input: `mkdir x7\nstat ${names}\n` });
  const ms = performance.now() - startMs;
  assert.equal(ended.status, 3, ended.stderr.slice(-500));
  assert.match(ended.stdout, /^path +\/x7$/m);
  assert.equal(ended.stderr.match(/: no such file or directory/g)?.length, MANY_WORDS - 1);
  assert.ok(ms < 40_000, `${Math.round(ms)} ms`);
});
