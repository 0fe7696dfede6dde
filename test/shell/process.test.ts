import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { COMMANDS } from '../../commands/all-commands.ts';
import { VERSION } from '../../shell/version.ts';
import { PROGRAM, vtftp } from '../support/program.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch } from '../support/scratch.ts';
import { session } from '../support/shells/one-session.ts';

function json(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('cd takes absolute and relative paths, .., -, quotes, and goes through symlinks', async (t) => {
  const scratch = makeScratch(t);
  const made = await session(scratch, "mkdir -p 'a b/c'; ln -s 'a b/c' link; ln -s /nowhere dead; touch file");
  assert.equal(made.status, 0, made.report);
  const walked = await session(scratch, 'cd "a b"; pwd; cd c; pwd; cd ..; pwd; cd -; cd /link; pwd; cd a\\ b || cd; pwd; cd /../..; pwd');
  assert.equal(walked.status, 0, walked.report);
  assert.equal(walked.stdout, '/a b\n/a b/c\n/a b\n/a b/c\n/link\n/\n/\n');
  for (const [command, says] of [
    ['cd nowhere', /no such file/],
    ['cd dead', /no such file/],
    ['cd file', /not a directory/],
    ['cd -', /no previous path/],
  ] as const) {
    const failed = await session(scratch, command);
    assert.equal(failed.status, 1, failed.report);
    assert.match(failed.stderr, says);
  }
});

test('lcd changes the local directory alone, and - goes back', async (t) => {
  const scratch = makeScratch(t);
  scratch.mkdir('here/below');
  const moved = await session(scratch, 'lcd here; lcd below; lpwd; lcd ..; !basename "$PWD"; lcd -; lcd; lpwd; pwd');
  assert.equal(moved.status, 0, moved.report);
  const base = scratch.folder;
  assert.equal(moved.stdout, `${base}/here/below\nhere\n${base}/here/below\n${base}/home\n/\n`);
});

test('cd @N and cd @date show a past state read-only, and cd @ the present', async (t) => {
  const scratch = makeScratch(t);
  await session(scratch, 'mkdir first');
  await session(scratch, 'mkdir second');
  const seen = await session(scratch, 'cd @1; ls; cd @-1/first; pwd; cd @; cd /; ls; cd @now; ls; -mkdir x');
  assert.equal(seen.status, 0, seen.report);
  assert.equal(seen.stdout, 'first\n/first\nfirst\nsecond\nfirst\nsecond\n');
  const refused = await session(scratch, 'cd @1; mkdir x');
  assert.equal(refused.status, 11, refused.report);
  const absent = await session(scratch, 'cd @7');
  assert.equal(absent.status, 10, absent.report);
  const opened = await vtftp([`${scratch.path('store')}@1`, '-c', 'ls'], { env: scratch.env });
  assert.equal(opened.stdout, 'first\n', opened.report);
});

test('two sessions on one Store lose nothing of each other', async (t) => {
  const scratch = makeScratch(t);
  await session(scratch, 'mkdir common');
  const slow = spawn(process.execPath, [PROGRAM, '-S', scratch.path('store'), '--json'], {
    env: { ...process.env, ...scratch.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: slow.stdout })[Symbol.asyncIterator]();
  slow.stdin.write('mkdir mine\n');
  const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? '');
  assert.deepEqual(await next(), { command: 'mkdir', changed: true, dirref: null });
  assert.deepEqual(await next(), { done: true, status: 0 });
  const quick = await session(scratch, 'mkdir theirs; rmdir common');
  assert.equal(quick.status, 0, quick.report);
  slow.stdin.end('mkdir mine/below\n');
  const ended = once(slow, 'close');
  const rest: string[] = [];
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) rest.push(next.value);
  assert.deepEqual(await ended, [0, null]);
  assert.match(rest.at(-1) ?? '', /^\{"dirref":"D\{/);
  const after = await session(scratch, 'find');
  assert.equal(after.stdout, '/\n/mine\n/mine/below\n/theirs\n', after.report);
});

test('--json drives a session: result lines, then one that ends the answer to each line', async (t) => {
  const scratch = makeScratch(t);
  const driven = await vtftp(['-S', scratch.path('store'), '--json'], {
    env: scratch.env,
    input: 'set onerror continue\nmkdir a b\n\nls\nls nowhere\nfrob\nls -l *\npwd; cd a\nexit 0\n',
  });
  assert.equal(driven.status, 0, driven.report);
  const answers = json(driven.stdout);
  const statuses = answers.filter(({ done }) => done === true).map(({ status }) => status);
  assert.deepEqual(statuses, [0, 0, 0, 0, 1, 2, 0, 0, 0]);
  const listed = answers.filter(({ name }) => name === 'a');
  assert.equal(listed.length, 1);
  assert.deepEqual([listed[0]?.['type'], listed[0]?.['path']], ['dir', '/a']);
  assert.match(String(answers.at(-1)?.['dirref']), /^D\{/);
  assert.equal(driven.stderr, '');
  const errors = answers.filter(({ error, done }) => error !== undefined && done === true);
  assert.deepEqual(
    errors.map(({ status, code }) => [status, code]),
    [
      [1, 'EFAILED'],
      [2, 'EUSAGE'],
    ],
  );
});

test('--json of a name that is not UTF-8 carries its octets', async (t) => {
  const scratch = makeScratch(t);
  const listed = await session(scratch, String.raw`touch $'bad\xff'; ls`, ['--json']);
  assert.equal(listed.status, 0, listed.report);
  const entry = json(listed.stdout).find(({ command }) => command === 'ls');
  assert.equal(Buffer.from(String(entry?.['name_b64']), 'base64').toString('latin1'), 'bad\xff');
  const raw = await session(scratch, 'ls; ls -0');
  assert.deepEqual(raw.stdoutBytes, Buffer.from('bad\xff\nbad\xff\0', 'latin1'));
});

test('results go through local commands and into local files, which are whole or not there', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('words'), 'b\na\nc\n');
  const sent = await session(
    scratch,
    "put words; cat words | sort | head -n 2; cat words > out; cat words >> out; ls > 'a name'; cat words | tr a-z A-Z > upper",
  );
  assert.equal(sent.status, 0, sent.report);
  assert.match(sent.stdout, /a\nb\nD\{/);
  assert.equal(readFileSync(scratch.path('out'), 'utf8'), 'b\na\nc\nb\na\nc\n');
  assert.equal(readFileSync(scratch.path('upper'), 'utf8'), 'B\nA\nC\n');
  assert.equal(readFileSync(scratch.path('a name'), 'utf8'), 'words\n');
  const failed = await session(scratch, 'cat nowhere > out');
  assert.equal(failed.status, 1);
  assert.equal(readFileSync(scratch.path('out'), 'utf8'), 'b\na\nc\nb\na\nc\n');
  assert.deepEqual(
    readdirSync(scratch.folder).filter((name) => name.endsWith('.part')),
    [],
  );
  const broken = await session(scratch, 'cat words | exit 3; ls');
  assert.equal(broken.status, 1, broken.report);
  assert.match(broken.stderr, /ended with status 3/);
});

test('a local command that has read enough is no error', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('big'), Buffer.alloc(20_000_000, 'line\n'));
  const cut = await session(scratch, 'put big > /dev/null; cat big | head -n 1; pwd');
  assert.equal(cut.status, 0, cut.report);
  assert.match(cut.stdout, /^line\n\/\n/);
});

test('&&, || and - decide what runs', async (t) => {
  const scratch = makeScratch(t);
  const ran = await session(scratch, 'mkdir a && pwd; cd no || lpwd; cd no || cd no2 || pwd; pwd || lpwd; -cd no; pwd');
  assert.equal(ran.status, 0, ran.report);
  assert.match(ran.stdout, new RegExp(`^/\n${scratch.folder}\n/\n/\n/\nD\\{`));
  const stopped = await session(scratch, 'cd no && pwd; pwd');
  assert.equal(stopped.stdout, '', stopped.report);
  assert.equal(stopped.status, 1);
});

test('a script names file and line of its error, also one that another script ran', async (t) => {
  const scratch = makeScratch(t);
  assert.equal((await session(scratch, 'mkdir a')).status, 0);
  writeFileSync(scratch.path('inner'), 'pwd\ncd nowhere\n');
  writeFileSync(scratch.path('outer'), '# first\nsource inner\npwd\n');
  const inner = await vtftp(['-S', scratch.path('store'), '-b', 'inner'], { env: scratch.env, cwd: scratch.folder });
  assert.equal(inner.status, 1);
  assert.match(inner.stderr, /^inner:2: /, inner.report);
  const outer = await vtftp(['-S', scratch.path('store'), '-b', 'outer'], { env: scratch.env, cwd: scratch.folder });
  assert.match(outer.stderr, /outer:2: inner:2: /, outer.report);
  assert.equal(outer.stdout, '/\n');
  writeFileSync(scratch.path('outer'), 'source outer\n');
  const circle = await vtftp(['-S', scratch.path('store'), '-b', 'outer'], { env: scratch.env, cwd: scratch.folder });
  assert.equal(circle.status, 1);
  assert.match(circle.stderr, /more than 32 scripts/);
  const folder = await vtftp(['-b', scratch.folder], { env: scratch.env });
  assert.equal(folder.status, 10, folder.report);
  assert.match(folder.stderr, /^vtftp: cannot read script .*: is a directory/);
});

test('aliases stand for lines, and one that names itself means the command', async (t) => {
  const scratch = makeScratch(t);
  const ran = await session(scratch, "alias ls ls -1; alias two 'pwd; lpwd'; mkdir x; LS /; two; alias -d two; alias");
  assert.equal(ran.status, 0, ran.report);
  assert.match(ran.stdout, new RegExp(`^x\n/\n${scratch.folder}\nalias ls ls -1\nD`));
});

test('-x echoes commands on stderr but those with @; -q leaves warnings out', async (t) => {
  const scratch = makeScratch(t);
  const echoed = await session(scratch, 'pwd; @lpwd', ['-x']);
  assert.equal(echoed.stderr, '+ pwd\n');
  assert.equal(echoed.stdout, `/\n${scratch.folder}\n`);
});

test('with -q a job prints nothing unless something fails; what was asked for comes, and so do records', async (t) => {
  const scratch = makeScratch(t);
  const { env, folder } = scratch;
  writeFileSync(scratch.path('f'), 'text');
  const quiet = async (...words: string[]) => await vtftp(['-q', ...words], { env, cwd: folder });
  const put = await quiet('-c', 'put f', '-c', 'get f g', '-c', 'undo');
  assert.deepEqual([put.status, put.stdout, put.stderr], [0, '', ''], put.report);
  const asked = await quiet('-c', 'put f; ls; sync');
  assert.match(asked.stdout, /^f\nD\{.*\}\n$/, asked.report);
  assert.match((await quiet('-c', 'quit')).stdout, /^D\{.*\}\n$/);
  assert.match((await quiet('-n', '-c', 'put f')).stdout, /^would put/);
  assert.match(
    (await quiet('--json', '-c', 'put f new')).stdout,
    /^\{"command":"put","path":"\/new".*\n\{"command":"put","changed":true,.*\n\{"dirref"/,
  );
  const failed = await quiet('-c', 'put f nosuch x');
  assert.notEqual(failed.status, 0);
  assert.match(failed.stderr, /^put: /, failed.report);
});

test('-n prints each effect and does nothing, also in an ordinary directory', async (t) => {
  const scratch = makeScratch(t);
  const planned = await session(scratch, 'mkdir a; cd a; touch b; ls; lmkdir local; !touch ran; quit', ['-n']);
  assert.equal(planned.status, 0, planned.report);
  assert.match(planned.stdout, /would mkdir a\nwould touch b\nb\nwould lmkdir local\n/);
  const refused = await vtftp(['-n', '-S', 'memory:', '-c', 'rm nope']);
  assert.equal(refused.stdout, '', 'what cannot be done is not said to be done');
  assert.match(refused.stderr, /nope/);
  assert.ok(!existsSync(scratch.path('store')) && !existsSync(scratch.path('local')) && !existsSync(scratch.path('ran')));
  mkdirSync(scratch.path('docs/kept'), { recursive: true });
  const directory = await session(scratch, 'rm -r kept', ['-n', '-w', scratch.path('docs')]);
  assert.equal(directory.status, 0, directory.report);
  assert.ok(existsSync(scratch.path('docs/kept')));
});

test('what only looks makes no Store', async (t) => {
  const scratch = makeScratch(t);
  for (const commands of ['ls; pwd; quit', 'find', 'help']) {
    const looked = await vtftp(['-c', commands], { env: scratch.env });
    assert.equal(looked.status, 0, looked.report);
  }
  assert.ok(!existsSync(scratch.path('home/data')));
});

test('what is done in part ends with 3, and names what failed', async (t) => {
  const scratch = makeScratch(t);
  await session(scratch, 'mkdir a');
  const partly = await session(scratch, 'rmdir a nowhere');
  assert.equal(partly.status, 3, partly.report);
  assert.match(partly.stderr, /nowhere/);
  assert.equal((await session(scratch, 'ls')).stdout, '');
});

test('the configuration names Stores, and the rc file is read only where it is asked for', async (t) => {
  const scratch = makeScratch(t);
  const folder = scratch.mkdir('home/config/vtftp');
  writeFileSync(`${folder}/vtftp.conf`, `# Stores\n[work]\nstore = ${scratch.path('elsewhere')}\n`);
  writeFileSync(`${folder}/rc`, 'alias here pwd\n');
  const named = await vtftp(['-S', '[work]', '-c', 'mkdir x'], { env: scratch.env });
  assert.equal(named.status, 0, named.report);
  assert.ok(existsSync(scratch.path('elsewhere/vtftp-store')));
  const unknown = await vtftp(['-S', '[play]', '-c', 'ls'], { env: scratch.env });
  assert.equal(unknown.status, 10, unknown.report);
  assert.equal((await vtftp(['-c', 'here'], { env: scratch.env })).status, 2);
  assert.equal((await vtftp(['--rc', `${folder}/rc`, '-c', 'here'], { env: scratch.env })).stdout, '/\n');
});

test('help, help NAME and NAME --help come from the command definitions, as does the man page', async (t) => {
  const scratch = makeScratch(t);
  const overview = await session(scratch, 'help');
  const page = readFileSync(`${PROJECT_ROOT}/man/vtftp.1`, 'utf8');
  for (const { name, summary } of COMMANDS) {
    assert.ok(overview.stdout.includes(`  ${name} `), name);
    assert.ok(overview.stdout.includes(summary), summary);
    assert.ok(page.includes(`.It Ic ${name}`) || page.includes(`.It Ic \\&${name}`), name);
  }
  const one = await session(scratch, 'help LS');
  const other = await session(scratch, 'ls --help');
  assert.equal(one.stdout, other.stdout);
  assert.match(one.stdout, /usage: ls \[-1alnFhtSrRd0\] \[PATH\.\.\.\]/);
  const version = await vtftp(['--version'], { env: scratch.env });
  assert.equal(version.stdout, `vtftp ${VERSION}\n`);
  assert.equal((JSON.parse(readFileSync(`${PROJECT_ROOT}/package.json`, 'utf8')) as { version?: string }).version ?? VERSION, VERSION);
});

test('cp, mv, ln, rm, chmod, chown, touch, head, tail do what their names say', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('lines'), Array.from({ length: 30 }, (_, i) => `line ${i + 1}\n`).join(''));
  const ran = await session(
    scratch,
    [
      'put lines > /dev/null; mkdir d; cp lines d; cp -r d e; mv lines d/moved; ln d/lines d/hard; ln -s lines d/soft',
      'chmod u=rw,go= d/lines; chown 12345:54321 d/lines; touch -d 2020-02-03T04:05:06Z d/lines; ls -l d/hard',
      'head -2 d/moved; tail -n 1 d/soft; tail -n +29 d/moved; head -c 4 d/moved; tail -c 3 d/moved; rm -r e; rm -f nowhere; find',
    ].join('; '),
  );
  assert.equal(ran.status, 0, ran.report);
  assert.match(ran.stdout, /^-rw------- 2 12345 54321 231 2020-02-03 \d\d:05 d\/hard\n/);
  assert.match(ran.stdout, /line 1\nline 2\nline 30\nline 29\nline 30\nline30\n/);
  assert.match(ran.stdout, /30\n\/\n\/d\n\/d\/hard\n\/d\/lines\n\/d\/moved\n\/d\/soft\nD\{/);
  assert.equal((await session(scratch, 'rm d')).status, 1);
  assert.equal((await session(scratch, 'rm -r /')).status, 1);
  assert.equal((await session(scratch, 'mv d/lines d/soft nowhere')).status, 1);
});

test('ln -f replaces what stands there only where there is something to link; a Dir is not copied into itself', async (t) => {
  const scratch = makeScratch(t);
  const done = await session(scratch, 'mkdir d; touch f; -ln -f none f; -ln -f d f; -cp d d/e; ls');
  assert.equal(done.stdout.split('\n').slice(0, 2).join(' '), 'd f', done.report);
  assert.match(done.stderr, /ln: \/none: no such file/);
  assert.match(done.stderr, /ln: .*\/d: a Dir cannot have a second name \(cp copies it by reference\)/);
  assert.match(done.stderr, /cp: \/d: a Dir cannot be copied into itself \("\/d\/e"\)/);
});
