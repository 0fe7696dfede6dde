import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { startSshd } from '../../support/links/sshd.ts';
import type { Run } from '../../support/program.ts';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

function scratchWithTree(t: TestContext): Scratch {
  const scratch = makeScratch(t);
  const tree = scratch.mkdir('tree');
  mkdirSync(`${tree}/below`);
  writeFileSync(`${tree}/one.txt`, 'the first\n');
  writeFileSync(`${tree}/below/large`, Buffer.alloc(300_000, 'served and fetched '));
  return scratch;
}

function ok(session: Run): Run {
  assert.equal(session.status, 0, session.report);
  return session;
}

/** Words as a shell reads them. */
function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** A specification that serves a Store by a command of this machine. */
function commandSpecification(store: string, more: readonly string[] = []): string {
  return `!${quoted([process.execPath, PROGRAM, '-S', store, '-c', ['serve -', ...more].join(' ')])}`;
}

async function roundTrip(scratch: Scratch, specification: string, store: string): Promise<void> {
  const { env } = scratch;
  const put = ok(await vtftp(['-S', specification, '-c', `put ${scratch.path('tree')} tree; quit`], { env }));
  const again = ok(await vtftp(['-S', specification, '-c', `ls tree; cat tree/one.txt; get tree ${scratch.path('got')}`], { env }));
  assert.match(again.stdout, /below\none\.txt\nthe first\n/);
  assert.deepEqual(readFileSync(scratch.path('got/below/large')), readFileSync(scratch.path('tree/below/large')));
  // What went in there stands in the Store itself, and its archive knows it.
  const local = ok(await vtftp(['-S', store, '-c', 'log -l; fsck; ls -l tree'], { env }));
  assert.match(local.stdout, /^@1 /);
  assert.ok(local.stdout.includes(recited(put)), local.report);
  assert.doesNotMatch(local.stdout, /missing|damaged/);
}

it('a Store is served on a UNIX socket which only its user can reach, and ends in good order', async (t) => {
  const scratch = scratchWithTree(t);
  const store = scratch.path('store');
  const path = scratch.path('run/deep/store.sock');
  const served = await serve(scratch, store, `serve unix:${path}`);
  assert.equal(served.address, `unix:${path}`);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
  await roundTrip(scratch, served.address, store);
  const taken = await vtftp(['-S', store, '-c', `serve ${path}`], { env: scratch.env });
  assert.equal(taken.status, 10, taken.report);
  assert.match(taken.stderr, /another process serves it/);
  const { status, stderr } = await served.stop();
  assert.deepEqual({ status, stderr }, { status: 143, stderr: '' });
  assert.ok(!existsSync(path));
  const gone = await vtftp(['-S', served.address, '-c', 'ls'], { env: scratch.env });
  assert.equal(gone.status, 10, gone.report);
});

it('a socket that a killed process left behind is taken over, and any other file is not', async (t) => {
  const scratch = scratchWithTree(t);
  const path = scratch.path('s.sock');
  const killed = await serve(scratch, scratch.path('store'), `serve ${path}`);
  await killed.stop('SIGKILL');
  assert.ok(existsSync(path));
  const next = await serve(scratch, scratch.path('store'), `serve ${path}`);
  assert.equal((await next.stop('SIGINT')).status, 0);
  writeFileSync(path, 'precious');
  const refused = await vtftp(['-c', `serve ${path}`], { env: scratch.env });
  assert.equal(refused.status, 10, refused.report);
  assert.equal(readFileSync(path, 'utf8'), 'precious');
});

it('processes of another user are not served, though the socket be open to them', {
  skip: process.getuid?.() === 0 ? false : 'only root is several users',
}, async (t) => {
  const scratch = scratchWithTree(t);
  const path = scratch.path('s.sock');
  const served = await serve(scratch, scratch.path('store'), `serve ${path}`);
  chmodSync(path, 0o777);
  // A UNIX socket's other end is of the user who connected.
  const script = `const s = require('node:net').connect(${JSON.stringify(path)}); s.on('close', () => process.exit(7)); s.on('error', () => process.exit(8)); s.write('x')`;
  const other = await run('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, '-e', script], {
    cwd: '/',
  });
  assert.ok(other.status === 7 || other.status === 8, other.report);
  const { stderr } = await served.stop();
  assert.match(stderr, /client 1 refused: its user 65534 may not connect/);
});

it('over TCP this machine is served; others only with a secret', async (t) => {
  const scratch = scratchWithTree(t);
  const store = scratch.path('store');
  const open = await vtftp(['-S', store, '-c', 'serve tcp:0.0.0.0:0'], { env: scratch.env });
  assert.equal(open.status, 12, open.report);
  assert.match(open.stderr, /--secret/);
  const served = await serve(scratch, store, 'serve tcp:0');
  assert.match(served.address, /^tcp:127\.0\.0\.1:\d+$/);
  await roundTrip(scratch, served.address, store);
  await served.stop();
  const secret = scratch.path('secret');
  writeFileSync(secret, 'a secret of the test, long enough\n', { mode: 0o600 });
  const guarded = await serve(scratch, store, `serve tcp:0.0.0.0:0 --secret ${secret}`);
  const port = /:(\d+)$/.exec(guarded.address)?.[1] ?? '';
  ok(await vtftp(['-S', `tcp:127.0.0.1:${port},secret=${secret}`, '-c', 'ls tree'], { env: scratch.env }));
  const without = await vtftp(['-S', `tcp:127.0.0.1:${port}`, '-c', 'ls tree'], { env: scratch.env });
  assert.equal(without.status, 12, without.report);
  assert.match(without.stderr, /secret/);
  writeFileSync(secret, 'short');
  const short = await vtftp(['-S', store, '-c', `serve tcp:0 --secret ${secret}`], { env: scratch.env });
  assert.equal(short.status, 2, short.report);
});

it('a command that serves its Store on standard input and output is a Store', async (t) => {
  const scratch = scratchWithTree(t);
  const store = scratch.path('store');
  await roundTrip(scratch, commandSpecification(store), store);
  const readOnly = commandSpecification(store, ['--read-only']);
  const refused = await vtftp(['-S', readOnly, '-c', `put ${scratch.path('tree')} more; quit`], { env: scratch.env });
  assert.equal(refused.status, 11, refused.report);
  ok(await vtftp(['-S', readOnly, '-c', 'cat tree/one.txt'], { env: scratch.env }));
  const failing = await vtftp(['-S', '!echo it went wrong >&2; exit 3', '-c', 'ls'], { env: scratch.env });
  assert.equal(failing.status, 10, failing.report);
  assert.match(failing.stderr, /ended with status 3: it went wrong/);
});

it('a Store is reached through a real sshd: by a command, and through a forwarded UNIX socket', async (t) => {
  const scratch = scratchWithTree(t);
  const { ssh } = await startSshd(scratch);
  const env = Object.entries(scratch.env).map(([name, value]) => `${name}=${value}`);
  const store = scratch.path('store');
  const there = quoted(['env', ...env, process.execPath, PROGRAM, '-S', store, '-c', 'serve -']);
  await roundTrip(scratch, `!${quoted([...ssh, there])}`, store);

  const path = scratch.path('there.sock');
  const served = await serve(scratch, store, `serve ${path}`);
  const forwarded = scratch.path('here.sock');
  const host = ssh.at(-1) ?? '';
  const forward = spawn('ssh', [...ssh.slice(1, -1), '-o', 'ExitOnForwardFailure=yes', '-N', '-L', `${forwarded}:${path}`, host], {
    stdio: 'ignore',
  });
  scratch.beforeRemoval(() => forward.kill('SIGKILL'));
  await answers(forwarded);
  const seen = ok(
    await vtftp(['-S', `unix:${forwarded}`, '-c', `put ${scratch.path('tree')} over-the-socket; ls; quit`], { env: scratch.env }),
  );
  assert.match(seen.stdout, /over-the-socket/);
  const local = ok(await vtftp(['-S', store, '-c', 'cat over-the-socket/one.txt'], { env: scratch.env }));
  assert.equal(local.stdout, 'the first\n');
  await served.stop();
});

it('the command lines for ssh that the manual pages give work as they stand there', async (t) => {
  const scratch = scratchWithTree(t);
  const { ssh } = await startSshd(scratch);
  const env = Object.entries(scratch.env).map(([name, value]) => `${name}=${value}`);
  const there = scratch.path('vtftp');
  writeFileSync(there, `#!/bin/sh\nexec ${quoted(['env', ...env, process.execPath, PROGRAM, '-S', scratch.path('store')])} "$@"\n`, {
    mode: 0o755,
  });
  const found = ['man/vtftp.1', 'man/vtftp.conf.5'].flatMap((page) => {
    const text = readFileSync(join(PROJECT_ROOT, page), 'utf8')
      .replaceAll('\\(dq', '"')
      .replaceAll('\\e', '\\')
      .replaceAll('\\-', '-')
      .replaceAll('\n', ' ');
    return [...text.matchAll(/!ssh (?:host|backup) .*?serve -[\\"]*/g)].map(([line]) => line);
  });
  assert.ok(found.length >= 4, found.join('\n'));
  const lines = new Set(found.map((line) => line.replace('vtftp', there).replace(/^!ssh \w+/, `!${quoted(ssh)}`)));
  for (const line of lines) await roundTrip(scratch, line, scratch.path('store'));
});

it('the example of vtftp(1) that sends a tree to another machine works as it stands there', async (t) => {
  const scratch = scratchWithTree(t);
  const { env } = scratch;
  const page = readFileSync(join(PROJECT_ROOT, 'man/vtftp.1'), 'utf8');
  const [, line = ''] = /^\.Dl vtftp -c '(push --peer \[host\].*)'$/m.exec(page) ?? [];
  assert.notEqual(line, '');
  const config = scratch.path('vtftp.conf');
  const store = scratch.path('far');
  writeFileSync(config, `[host]\nstore = '${commandSpecification(store)}'\n`);
  ok(await vtftp(['-S', store, '-c', 'mkdir first; quit'], { env }));
  ok(await vtftp(['-S', scratch.path('near'), '-c', `pull -p ${store}; put ${scratch.path('tree')} Documents; quit`], { env }));
  ok(await vtftp(['--config', config, '-S', scratch.path('near'), '-c', line], { env }));
  const back = ok(await vtftp(['-S', commandSpecification(store), '-c', 'cat Documents/one.txt'], { env }));
  assert.equal(back.stdout, 'the first\n');
});

/** Resolves when somebody listens on a UNIX socket. */
async function answers(path: string): Promise<void> {
  for (;;) {
    const socket = connect({ path });
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => setImmediate(resolve, false));
    });
    socket.destroy();
    if (isThere) return;
  }
}

it('several Stores are served by name; an append-only one takes roots in the order of time alone', async (t) => {
  const scratch = scratchWithTree(t);
  const { env } = scratch;
  const first = ok(await vtftp(['-S', scratch.path('other'), '-c', `put ${scratch.path('tree')} other; quit`], { env }));
  const served = await serve(
    scratch,
    scratch.path('store'),
    `serve --append-only ${scratch.path('s.sock')} other=${scratch.path('other')}`,
  );
  const named = ok(await vtftp(['-S', `${served.address},export=other`, '-c', 'ls; log -l'], { env }));
  assert.ok(named.stdout.startsWith('other\n') && named.stdout.includes(recited(first).slice(0, 30)), named.report);
  ok(await vtftp(['-S', served.address, '-c', 'mkdir new; quit'], { env }));
  const archive = readFileSync(scratch.path('store/archives/default.vt'), 'latin1');
  assert.equal(archive.trim().split('\n').length, 1);
  const unknown = await vtftp(['-S', `${served.address},export=third`, '-c', 'ls'], { env });
  assert.equal(unknown.status, 10, unknown.report);
  assert.match(unknown.stderr, /name one of other/);
  await served.stop();
});

it('a second put of a tree into a served Store reads no file, also behind a cache; after a gc over there it does', async (t) => {
  const scratch = scratchWithTree(t);
  const { env } = scratch;
  const store = scratch.path('store');
  const served = await serve(scratch, store, `serve ${scratch.path('s.sock')}`);
  for (const specification of [served.address, `filecache:${scratch.path('cache')},backend=${served.address}`]) {
    const put = async (): Promise<string> =>
      ok(await vtftp(['-S', specification, '-c', `put ${scratch.path('tree')} tree; quit`], { env })).stdout;
    await put();
    assert.match(await put(), /^put \/tree: 2 files, .* \(unchanged\);/);
    assert.match(ok(await vtftp(['-n', '-S', specification, '-c', `put ${scratch.path('tree')} tree`], { env })).stdout, /\(unchanged\)/);
  }
  ok(await vtftp(['-S', served.address, '-c', 'rm -r tree; quit'], { env }));
  await served.stop();
  ok(await vtftp(['-S', store, '-c', 'forget --keep-last=1; gc --grace=0'], { env }));
  const again = await serve(scratch, store, `serve ${scratch.path('s.sock')}`);
  ok(await vtftp(['-S', again.address, '-c', `put ${scratch.path('tree')} tree; quit`], { env }));
  await again.stop();
  const local = ok(await vtftp(['-S', store, '-c', 'fsck; cat tree/one.txt'], { env }));
  assert.match(local.stdout, /the first\n$/);
});

it('a command with an @ in its words is a source, also with an archive behind it', async (t) => {
  const scratch = scratchWithTree(t);
  const { env } = scratch;
  const command = commandSpecification(scratch.path('store')).replace('!', '!LANG=me@host ');
  ok(await vtftp(['-S', scratch.path('store'), '-c', 'mkdir made; quit'], { env }));
  for (const source of [command, `${command}@default`]) assert.match(ok(await vtftp([source, '-c', 'ls'], { env })).stdout, /^made$/m);
});

it('SIGTERM lets what was asked be answered, and what was added is kept', async (t) => {
  const scratch = scratchWithTree(t);
  writeFileSync(
    scratch.path('tree/more'),
    Buffer.alloc(8 << 20, 1).map((_, i) => (i * 2_654_435_761) >>> 24),
  );
  const store = scratch.path('store');
  const served = await serve(scratch, store, `serve ${scratch.path('s.sock')}`);
  ok(await vtftp(['-S', served.address, '-c', `put ${scratch.path('tree')} tree; quit`], { env: scratch.env }));
  const { status } = await served.stop();
  assert.equal(status, 143);
  const found = ok(await vtftp(['-S', store, '-c', 'fsck; scrub; cat tree/one.txt'], { env: scratch.env }));
  assert.match(found.stdout, /the first\n$/);
  assert.deepEqual(readdirSync(`${store}/writers`), [], 'nobody is left among the writers');
});

it('--trace-wire prints each packet on standard error', async (t) => {
  const scratch = scratchWithTree(t);
  const traced = ok(
    await vtftp(['--trace-wire', '-S', commandSpecification(scratch.path('store')), '-c', `put ${scratch.path('tree')} tree; quit`], {
      env: scratch.env,
    }),
  );
  const lines = traced.stderr.split('\n').filter((line) => /^[<>] tag \d+ /.test(line));
  for (const word of [
    '> tag 2 hello {"version":1}',
    '< tag 2 response to hello ok {',
    'addRecords',
    'flush',
    'entryAppend',
    'end of stream',
  ])
    assert.ok(
      lines.some((line) => line.includes(word)),
      `${word}\n${traced.report}`,
    );
  assert.match(recited(traced), /^D\{/);
});

it('peers are added by any specification, listed with how they are reached, and dropped', async (t) => {
  const scratch = scratchWithTree(t);
  const { env } = scratch;
  ok(await vtftp(['-S', scratch.path('near'), '-c', 'mkdir x; quit'], { env }));
  ok(await vtftp(['-S', `datadir:${scratch.path('far')},hash=blake3`, '-c', 'mkdir x; quit'], { env }));
  const served = await serve(scratch, scratch.path('near'), `serve --read-only ${scratch.path('served.sock')}`);
  const lines = [
    `peer ${scratch.path('near')}`,
    `peer ${served.address}`,
    `peer --name far ${scratch.path('far')}`,
    `peer "${commandSpecification(scratch.path('near')).replaceAll('"', '\\"')}"`,
    'peer --drop served',
    'peer --drop near',
    'peers',
  ];
  const session = ok(await vtftp(['--json', '-S', scratch.path('near'), '-c', lines.join('; ')], { env }));
  interface Row {
    readonly peer: string;
    readonly reached: string;
    readonly latency_ms: number;
    readonly hash: string;
    readonly write: boolean;
  }
  const rows = session.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  assert.equal(rows.length, 6, session.report);
  assert.deepEqual(
    rows.slice(0, 3).map(({ peer, reached, hash, write }) => ({ peer, reached, hash, write })),
    [
      { peer: 'near', reached: `datadir:${scratch.path('near')}`, hash: 'sha3-256', write: true },
      { peer: 'served', reached: served.address, hash: 'sha3-256', write: false },
      { peer: 'far', reached: `datadir:${scratch.path('far')}`, hash: 'blake3', write: true },
    ],
  );
  assert.ok(rows.every(({ latency_ms: ms }) => ms >= 0 && ms < 60_000));
  assert.deepEqual(
    rows.slice(4).map(({ peer }) => peer),
    ['far', 'command'],
  );
  assert.match(session.stderr, /its hash function is blake3/);
  const twice = await vtftp(
    ['-S', scratch.path('near'), '-c', `peer --name a ${scratch.path('near')}; peer --name a ${scratch.path('far')}`],
    { env },
  );
  assert.equal(twice.status, 2, twice.report);
  const none = await vtftp(['-S', scratch.path('near'), '-c', 'peer --drop nobody'], { env });
  assert.equal(none.status, 2, none.report);
});

it('a specification that runs a command is taken from a configuration of the user alone', {
  skip: process.getuid?.() === 0 ? false : 'only root can give files away',
}, async (t) => {
  const scratch = scratchWithTree(t);
  const ran = scratch.path('ran');
  const config = scratch.path('vtftp.conf');
  writeFileSync(config, `[remote]\nstore = !touch ${ran}\n`);
  const ask = async (): Promise<Run> => await vtftp(['--config', config, '-c', 'peer [remote]'], { env: scratch.env });
  chownSync(config, 65534, 65534);
  const foreign = await ask();
  assert.equal(foreign.status, 12, foreign.report);
  assert.match(foreign.stderr, /belongs to another user/);
  chownSync(config, 0, 0);
  chmodSync(config, 0o666);
  assert.equal((await ask()).status, 12);
  assert.ok(!existsSync(ran));
  chmodSync(config, 0o644);
  assert.equal((await ask()).status, 10);
  assert.ok(existsSync(ran));
});

it('what cannot be opened in a Store that is served is told, and the program ends', async (t) => {
  const scratch = scratchWithTree(t);
  const { env } = scratch;
  recited(await vtftp(['-S', scratch.path('far'), '-c', `put ${scratch.path('tree')} tree`], { env }));
  const other = await vtftp([`${scratch.path('far')}@other`, '-c', 'mkdir elsewhere'], { env });
  assert.equal(other.status, 0, other.report);
  const served = await serve(scratch, scratch.path('far'), `serve unix:${scratch.path('sock')}`);
  const past = await vtftp([`${served.address}@99`, '-c', 'ls'], { env });
  assert.equal(past.status, 10, past.report);
  assert.match(past.stderr, /^vtftp: @99: no such state \(log lists them\)\n$/);
  const named = await vtftp([`${served.address}@other`, '-c', 'ls'], { env });
  assert.equal(named.status, 0, named.report);
  assert.equal(named.stdout, 'elsewhere\n');
  assert.equal(named.stderr, '');
});
