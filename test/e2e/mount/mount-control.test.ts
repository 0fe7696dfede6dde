import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { controlOf, mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeScratch } from '../../support/scratch.ts';

type Answer = Readonly<Record<string, unknown>>;

/** Sends lines as they are and gives every answer until `done` came so many times or the other side ended. */
async function ask(path: string, lines: readonly string[], dones = lines.length): Promise<Answer[]> {
  const socket = connect(path);
  socket.setEncoding('utf8');
  socket.write(lines.map((line) => `${line}\n`).join(''));
  let text = '';
  let ended = 0;
  socket.on('data', (chunk: string) => {
    // What was cut in two by the end of a chunk counts with the rest of it.
    ended += `${text.slice(-10)}${chunk}`.split('"done":true').length - 1;
    text += chunk;
    if (ended >= dones) socket.end();
  });
  await once(socket, 'close');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

const request = (id: number, command: string): string => JSON.stringify({ id, command });

describe('the control channel of a mount', { skip: noMountsHere() ?? false }, () => {
  it('runs commands on the live tree, and both sides see each change at once', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    assert.equal((await mount.sh('mkdir d && printf one > d/f && ls d > /dev/null && cat d/f > /dev/null')).status, 0);
    const socket = await controlOf(mount);
    const answers = await ask(socket, [request(1, 'cat /d/f'), request(2, 'mv d/f d/g; mkdir e; chmod 700 d'), request(3, 'cat d/none')]);
    assert.equal(Buffer.from(String(answers.find(({ id }) => id === 1)?.['data_b64']), 'base64').toString(), 'one');
    assert.deepEqual(
      answers.filter(({ done }) => done === true).map(({ id, status }) => [id, status]),
      [
        [1, 0],
        [2, 0],
        [3, 1],
      ],
    );
    assert.match(String(answers.find(({ id, error }) => id === 3 && error !== undefined)?.['error']), /no such file/);
    const seen = await mount.sh('ls . d; cat d/g; stat -c %a d');
    assert.equal(seen.stdout, '.:\nd\ne\n\nd:\ng\none700\n', seen.report);
  });

  it('the socket is for its owner alone: mode 0600 in a directory of mode 0700', async (t) => {
    const socket = await controlOf(await mounted(t, makeScratch(t)));
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
  });

  it('joins and merges Dirrefs whose Blocks are there; of any other source and of Blocks that are missing it says so', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    assert.equal((await mount.sh('mkdir d && printf one > d/f')).status, 0);
    const dirref = recited(await mount.vtftp(mount.path, '-c', 'quit'));
    assert.equal((await mount.sh('printf two > d/g; rm d/f')).status, 0);
    const missing = dirref.replace(/[0-9a-f]{8}(?=\},span)/, '01234567');
    const lines = [`join ${dirref} j`, `merge --conflict=both ${dirref} d`, `join ${mount.path} k`, `merge ./other`, `join ${missing} m`];
    const answers = await ask(
      await controlOf(mount),
      lines.map((line, index) => request(index, line)),
    );
    const statuses = answers.filter(({ done }) => done === true).map(({ status }) => status);
    assert.deepEqual(statuses, [0, 0, 12, 12, 13], JSON.stringify(answers));
    assert.deepEqual(
      answers.filter(({ id, done }) => id === 0 && done !== true),
      [
        { command: 'join', id: 0, join: dirref, path: '/j' },
        { command: 'join', id: 0, changed: true, dirref: null },
      ],
    );
    assert.ok(answers.some(({ id, merged, conflicts }) => id === 1 && merged === true && conflicts === 0));
    for (const [id, says] of [
      [2, /^join: .*: not allowed over the control channel$/],
      [3, /^merge: \.\/other: not allowed over the control channel$/],
      [4, /^join: .*01234567: not in Store /],
    ] as const)
      assert.match(String(answers.find((answer) => answer['id'] === id && answer['error'] !== undefined)?.['error']), says);
    assert.equal((await mount.sh('cat j/d/f; ls d; ls')).stdout, 'oned\ng\nd\nj\n');
  });

  it('a request of 40,000 names does not keep the mount from answering others', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    assert.equal((await mount.sh('mkdir x7')).status, 0);
    const names = Array.from({ length: 40_000 }, (_, i) => `x${i}`).join(' ');
    let answers: Answer[] | undefined;
    const asked = ask(await controlOf(mount), [request(1, `stat ${names}`)]).then((all) => {
      answers = all;
    });
    let looks = 0;
    // Each name is another one: the kernel asks the mount, and has nothing of its own to say.
    for (; answers === undefined; looks++) await assert.rejects(stat(`${mount.path}/none${looks}`), { code: 'ENOENT' });
    await asked;
    const { id, done, status, code } = answers?.at(-1) ?? {};
    assert.deepEqual([id, done, status, code], [1, true, 3, 'EPARTIAL']);
    assert.equal(answers?.filter(({ failure }) => failure !== undefined).length, 39_999);
    assert.ok(looks > 4, `answered ${looks} times meanwhile`);
  });

  it('refuses what reaches beyond the tree, what is no request, and lines without end', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const socket = await controlOf(mount);
    writeFileSync(scratch.path('local'), 'x');
    const lines = [
      `put ${scratch.path('local')}`,
      '!touch here',
      'ls | cat',
      'ls > out',
      'open default',
      'quit',
      `source ${scratch.path('local')}`,
      'umount /',
      'cd @1',
      `inspect --svg ${scratch.path('svg')} /`,
    ];
    const answers = await ask(
      socket,
      lines.map((line, index) => request(index, line)),
    );
    const ends = answers.filter(({ done }) => done === true);
    assert.equal(ends.length, lines.length);
    for (const { id, status } of ends) assert.notEqual(status, 0, lines[Number(id)]);
    const bad = await ask(socket, [
      'no json',
      '[]',
      '{"id":1}',
      request(5, 'pwd'),
      '{"id":9007199254740995,"command":"pwd"}',
      '{"id":0.1,"command":"pwd"}',
    ]);
    assert.deepEqual(
      bad.filter(({ done }) => done === true).map(({ status }) => status),
      [2, 2, 2, 0, 2, 2],
    );
    // Far more than the limit: who sends it reads the answer only then.
    const long = await ask(socket, ['x'.repeat(40 * 1024 * 1024)]);
    assert.match(String(long[0]?.['error']), /longer than/);
    assert.equal((await ask(socket, [request(9, 'pwd')])).at(-1)?.['status'], 0);
  });

  it('a client that reads nothing stalls nobody', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    assert.equal((await mount.sh('head -c 8000000 /dev/zero > big')).status, 0);
    const socket = await controlOf(mount);
    const hung = connect(socket);
    hung.pause();
    hung.write(`${request(1, 'cat big')}\n`);
    await once(hung, 'connect');
    const answers = await ask(socket, [request(2, 'mkdir while')]);
    assert.equal(answers.at(-1)?.['status'], 0);
    assert.equal((await mount.sh('test -d while && wc -c < big')).stdout, '8000000\n');
    // Neither does one that never ends its line, nor all that may connect: only one more is sent away.
    const idle = Array.from({ length: 31 }, () => connect(socket));
    await Promise.all(idle.map(async (each) => await once(each, 'connect')));
    idle[0]?.write('{"id":1,');
    const [refused] = await ask(socket, [request(3, 'pwd')], 1);
    assert.deepEqual([refused?.['status'], String(refused?.['error'])], [1, 'connect: too many clients']);
    const shell = await mount.vtftp(mount.path, '-c', 'ls');
    assert.equal(shell.status, 10, shell.report);
    assert.match(shell.stderr, /too many clients/);
    for (const each of idle) each.destroy();
    // They have gone once their places are free.
    while ((await mount.vtftp(mount.path, '-c', 'ls')).status !== 0);
    assert.equal((await mount.sh('wc -c < big')).stdout, '8000000\n');
    hung.destroy();
  });

  it('other users are sent away, whatever the mode of the socket', {
    skip: process.getuid?.() === 0 ? false : 'takes two users',
  }, async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const socket = await controlOf(mount);
    const asNobody = async () =>
      await run('python3', [
        '-c',
        `import os, socket; os.setgroups([]); os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect("${socket}"); print(s.makefile().readline())`,
      ]);
    assert.match((await asNobody()).stderr, /Permission denied/);
    chmodSync(socket, 0o666);
    for (let folder = dirname(socket); folder.startsWith(scratch.folder); folder = dirname(folder)) chmodSync(folder, 0o755);
    const refused = await asNobody();
    assert.match(refused.stdout, /"error":"connect: not your mount".*"status":12/, refused.report);
  });

  it('the client in vt(7) works as it stands there', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const page = readFileSync(join(PROJECT_ROOT, 'man/vt.7'), 'utf8');
    const text = /\.\\" control client\n\.Bd -literal -compact\n([\s\S]*?)\.Ed\n/
      .exec(page)?.[1]
      ?.replaceAll('\\e', '\\')
      .replaceAll('\\-', '-')
      .replaceAll('\\(aq', "'");
    assert.ok(text !== undefined);
    writeFileSync(scratch.path('client.py'), text);
    const made = await run('python3', [scratch.path('client.py'), await controlOf(mount), 'mkdir made; ls /'], {});
    assert.equal(made.status, 0, made.report);
    assert.match(made.stdout, /made/);
    const failed = await run('python3', [scratch.path('client.py'), await controlOf(mount), 'ls /none'], {});
    assert.notEqual(failed.status, 0, failed.report);
  });

  it('two mounts of one archive by two processes: each sees what the other wrote once both have synced', async (t) => {
    const scratch = makeScratch(t);
    const first = await mounted(t, scratch);
    const path = scratch.path('second');
    const env = { ...scratch.env, XDG_RUNTIME_DIR: scratch.path('runtime') };
    scratch.beforeRemoval(() => void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${path}`], { env: { ...process.env, ...env } }));
    const made = await vtftp(['-S', scratch.path('store'), '-c', `mount ${path}`], { env, cwd: scratch.folder });
    assert.equal(made.status, 0, made.report);
    assert.equal((await run('sh', ['-c', `mkdir a; echo a > a/file; echo first > both; ${RECORD}`], { cwd: first.path })).status, 0);
    // It holds a file open all the while.
    const script = `echo held > held; exec 3>> held; mkdir b; echo b > b/file; echo second > both; ${RECORD}; ls; cat a/file; echo more >&3; cat held; cat both*`;
    const second = await run('sh', ['-c', script], { cwd: path });
    assert.match(second.stdout, /^a\nb\nboth\nboth[^\n]+\nheld\na\nheld\nmore\n/, second.report);
    assert.match(second.stdout, /first/);
    assert.match(second.stdout, /second/);
    const left = await vtftp(['-S', scratch.path('store'), '-c', `umount ${path}`], { env, cwd: scratch.folder });
    assert.equal(left.status, 0, left.report);
    const back = await run('sh', ['-c', `touch now; ${RECORD}; cat a/file b/file held`], { cwd: first.path });
    assert.equal(back.stdout, 'a\nb\nheld\nmore\n', back.report);
    assert.equal((await first.unmount()).status, 0);
  });
});
