import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { PROGRAM, run, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

test('get NAME@N and NAME@DATE give what NAME was in a past state; a name that has an @ is itself', async (t) => {
  const scratch = makeScratch(t);
  const { path, env } = scratch;
  const out = scratch.mkdir('out');
  const say = (lines: string) => vtftp(['-S', path('store'), '-c', lines], { env, cwd: out });
  for (const [index, text] of ['first', 'second'].entries()) {
    writeFileSync(path('note'), text);
    writeFileSync(path('me@1'), `me ${text}`);
    const put = await say(`put ${path('note')} note; put ${path('me@1')} me@1; sync${index === 0 ? '; rm note; sync' : ''}`);
    assert.equal(put.status, 0, put.report);
  }
  for (const [name, content] of [
    ['note', 'second'],
    ['note@1', 'first'],
    ['note@-2', 'first'],
    ['/note@2099-01-01', 'second'],
    ['me@1', 'me second'],
    ['me@1@1', 'me first'],
  ] as const) {
    const got = await say(`get ${name} got`);
    assert.equal(got.status, 0, got.report);
    assert.equal(readFileSync(`${out}/got`, 'utf8'), content, name);
  }
  const own = await say('get note@1');
  assert.equal(own.status, 0, own.report);
  assert.equal(readFileSync(`${out}/note`, 'utf8'), 'first', 'under the name that it had');
  const all = await say('get @1 all');
  assert.equal(all.status, 0, all.report);
  assert.equal(readFileSync(`${out}/all/note`, 'utf8'), 'first');
  for (const [name, status, message] of [
    ['note@2', 1, /get: \/note@2: no such file/],
    ['note@99', 10, /@99: no such state/],
    ['note@nowhere', 1, /get: \/note@nowhere: no such file/],
  ] as const) {
    const none = await say(`get ${name} none`);
    assert.equal(none.status, status, none.report);
    assert.match(none.stderr, message);
    assert.ok(!existsSync(`${out}/none`));
  }
});

test('DIR@N/REST is DIR/REST@N, in every command that takes a past state', async (t) => {
  const { path, env, mkdir } = makeScratch(t);
  mkdir('d/sub');
  const say = (lines: string) => vtftp(['-S', path('store'), '-c', lines], { env, cwd: path('') });
  for (const text of ['first', 'second']) {
    writeFileSync(path('d/sub/f'), text);
    assert.equal((await say('put d; quit')).status, 0);
  }
  for (const line of [
    'cat d@1/sub/f',
    'head d@1/sub/f',
    'tail d/sub@1/f',
    'cat @1/d/sub/f',
    'cd d; cat sub@1/f',
    'get d@1/sub/f out; !cat out',
  ]) {
    const shown = await say(line);
    assert.equal(shown.status, 0, shown.report);
    assert.ok(shown.stdout.includes('first') && !shown.stdout.includes('second'), shown.report);
  }
  assert.equal((await say('find d@1/sub')).status, 0);
  const none = await say('cat d@1/sub/g');
  assert.equal(none.stderr, 'cat: /d/sub/g@1: no such file or directory\n', none.report);
  assert.match((await say('ls d@9/sub')).stderr, /^ls: @9: no such state/);
  assert.match((await say('cat d@word/sub')).stderr, /^cat: \/d@word\/sub: no such file/);
});

/** Words before a command under which even root may not write what modes forbid. */
function withoutOverride(): readonly string[] {
  const override = '-dac_override,-dac_read_search';
  return process.getuid?.() === 0 ? ['setpriv', '--bounding-set', override, '--inh-caps', override] : [];
}

test('a get that is not permitted ends with 12 where nothing could be done, and with 3 where something was, each named in one line', async (t: TestContext) => {
  const scratch = makeScratch(t);
  const { path, env } = scratch;
  mkdirSync(path('tree/sub'), { recursive: true });
  for (const name of ['tree/a', 'tree/sub/b']) writeFileSync(path(name), name);
  const put = await vtftp(['-S', path('store'), '-c', `put ${path('tree')} tree`], { env });
  assert.equal(put.status, 0, put.report);
  for (const folder of ['closed', 'unwritable', 'open/tree/sub', 'unwritable tree/sub']) scratch.mkdir(folder);
  for (const [folder, mode] of [
    ['closed', 0],
    ['unwritable', 0o555],
    ['open/tree/sub', 0o555],
    ['unwritable tree/sub', 0o555],
    ['unwritable tree', 0o555],
  ] as const) {
    chmodSync(path(folder), mode);
  }
  // Directories of others stay as they are: of its own the program would make them writable.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) for (const folder of ['open/tree/sub', 'unwritable tree', 'unwritable tree/sub']) await run('chown', ['1:1', path(folder)]);
  const get = async (line: string): ReturnType<typeof run> => {
    const words = [...withoutOverride(), process.execPath, PROGRAM, '-S', path('store'), '-c', line];
    return await run(words[0] ?? '', words.slice(1), { env });
  };
  for (const [line, status, ...named] of [
    [`get tree ${path('closed/x')}`, 12, /closed\/x: permission denied/],
    [`get tree/a ${path('unwritable/x')}`, 12, /permission denied/],
    [`get tree ${path('unwritable/x')}`, 12, /permission denied/],
    [`get tree/a tree/sub ${path('closed')}`, 12, /permission denied/],
    [`get tree/a ${path('closed/deeper/x')}`, 12, /permission denied/],
    ...(isRoot
      ? ([
          [`get tree ${path('open')}`, 3, /get: \/tree\/sub\/b: .*permission denied/],
          [
            `get tree/. "${path('unwritable tree')}"`,
            12,
            /get: \/tree\/a: .*permission denied/,
            /get: \/tree\/sub\/b: .*permission denied/,
          ],
        ] as const)
      : []),
  ] as const) {
    const got = await get(line);
    assert.equal(got.status, status, `${line}: ${got.report}`);
    for (const pattern of named) assert.match(got.stderr, pattern);
    assert.doesNotMatch(got.stderr, /EACCES|Error|\n {4}at /, got.report);
  }
});
