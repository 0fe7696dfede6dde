import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { PROGRAM, run, vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

type Answer = Readonly<Record<string, unknown>>;

/** What a session answers to lines on its standard input. */
async function answersTo(t: TestContext, lines: readonly (string | object)[], more: readonly string[] = []) {
  const { env, folder } = makeScratch(t);
  const input = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  const session = await vtftp(['--json', '-S', 'memory:', ...more], { env, cwd: folder, input });
  const answers = session.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Answer);
  return { session, answers, ends: answers.filter(({ done }) => done === true) };
}

const b64 = (octets: string): object => ({ b64: Buffer.from(octets, 'latin1').toString('base64') });

describe('requests in JSON on standard input', () => {
  it('each object of an answer names its request and its command', async (t) => {
    const { session, answers } = await answersTo(t, [
      { id: 1, command: 'mkdir a; stat a' },
      { id: 'two', argv: ['ls', '-l'] },
      { id: 3, command: '-rm none; rmdir a none; pwd' },
    ]);
    assert.equal(session.stderr, '', session.report);
    assert.deepEqual(
      answers.map(({ id, command, done }) => [id, command, done]),
      [
        [1, 'mkdir', undefined],
        [1, 'stat', undefined],
        [1, undefined, true],
        ['two', 'ls', undefined],
        ['two', undefined, true],
        [3, 'rm', undefined],
        [3, 'rm', undefined],
        [3, 'rmdir', undefined],
        [3, 'rmdir', undefined],
        [3, 'rmdir', true],
        [undefined, undefined, undefined],
      ],
      session.report,
    );
    const [, , , , , , ignored, failure, , end] = answers;
    assert.deepEqual([ignored?.['errno'], ignored?.['path'], ignored?.['where'], ignored?.['column']], ['ENOENT', '/none', 'stdin:3', 1]);
    assert.deepEqual(
      [failure?.['failure'], failure?.['code'], failure?.['errno'], failure?.['path'], failure?.['status']],
      ['rmdir: /none: no such file or directory', 'EFAILED', 'ENOENT', '/none', 1],
    );
    assert.deepEqual([end?.['status'], end?.['code'], end?.['column']], [3, 'EPARTIAL', 11]);
  });

  it('words of argv stand for themselves: blanks, quotes, globs, operators, newlines, bytes that are no UTF-8', async (t) => {
    const names = ['a b', "it's", '*', 'x; rm -r y', '$HOME', 'new\nline', '~', '@1', '# no', 'D{', '{"id":1}', '!true', '\\', '|', '-'];
    const { session, answers, ends } = await answersTo(t, [
      { id: 1, argv: ['mkdir', '--', ...names, b64('\xff\xfe')] },
      { id: 2, argv: ['ls', '-a'] },
      { id: 3, argv: ['rmdir', b64('\xff\xfe'), '--', ...names] },
      { id: 4, argv: ['ls'] },
    ]);
    assert.deepEqual(
      ends.map(({ status }) => status),
      [0, 0, 0, 0],
      session.report,
    );
    const listed = answers.filter(({ id, done }) => id === 2 && done !== true);
    assert.deepEqual(new Set(listed.map(({ name, name_b64 }) => name_b64 ?? name)), new Set([...names, '//4=']));
    assert.deepEqual(
      answers.filter(({ id, done }) => id === 4 && done !== true),
      [],
    );
  });

  it('a name that stands first in argv is a command, whatever it begins with', async (t) => {
    for (const name of ['-ls', '@ls', '!', 'no such', '']) {
      const { ends, session } = await answersTo(t, [{ id: 1, argv: [name, 'x'] }]);
      assert.notEqual(ends[0]?.['status'], 0, `${name}\n${session.report}`);
    }
  });

  it('what is no request is answered with its id and status 2, and the session goes on', async (t) => {
    const { session, ends } = await answersTo(t, [
      '{',
      { id: 1 },
      { id: 2, command: 'pwd', argv: ['pwd'] },
      { id: 3, argv: [] },
      { id: 4, argv: ['pwd', 5] },
      { id: 5, command: 5 },
      { id: 2 ** 53, command: 'pwd' },
      { id: 6, request: 'about' },
      { id: 7, cancel: {} },
      { id: 20, argv: ['ls', { b64: 'YQ== and more' }] },
      '{"id":21,"argv":["ls","\\ud800"]}',
      '{"id":22,"command":"ls \\ud800"}',
      { id: 8, command: "ls 'open" },
      { id: 23, argv: Array.from({ length: 131_073 }, () => 'x') },
      { id: 24, command: 'x '.repeat(131_073) },
      { id: 9, command: 'pwd' },
      'pwd',
    ]);
    assert.deepEqual(
      ends.map(({ id, status }) => [id, status]),
      [
        [undefined, 2],
        [1, 2],
        [2, 2],
        [3, 2],
        [4, 2],
        [5, 2],
        [undefined, 2],
        [6, 2],
        [7, 2],
        [20, 2],
        [21, 2],
        [22, 2],
        [8, 2],
        [23, 2],
        [24, 2],
        [9, 0],
        [undefined, 0],
      ],
      session.report,
    );
    for (const { status, error, code } of ends.filter((end) => end['status'] !== 0)) {
      assert.deepEqual([typeof error, code], ['string', 'EUSAGE'], String(status));
    }
  });

  it('content comes with the path that it is of, output of local commands as bytes with its status', async (t) => {
    const { session, answers } = await answersTo(t, [
      { id: 1, command: '!printf text > f' },
      { id: 2, argv: ['put', 'f', '/g'] },
      { id: 3, command: 'cat g; head -c 2 g; tail -c 2 g' },
      { id: 4, command: '!echo out' },
      { id: 5, argv: ['!', 'exit 3'] },
    ]);
    const content = answers.filter(({ id, data_b64 }) => id === 3 && data_b64 !== undefined);
    assert.deepEqual(
      content.map(({ command, path, data_b64 }) => [command, path, Buffer.from(String(data_b64), 'base64').toString()]),
      [
        ['cat', '/g', 'text'],
        ['head', '/g', 'te'],
        ['tail', '/g', 'xt'],
      ],
      session.report,
    );
    const local = answers.filter(({ id, done }) => Number(id) >= 4 && done !== true);
    assert.deepEqual(
      local.map(({ command, data_b64, exit_status }) => [command, data_b64, exit_status]),
      [
        ['!', Buffer.from('out\n').toString('base64'), undefined],
        ['!', undefined, 0],
        ['!', undefined, 3],
      ],
      session.report,
    );
  });

  it('a plan is an object of each command that changes something', async (t) => {
    const lines = ['mkdir a', 'sync', 'scrub', 'repair', 'ls > out', '!true'];
    const { session, answers } = await answersTo(t, lines, ['-n']);
    assert.deepEqual(
      answers.filter(({ plan }) => typeof plan === 'string').map(({ plan }) => plan),
      ['mkdir a', 'sync', 'read and verify Blocks', 'look for Blocks that are missing or damaged', 'write out', '! true'],
      session.report,
    );
  });

  it('cancel ends the request that runs, and takes out those that wait', async (t) => {
    const { env } = makeScratch(t);
    const child = spawn(process.execPath, [PROGRAM, '--json', '-S', 'memory:'], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<Answer> => JSON.parse(String((await lines.next()).value)) as Answer;
    const send = (request: object): boolean => child.stdin.write(`${JSON.stringify(request)}\n`);
    send({ id: 1, command: '!echo running; sleep 600' });
    // The `;` ended the local command: what runs is the sleep of a second request.
    for (let answer = await next(); answer['done'] !== true; ) answer = await next();
    send({ id: 2, argv: ['!', 'echo running; exec sleep 600'] });
    for (let answer = await next(); answer['data_b64'] === undefined; ) answer = await next();
    send({ id: 3, command: 'mkdir never' });
    send({ id: 4, cancel: 3 });
    send({ id: 5, cancel: 'none' });
    send({ id: 6, cancel: 2 });
    send({ id: 7, command: 'ls' });
    const ends = new Map<unknown, Answer>();
    while (ends.size < 6) {
      const answer = await next();
      assert.notEqual(answer['name'], 'never');
      if (answer['done'] === true) ends.set(answer['id'], answer);
    }
    assert.deepEqual(
      [2, 3, 4, 5, 6, 7].map((id) => [id, ends.get(id)?.['status'], ends.get(id)?.['code']]),
      [
        [2, 130, 'ECANCELLED'],
        [3, 130, 'ECANCELLED'],
        [4, 0, undefined],
        [5, 1, 'EFAILED'],
        [6, 0, undefined],
        [7, 0, undefined],
      ],
    );
    child.stdin.end();
    assert.deepEqual(await once(child, 'exit'), [130, null]);
  });

  it('20,000 requests at once are answered in their order', async (t) => {
    const { session, ends } = await answersTo(
      t,
      Array.from({ length: 20_000 }, (_, id) => ({ id, argv: ['pwd'] })),
    );
    assert.equal(session.status, 0, session.report);
    assert.deepEqual(
      ends.map(({ id }) => id),
      Array.from({ length: 20_000 }, (_, id) => id),
    );
  });

  it('a request is cancelled although hundreds wait', async (t) => {
    const waiting = Array.from({ length: 300 }, (_, id) => ({ id: id + 2, argv: ['pwd'] }));
    const { ends } = await answersTo(t, [{ id: 1, argv: ['!', 'exec sleep 600'] }, ...waiting, { id: 'end', cancel: 1 }]);
    assert.deepEqual(
      [ends.find(({ id }) => id === 'end')?.['status'], ends.find(({ id }) => id === 1)?.['status'], ends.length],
      [0, 130, 302],
    );
  });

  it('where an answer cannot be written the session ends, and what changed is recorded', async (t) => {
    const scratch = makeScratch(t);
    const line = `printf '{"id":1,"argv":["mkdir","kept"]}\\n' | "$1" "$2" --json -S ./store > /dev/full; "$1" "$2" -S ./store ls`;
    const seen = await run('sh', ['-c', line, 'sh', process.execPath, PROGRAM], { env: scratch.env, cwd: scratch.folder });
    assert.equal(seen.stdout, 'kept\n', seen.report);
    assert.doesNotMatch(seen.stderr, /at .*\.js/, seen.report);
  });

  it('a line without end is refused, after what was asked before it is answered', async (t) => {
    const { session, answers } = await answersTo(t, [{ id: 1, command: 'mkdir a' }, `{"id":2,"argv":["${'x'.repeat(25 * 1024 * 1024)}"]}`]);
    assert.equal(session.status, 2, session.report);
    assert.deepEqual(
      answers.filter(({ id, done }) => id === 1 && done === true).map(({ status }) => status),
      [0],
    );
    assert.match(String(answers.find(({ error }) => error !== undefined)?.['error']), /longer than/);
  });

  it('a name of a command may be as long as anybody likes', async (t) => {
    const { ends } = await answersTo(t, [
      { id: 1, argv: ['x'.repeat(4_000_000)] },
      { id: 2, argv: ['pwd'] },
    ]);
    assert.deepEqual(
      ends.map(({ status }) => status),
      [2, 0],
    );
  });

  it('quit ends the session, whatever is asked behind it', async (t) => {
    const { session, answers } = await answersTo(t, [{ id: 1, command: 'mkdir a; quit' }, { id: 2, command: 'mkdir b' }, 'mkdir c']);
    assert.equal(session.status, 0, session.report);
    assert.match(String(answers.at(-1)?.['dirref']), /^D\{/);
    assert.ok(!answers.some(({ id }) => id === 2));
  });
});

describe('JSON beside a session', () => {
  it('version, help and a wrong option are objects', async () => {
    const version = await vtftp(['--json', '--version']);
    assert.match(String((JSON.parse(version.stdout) as Answer)['version']), /^\d+\.\d+\.\d+/);
    assert.match(String((JSON.parse((await vtftp(['--json', '--help'])).stdout) as Answer)['help']), /^usage: vtftp/);
    const wrong = await vtftp(['--json', '--nosuch']);
    assert.equal(wrong.status, 2, wrong.report);
    assert.deepEqual(JSON.parse(wrong.stderr), {
      command: 'vtftp',
      error: 'vtftp: unknown option --nosuch',
      code: 'EUSAGE',
      remedy: 'vtftp --help',
      status: 2,
    });
  });

  it('an error of a -c tells which -c, and where in it', async (t) => {
    const { env } = makeScratch(t);
    const failed = await vtftp(['--json', '-S', 'memory:', '-c', 'pwd', '-c', 'pwd; cat nix'], { env });
    assert.equal(failed.status, 1, failed.report);
    const { where, column, command, path } = JSON.parse(failed.stderr) as Answer;
    assert.deepEqual([where, column, command, path], ['-c:2', 6, 'cat', '/nix']);
  });
});
