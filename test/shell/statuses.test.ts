import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMMANDS } from '../../commands/all-commands.ts';
import { PROGRAM, run, vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

const IS_ROOT = process.getuid?.() === 0 ? {} : { skip: 'it takes root, to be another user' };

// Every command that takes several names: `there` is one that is there, `nosuch` and `nosuch2` are not.
const SEVERAL: Readonly<Record<string, (names: string) => string>> = {
  ls: (names) => `ls -d ${names}`,
  find: (names) => `find ${names}`,
  du: (names) => `du ${names}`,
  stat: (names) => `stat ${names}`,
  inspect: (names) => `inspect ${names}`,
  cat: (names) => `cat ${names}`,
  head: (names) => `head ${names}`,
  tail: (names) => `tail ${names}`,
  rm: (names) => `rm ${names}`,
  cp: (names) => `cp ${names} into`,
  mv: (names) => `mv ${names} into`,
  chmod: (names) => `chmod 600 ${names}`,
  chown: (names) => `chown 5 ${names}`,
  touch: (names) => `touch ${names.replaceAll(/nosuch/g, 'nosuch/x')}`,
  mkdir: (names) => `mkdir ${names.replaceAll(/nosuch/g, 'nosuch/x').replace('there', 'new')}`,
  rmdir: (names) => `rmdir ${names.replace('there', 'empty')}`,
  get: (names) => `get ${names} .`,
};

test('commands of several names go on after one that fails: 3, and 1 where nothing was done', async (t) => {
  const { env, folder } = makeScratch(t);
  const script = Object.values(SEVERAL).flatMap((line) => [
    'rm -r /; touch there; mkdir into empty',
    line('nosuch nosuch2'),
    line('nosuch there'),
  ]);
  const { stdout, report } = await vtftp(['--json', '-S', 'memory:'], {
    env,
    cwd: folder,
    input: `set onerror continue\n${script.join('\n')}\n`,
  });
  const answers = stdout
    .split('\n')
    .filter((line) => line.startsWith('{"done"'))
    .map((line) => (JSON.parse(line) as { readonly status: number }).status);
  assert.equal(answers.length, 1 + script.length, report);
  for (const [i, name] of Object.keys(SEVERAL).entries())
    assert.deepEqual(answers.slice(2 + i * 3, 4 + i * 3), [1, 3], `${name}\n${report}`);
});

test('put goes on after a file that it cannot read: 3, and 1 where nothing was done', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('there'), 'x');
  const { env, folder } = scratch;
  const some = await vtftp(['-S', 'memory:', '-c', 'mkdir d; put nosuch there d'], { env, cwd: folder });
  assert.equal(some.status, 3, some.report);
  assert.match(some.stderr, /^put: \S*\/nosuch: no such file or directory\nput: done in part, 1 item failed\n$/, some.report);
  const none = await vtftp(['-S', 'memory:', '-c', 'mkdir d; put nosuch nosuch2 d'], { env, cwd: folder });
  assert.equal(none.status, 1, none.report);
  assert.match(none.stderr, /\nput: nothing done, all 2 items failed\n$/, none.report);
});

test('a get that could write nothing is a failure (1), says so, and prints no result', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'x');
  const { env, folder } = scratch;
  for (const plan of [[], ['-n']]) {
    const none = await vtftp([...plan, '-S', 'memory:', '-c', 'mkdir d; get nosuch nosuch2 .'], { env, cwd: folder });
    assert.equal(none.status, 1, none.report);
    assert.match(none.stderr, /^get: \/nosuch: .*\nget: \/nosuch2: .*\nget: failed, nothing was written\n$/, none.report);
    assert.doesNotMatch(none.stdout, /got/, none.report);
    const some = await vtftp([...plan, '-S', 'memory:', '-c', 'mkdir d; get d nosuch .'], { env, cwd: folder });
    assert.equal(some.status, 3, some.report);
  }
  const refused = await vtftp(['-S', 'memory:', '-c', 'put f; get f /proc/nosuch'], { env, cwd: folder });
  assert.equal(refused.status, 1, refused.report);
  assert.equal(refused.stderr, 'get: /f: write to /proc/nosuch: no such file or directory\nget: failed, nothing was written\n');
});

test('every command that takes several stored names is in the table', () => {
  // An archive without a name that was asked for would be taken for whole: `ar` makes none.
  const others = ['ar', 'less', 'push', 'pull', 'log', 'untail', 'blockify', 'follow', 'ln', 'restore'];
  const several = COMMANDS.filter(({ args = [] }) => args.some(({ kind, repeat }) => kind === 'stored' && repeat === true)).map(
    ({ name }) => name,
  );
  assert.deepEqual(
    several.filter((name) => SEVERAL[name] === undefined && !others.includes(name)),
    [],
  );
});

test('without HOME and an entry of the user the default Store is refused in one line, and a named one works', IS_ROOT, async (t) => {
  const { folder } = makeScratch(t);
  const as = (...args: readonly string[]) =>
    run(
      'env',
      ['-i', `PATH=${process.env['PATH'] ?? ''}`, 'setpriv', '--reuid=54321', '--clear-groups', process.execPath, PROGRAM, ...args],
      { cwd: folder },
    );
  const refused = await as('-c', 'mkdir a');
  assert.equal(refused.status, 10, refused.report);
  assert.match(refused.stderr, /^[^\n]*there is no home directory \(set HOME to a directory\)\n$/);
  const named = await as('-S', 'memory:', '-c', 'mkdir a; ls');
  assert.equal(named.status, 0, named.report);
});

test('an empty HOME makes no Store in the current directory', async (t) => {
  const scratch = makeScratch(t);
  const cwd = scratch.mkdir('here');
  const ended = await vtftp(['-c', 'ls'], {
    cwd,
    env: { ...scratch.env, HOME: '', XDG_DATA_HOME: '', XDG_CONFIG_HOME: '', XDG_STATE_HOME: '' },
  });
  assert.equal(ended.status, 0, ended.report);
  assert.deepEqual(readdirSync(cwd), []);
});

test('a Store that cannot be made is told of before any success, and a command that fails makes none', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'x');
  for (const line of [`put ${scratch.path('f')} f`, 'mkdir -p a', 'touch b']) {
    const ended = await vtftp(['-S', '/proc/nothing', '-c', line], { env: scratch.env });
    assert.equal(ended.status, 10, ended.report);
    assert.equal(ended.stdout, '', ended.report);
    const json = await vtftp(['-S', '/proc/nothing', '--json', '-c', line], { env: scratch.env });
    assert.equal(json.stdout, '', json.report);
  }
  const failed = await vtftp(['-S', scratch.path('typo'), '-c', 'rm x'], { env: scratch.env });
  assert.equal(failed.status, 1, failed.report);
  assert.ok(!existsSync(scratch.path('typo')));
});

test('an archive that is not there is 10 to whoever reads, and made by who writes', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = scratch.path('store');
  await vtftp(['-S', store, '-c', 'mkdir a; quit'], { env });
  for (const line of ['log', 'ls', 'find', 'stat', 'get / x', 'log a']) {
    const ended = await vtftp([`${store}@typo`, '-c', line], { env, cwd: scratch.folder });
    assert.equal(ended.status, 10, ended.report);
    assert.match(ended.stderr, /no archive "typo"/);
  }
  const made = await vtftp([`${store}@new`, '-c', 'mkdir b; ls; quit'], { env });
  assert.equal(made.status, 0, made.report);
  const read = await vtftp([`${store}@new`, '-c', 'ls; log'], { env });
  assert.match(read.stdout, /^b\n@1 /, read.report);
});

test('malformed data in a tree is damage (13); a malformed text that was typed is usage (2)', async (t) => {
  const { env } = makeScratch(t);
  const data = await vtftp(['-S', 'memory:', '-c', 'bind d D{block:LB{6869}}; ls d'], { env });
  assert.equal(data.status, 13, data.report);
  for (const text of ['D{', 'nonsense', 'F{block:B{}}', 'x-vt:/%']) {
    const typed = await vtftp(['-S', 'memory:', '-c', `bind x '${text}'`], { env });
    assert.equal(typed.status, 2, typed.report);
  }
});

test('chown of a name that this machine does not know warns', async (t) => {
  const { env } = makeScratch(t);
  const ended = await vtftp(['-S', 'memory:', '-c', 'mkdir a; chown no-such-user:no-such-group a; @chown no-such-user a; chown 5:5 a'], {
    env,
  });
  assert.equal(ended.status, 0, ended.report);
  assert.equal(ended.stderr.match(/no user "no-such-user"/g)?.length, 1, ended.report);
  assert.equal(ended.stderr.match(/no group "no-such-group"/g)?.length, 1, ended.report);
});

test('octets of argv that are not UTF-8 come through in commands and SOURCE, and are refused elsewhere', async (t) => {
  const scratch = makeScratch(t);
  const bash = (script: string) => run('bash', ['-c', script, process.execPath, PROGRAM], { env: scratch.env, cwd: scratch.folder });
  const named = await bash(`"$0" "$1" -S memory: -c $'touch \\xff; ls'`);
  assert.ok(named.stdoutBytes.subarray(0, 2).equals(Buffer.from('\xff\n', 'latin1')), named.report);
  const opened = await bash(`mkdir $'d\\xff'; touch $'d\\xff/inside'; "$0" "$1" -S memory: $'d\\xff' -c ls`);
  assert.equal(opened.stdout, 'inside\n', opened.report);
  const refused = await bash(`"$0" "$1" -S $'datadir:q\\xff' -c 'mkdir x'`);
  assert.equal(refused.status, 2, refused.report);
  assert.match(refused.stderr, /option --store: .* is not UTF-8/);
  assert.ok(!readdirSync(scratch.folder).some((name) => name.startsWith('q')));
});

test('head and tail take counts with signs', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'a\nb\nc\nd');
  const rows = [
    ['head -n -1', 'a\nb\nc\n'],
    ['head -n -9', ''],
    ['head --lines=-2', 'a\nb\n'],
    ['head -c -3', 'a\nb\n'],
    ['head -2', 'a\nb\n'],
    ['tail -n +3', 'c\nd'],
    ['tail -n -1', 'd'],
    ['tail -c +5', 'c\nd'],
  ] as const;
  for (const [command, shown] of rows) {
    const ended = await vtftp(
      [
        '-S',
        'memory:',
        '-c',
        `put -q ${scratch.path('f')} f > /dev/null; ${command} f > ${scratch.path('out')}; cat f`.replace('put -q', 'put'),
      ],
      { env: scratch.env },
    );
    assert.equal(ended.status, 0, ended.report);
    const own = await run('cat', [scratch.path('out')]);
    assert.equal(own.stdout, shown, command);
    assert.equal((await run('sh', ['-c', `${command} ${scratch.path('f')}`])).stdout, shown, `${command}, of this machine`);
  }
});

const UNSAFE: readonly { readonly name: string; readonly make: (file: string, folder: string) => void; readonly says: RegExp }[] = [
  { name: 'writable by the group', make: (file) => chmodSync(file, 0o664), says: /can be written by others \(run: chmod go-w / },
  { name: 'writable by others', make: (file) => chmodSync(file, 0o646), says: /can be written by others/ },
  { name: 'of another user', make: (file) => chownSync(file, 54321, 0), says: /belongs to another user \(run: chown / },
  {
    name: 'in a folder that others may write',
    make: (_, folder) => chmodSync(folder, 0o777),
    says: /its folder ".*" can be written by others/,
  },
  {
    name: 'in a folder of another user',
    make: (_, folder) => chownSync(folder, 54321, 0),
    says: /its folder ".*" belongs to another user/,
  },
];

for (const { name, make, says } of UNSAFE) {
  test(`a configuration, rc file, secret or TLS key ${name} is refused, with what to change`, IS_ROOT, async (t) => {
    const scratch = makeScratch(t);
    const folder = scratch.path('own');
    mkdirSync(folder, { mode: 0o700 });
    const file = `${folder}/file`;
    writeFileSync(file, '# pwd\n# pwd\n# pwd\n', { mode: 0o600 });
    const ways = [
      ['--config', file, '-S', 'memory:', '-c', 'pwd'],
      ['--rc', file, '-S', 'memory:', '-c', 'pwd'],
      ['-S', `tcp:127.0.0.1:1,secret=${file}`, '-c', 'ls'],
      ['-S', `tcp:127.0.0.1:1,cert=${file},key=${file},ca=${file}`, '-c', 'ls'],
    ];
    for (const args of ways.slice(0, 2)) assert.equal((await vtftp(args, { env: scratch.env })).status, 0);
    make(file, folder);
    for (const args of ways) {
      const ended = await vtftp(args, { env: scratch.env });
      assert.equal(ended.status, 12, ended.report);
      assert.match(ended.stderr, says);
    }
  });
}

test('a configuration may begin with a byte order mark; a variable in a value is refused by name', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('conf'), '\ufeff[one]\ntype = datadir\npath = ~/q\n');
  const good = await vtftp(['--config', scratch.path('conf'), '-S', '[one]', '-c', 'mkdir a; quit'], {
    env: scratch.env,
    cwd: scratch.folder,
  });
  assert.equal(good.status, 0, good.report);
  assert.ok(existsSync(scratch.path('home/q')));
  for (const line of ['type = datadir\npath = $HOME/q', 'store = datadir:$HOME/q', `type = datadir\npath = $${'{HOME}'}/q`]) {
    writeFileSync(scratch.path('conf'), `[one]\n${line}\n`);
    const bad = await vtftp(['--config', scratch.path('conf'), '-S', '[one]', '-c', 'mkdir a'], { env: scratch.env, cwd: scratch.folder });
    assert.equal(bad.status, 2, bad.report);
    assert.match(bad.stderr, /conf:\d: .*variables are not replaced/);
  }
});

test('a --json session over stdin goes on after an error, which is a part of the answer on stdout', async (t) => {
  const { env } = makeScratch(t);
  const ended = await vtftp(['--json', '-S', 'memory:'], { env, input: 'ls nosuch\nmkdir a\nbogus\nls\nrmdir a nosuch\n' });
  assert.equal(ended.stderr.split('\n').filter((line) => line.includes('"error"')).length, 0, ended.report);
  const lines = ended.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.filter((line) => line['done'] === true).map((line) => line['status']),
    [1, 0, 2, 0, 3],
    ended.report,
  );
  assert.deepEqual(
    lines
      .filter((line) => line['done'] === true)
      .slice(0, 2)
      .map(({ error, code, errno, path, status, done }) => [typeof error, code, errno, path, status, done]),
    [
      ['string', 'EFAILED', 'ENOENT', '/nosuch', 1, true],
      ['undefined', undefined, undefined, undefined, 0, true],
    ],
  );
  assert.ok(lines.some((line) => line['name'] === 'a'));
});
