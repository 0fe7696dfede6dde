import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorReason, errorText } from '../../core/base/system/system-error.ts';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

const CASES: readonly (readonly [commands: string, status: number, says: string])[] = [
  ['cat a > /dev/full', 1, 'cat: cannot write /dev/full: no space left on device'],
  ['cat a > /nonexist/a', 1, 'cat: cannot write /nonexist/a: no such file or directory'],
  ['ls > /', 1, 'ls: cannot write /: is a directory'],
  ['lmkdir /proc/q', 1, 'lmkdir: cannot make /proc/q: no such file or directory'],
  ['lcd nowhere', 1, 'lcd: nowhere: no such directory'],
  ['lcd a', 1, 'lcd: a: not a directory'],
  ['lsx', 2, 'lsx: no such command (did you mean ls?)'],
  ['help tuch', 2, 'help: tuch: no such command (did you mean touch?)'],
  ['init', 2, 'init: no such command (the first put makes the Store)'],
  ['ls /nosuch', 1, 'ls: /nosuch: no such file or directory'],
  ['dir /nosuch', 1, 'dir: /nosuch: no such file or directory'],
  ['tree /none', 1, 'tree: /none: no such file or directory'],
  ['du /none', 1, 'du: /none: no such file or directory'],
  ['ls *.pdf', 1, 'ls: *.pdf: no match (quote it to use it as a name)'],
  ['put', 2, 'put: which file? LOCAL is missing (usage: put [options] LOCAL... [NAME])'],
  ['cp a', 2, 'cp: TO is missing (usage: cp [-rap] FROM... TO)'],
  ['mkdir y z; mv y z a', 1, 'mv: /a is not a Dir; several names need one'],
  ['get a /nonexist/a', 1, 'get: cannot write to /nonexist: no such directory'],
  ['snapshots', 2, 'snapshots: no such command (use log)'],
  ['versions', 2, 'versions: no such command (use log)'],
  ['remote -v', 2, 'remote: no such command (use peer)'],
  ['push', 2, 'push: there is no peer (add one: peer STORE, or name a Store with -p)'],
  ['ls --json', 2, 'ls: unknown option --json (it belongs to vtftp: vtftp --json -c …)'],
  ['grep word docs', 2, 'grep: no such command (use cat FILE | grep)'],
  ['vi docs', 2, 'vi: no such command (use mount, and edit the file there)'],
  ['constructor', 2, 'constructor: no such command (type help; !COMMAND runs one of this machine)'],
  ['& ls', 2, 'vtftp: parse line: no command before "&", at column 1…'],
  ['cd @1999-01-01', 10, 'cd: @1999-01-01: no state that old; the oldest is @1 of …'],
  ['cd @99', 10, 'cd: @99: no such state (log lists them)'],
  ['umount nowhere', 1, 'umount: …'],
  ['set onerror x', 2, 'set: onerror: expected stop or continue, got "x"'],
  [
    'peer datadir:store:hash=blake3',
    2,
    'peer: read Store specification datadir:store:hash=blake3: expected "," before hash=, found ":", at column 14 (write datadir:store,hash=blake3; …',
  ],
  [
    "peer '!echo Welcome home; exec cat'",
    10,
    'peer: cannot open Store !echo Welcome home; exec cat: the command printed text before the protocol began ("Welcome home") (the remote shell must print nothing)',
  ],
  ['mkdir x; mv x x/sub', 1, 'mv: /x: a Dir cannot be moved into itself ("/x/sub")'],
  ["open 'D{zzz'", 10, 'open: D{zzz: expected ":", found the end, at offset 5'],
  ['put a b; touch c; cmp b c', 1, 'cmp: b c: one ends after 0 bytes, the other goes on'],
  ['repair /nonexist', 1, 'repair: /nonexist: no such file or directory'],
  ['find -nam x', 2, 'find: unknown option -n…'],
  ['find -name x -exec cat', 2, 'find: unknown option -exec (mount, and use find there)'],
  ['rm -ri a', 2, 'rm: unknown option -i (undo takes a command back)'],
  ['restore a --target x', 2, 'restore: unknown option --target (use get NAME@N DIR for local files)'],
  ['stats', 2, 'stats: no such command (use df for the Store, du for the tree)'],
  ['cd @1; put a; cd @', 11, 'put: @1: read-only (cd @ returns to the present)'],
];

test('what goes wrong is one line: the command, the thing, the fact, the way out, without codes and temporary names', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('a'), 'text');
  const options = { env: scratch.env, cwd: scratch.folder };
  const made = await vtftp(['-q', '-S', './store', '-c', 'put a'], options);
  assert.equal(made.status, 0, made.report);
  const input = ['set onerror continue', ...CASES.map(([commands]) => commands), 'quit 0', ''].join('\n');
  const failed = await vtftp(['-S', './store'], { ...options, input });
  assert.doesNotMatch(failed.stderr, /\bE[A-Z]{3,}\b|\.part/);
  const lines = failed.stderr.split('\n').filter((line) => line.startsWith('stdin:'));
  assert.equal(lines.length, CASES.length, failed.report);
  for (const [at, [commands, , says]] of CASES.entries()) {
    const said = lines[at] ?? '';
    assert.ok(
      says.endsWith('…') ? said.startsWith(`stdin:${at + 2}: ${says.slice(0, -1)}`) : said === `stdin:${at + 2}: ${says}`,
      `${commands}\n${said}\n${says}`,
    );
  }
  const json = await vtftp(['-S', './store', '--json'], { ...options, input: input.replaceAll(/^(mkdir|put) .*; /gm, '') });
  const statuses = json.stdout
    .split('\n')
    .flatMap((line) => (line.startsWith('{"done"') ? [(JSON.parse(line) as { status: number }).status] : []));
  assert.deepEqual(
    statuses.slice(1, -1),
    CASES.map(([, status]) => status),
    json.report,
  );
});

test('find takes its options after one dash too, as find(1) does', async (t) => {
  const scratch = makeScratch(t);
  const options = { env: scratch.env, cwd: scratch.folder };
  const found = await vtftp(['-q', '-S', './store', '-c', "mkdir -p a/b; touch a/b/c.txt; find / -name '*.txt' -type f"], options);
  assert.equal(found.status, 0, found.report);
  assert.match(found.stdout, /^\/a\/b\/c\.txt\n/);
});

test('an error of a system call is told with its path and reason; any other with its message', () => {
  const error = Object.assign(new Error("EACCES: permission denied, rename '/a' -> '/b'"), {
    code: 'EACCES',
    errno: -13,
    syscall: 'rename',
    path: '/a',
    dest: '/b',
  });
  assert.equal(errorText(error), 'rename "/a" to "/b": permission denied');
  assert.equal(errorReason(error), 'permission denied');
  assert.equal(errorText(new Error('x')), 'x');
  assert.equal(errorReason('y'), 'y');
});

test('words that were meant as a command, and taken for a source, are told how to run', async (t) => {
  const { env, folder: cwd } = makeScratch(t);
  for (const [words, status, says] of [
    [['lcd', 'doc'], 1, 'lcd: doc: no such directory\n'],
    [['--', 'ls'], 10, "vtftp: cannot open ls: no such file, directory, Store or reference (try: vtftp -c 'ls')\n"],
    [['-c', 'pwd', 'ls'], 2, 'vtftp: ls: a command cannot follow -c or -b (use another -c)\n'],
    [['one', 'two'], 2, 'vtftp: two: only one SOURCE can be opened (vtftp --help)\n'],
  ] as const) {
    const refused = await vtftp(['-S', './store', ...words], { env, cwd });
    assert.equal(refused.status, status, refused.report);
    assert.equal(refused.stderr, says);
  }
});

test('in JSON an error keeps its fields, and names its command', async (t) => {
  const { env, folder: cwd } = makeScratch(t);
  const failed = await vtftp(['-S', './store', '--json', '-c', 'mkdir a', '-c', 'dir /none'], { env, cwd });
  const error: unknown = JSON.parse(failed.stderr.trim());
  assert.deepEqual(error, {
    command: 'dir',
    error: 'dir: /none: no such file or directory',
    code: 'EFAILED',
    errno: 'ENOENT',
    path: '/none',
    status: 1,
    where: '-c:2',
    column: 1,
  });
});

test('an attribute that cannot be set is named with its file and its reason', async (t) => {
  const { env, folder: cwd } = makeScratch(t);
  const line = `bind f 'F{meta:M{xattrs:{"nonsense.x":"1"}},block:LB{78}}'; get f`;
  const got = await vtftp(['-S', './store', '-c', line], { env, cwd });
  assert.equal(got.status, 3, got.report);
  assert.match(got.stderr, /^get: \/f: cannot set xattr nonsense\.x: this filesystem cannot hold attributes of nonsense\.\*/);
});
