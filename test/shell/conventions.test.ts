import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMMANDS } from '../../commands/all-commands.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import { skipReference } from '../../core/dirent/reference-skip.ts';
import { findCommand } from '../../shell/command-names.ts';
import { parseOptions } from '../../shell/line/arguments.ts';
import { parseLine } from '../../shell/line/line.ts';
import { PROGRAM, run, vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';
import { session } from '../support/shells/one-session.ts';
import { NEEDS_TMUX, Terminal } from '../support/shells/terminal.ts';

/** What hands know from sftp, lftp, smbclient and psql, one line each; letters behind a name are its options. */
const KNOWN = `
quit exit bye
pwd lpwd cd chdir lcd
ls:1alhtSrRdF0 dir lls tree find du:hs df:h stat
cat less more head:nc tail:ncf
get:rRcp put:rRcp mget mput reget reput
mkdir:p rmdir rm:rf mv rename cp ln:s chmod:R chown:R touch
diff cmp log
! lmkdir
help ?
inspect peer bind pull push open mount umount mounts join merge sync undo publish ar serve httpd watch stores
fsck scrub repair gc transition history jobs set alias source timing version
`;

test('the names and letters of sftp, lftp and psql are there', () => {
  for (const [, name = '', letters = ''] of KNOWN.matchAll(/([^\s:]+)(?::(\S+))?/g)) {
    const { command, calledAs } = findCommand(COMMANDS, name.toUpperCase(), false);
    for (const letter of letters) {
      const value = command.options?.find(({ short, alsoShort = '' }) => short === letter || alsoShort.includes(letter))?.value;
      const line = octetsFromText(`${name} -${letter}${value === undefined ? '' : ' 1'}`);
      for (const { words } of parseLine(line, skipReference))
        assert.doesNotThrow(() => parseOptions(command, calledAs, words.slice(1)), `${name} -${letter}`);
    }
  }
});

test('options stand before SOURCE or behind it', async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('docs/inner'), { recursive: true });
  for (const args of [
    ['-q', '-c', 'ls', scratch.path('docs')],
    [scratch.path('docs'), '-c', 'ls', '-q'],
  ]) {
    const listed = await vtftp(args, { env: scratch.env });
    assert.equal(listed.stdout, 'inner\n', listed.report);
  }
});

test('several -c run in their order in one session, and -i then goes on where they ended', async (t) => {
  const scratch = makeScratch(t);
  const args = ['-S', scratch.path('store'), '-c', 'mkdir -p a/b', '-c', 'cd a; pwd', '-c', 'cd b', '-i'];
  const piped = await vtftp(args, { env: scratch.env, input: 'pwd\nmkd c\n' });
  assert.match(piped.stdout, /^\/a\n\/a\/b\nD\{/, piped.report);
  assert.deepEqual([piped.status, piped.stderr], [2, 'stdin:2: mkd: no such command (did you mean mkdir?)\n']);
  const failed = await vtftp(['-S', 'memory:', '-c', 'cd none', '-c', 'pwd', '-i'], { env: scratch.env, input: 'pwd\n' });
  assert.deepEqual([failed.status, failed.stdout], [1, ''], failed.report);
});

test('at a terminal: several -c, and then the prompt with -i, where prefixes will do', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store'), '-c', 'mkdir -p a/b', '-c', 'cd a/b', '-i']);
  await terminal.shows(/^vtftp:\/a\/b\*>$/m);
  terminal.type('mkd c; ls');
  terminal.keys('Enter');
  await terminal.shows(/^c$/m);
  assert.doesNotMatch(terminal.screen, /mkdir -p/);
  terminal.keys('C-d');
  await terminal.shows(/^D\{.*\}\n+ended with 0/m);
});

test('bare cd goes to the top, and bare lcd home', async (t) => {
  const scratch = makeScratch(t);
  const went = await session(scratch, 'mkdir -p a/b; cd a/b; cd; pwd; lcd; lpwd; lcd -; lpwd', ['-q']);
  assert.equal(went.stdout, `/\n${scratch.path('home')}\n${scratch.folder}\n${scratch.folder}\n`, went.report);
});

test('names go to a pipe as they are, one a line; with -0 each ends with NUL', async (t) => {
  const scratch = makeScratch(t);
  const made = String.raw`mkdir d; touch d/$'new\nline' d/$'\e[2J' d/$'\xff'; `;
  const names = ['\x1b[2J', 'new\nline', '\xff'];
  for (const [line, expected] of [
    ['ls d', names.map((name) => `${name}\n`)],
    ['ls -0 d', names.map((name) => `${name}\0`)],
    ['ls -a0 d', names.map((name) => `${name}\0`)],
    ['find -0 d -type f', names.map((name) => `/d/${name}\0`)],
    ['find d -type f -print0', names.map((name) => `/d/${name}\0`)],
  ] as const) {
    const listed = await vtftp(['-q', '-S', 'memory:', '-c', `${made}${line}`], { env: scratch.env });
    assert.equal(listed.stdoutBytes.toString('latin1'), expected.join(''), line);
  }
});

/** Runs a program with a terminal as its standard input alone, types a line and Ctrl-D, and prints what comes out. */
const ONLY_INPUT = String.raw`
import os, pty, subprocess, sys
terminal, inner = pty.openpty()
program = subprocess.Popen(sys.argv[1:], stdin=inner, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
os.write(terminal, b'pwd\n\x04')
sys.stdout.buffer.write(program.stdout.read())
`;

test('a prompt is only where standard input and output are terminals', async (t) => {
  const { env } = makeScratch(t);
  const piped = await run('python3', ['-c', ONLY_INPUT, process.execPath, PROGRAM, '-S', 'memory:'], { env });
  assert.equal(piped.stdout, '/\n', piped.report);
});

test('progress is drawn only on a terminal; as JSON where a program asks for it', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('big'), Buffer.alloc(3_000_000, 'text '));
  const plain = await session(scratch, `put ${scratch.path('big')} a`);
  assert.equal(plain.stderr, '', plain.report);
  const told = await session(scratch, `put ${scratch.path('big')} b`, ['--progress=json']);
  const frames = told.stderr.split('\n').filter((line) => line !== '');
  assert.ok(frames.length > 0, told.report);
  for (const frame of frames)
    assert.equal(typeof (JSON.parse(frame) as { progress: { done_bytes: number } }).progress.done_bytes, 'number');
});

test('under --json errors of -c are objects on standard error, sizes are exact, and times are of ISO-8601', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), Buffer.alloc(123_457));
  const ran = await session(scratch, `put ${scratch.path('f')} f; ls -lh f; cat none`, ['--json', '-q']);
  const entry = ran.stdout
    .split('\n')
    .map((line) => JSON.parse(line || '{}') as Record<string, unknown>)
    .find(({ command }) => command === 'ls');
  assert.equal(entry?.['size'], 123_457, ran.report);
  assert.match(String(entry?.['mtime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  const error = JSON.parse(ran.stderr) as Record<string, unknown>;
  assert.deepEqual([error['command'], error['errno'], error['path'], error['status']], ['cat', 'ENOENT', '/none', 1]);
});

test('each item that failed is an object with code, errno, path and status', async (t) => {
  const scratch = makeScratch(t);
  scratch.mkdir('docs/in the way');
  writeFileSync(scratch.path('docs/f'), 'text');
  await session(scratch, "mkdir d; put docs/f d/f; put docs/f 'd/in the way'; sync");
  const all = await vtftp(['--json', '-S', scratch.path('store')], {
    env: scratch.env,
    cwd: scratch.folder,
    input: 'get d/f /proc/x\nget d/. docs\nrm none d/no\nput nofile docs/f d\n',
  });
  const failures = all.stdout
    .split('\n')
    .map((line) => JSON.parse(line || '{}') as Record<string, unknown>)
    .filter(({ failure }) => failure !== undefined);
  assert.deepEqual(
    failures.map(({ command, code, errno, path, status }) => [command, code, errno, path, status]),
    [
      ['get', 'EFAILED', 'ENOENT', '/d/f', 1],
      ['get', 'EFAILED', undefined, '/d/in the way', 1],
      ['rm', 'EFAILED', 'ENOENT', '/none', 1],
      ['rm', 'EFAILED', 'ENOENT', '/d/no', 1],
      ['put', 'EFAILED', 'ENOENT', scratch.path('nofile'), 1],
    ],
    all.report,
  );
});

test('df tells of the disk of the Store, and timing how long each command took', async (t) => {
  const scratch = makeScratch(t);
  const ran = await session(scratch, 'mkdir a; sync; df -h; df; timing on; pwd; timing off; pwd', ['-q']);
  assert.equal(ran.status, 0, ran.report);
  assert.match(ran.stdout, /^ *Size +Used +Free +Use% +Store takes +Store\n *\S+ +\S+ +\S+ +\d+% +\S+ +datadir:/m);
  assert.match(ran.stderr, /^pwd: \d+\.\d{3} s\ntiming: \d+\.\d{3} s\n$/);
  const json = await session(scratch, 'df', ['--json']);
  const { size_bytes, used_bytes, free_bytes, store_bytes } = JSON.parse(json.stdout) as Record<string, number>;
  assert.ok(Number(size_bytes) >= Number(used_bytes) && Number(free_bytes) > 0 && Number(store_bytes) > 0, json.stdout);
  assert.ok(statSync(scratch.path('store')).isDirectory());
  const none = await vtftp(['-S', 'memory:', '-c', 'df'], { env: scratch.env });
  assert.equal(none.status, 1, none.report);
});
