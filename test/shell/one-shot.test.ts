import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { PROGRAM, run, vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

describe('vtftp COMMAND ARGUMENT...', () => {
  it('runs one command, whose words are taken as they are, and gives its exit status', async (t) => {
    const scratch = makeScratch(t);
    const say = async (...words: string[]) => await vtftp(['-S', './store', ...words], { env: scratch.env, cwd: scratch.folder });
    const names = ["it's; rm *", '-dash', '$HOME', 'x y', '#'];
    for (const name of names) writeFileSync(scratch.path(name), name);
    const put = await say('put', '--', ...names, '/');
    assert.equal(put.status, 0, put.report);
    for (const name of names) assert.equal((await say('cat', '--', name)).stdout, name);
    assert.equal(
      (await say('ls', '-1')).stdout,
      [...names]
        .sort()
        .map((name) => `${name}\n`)
        .join(''),
    );
    const failed = await say('stat', 'nowhere');
    assert.deepEqual([failed.status, failed.stderr], [1, 'stat: /nowhere: no such file or directory\n']);
    assert.equal((await say('ls', '--nosuch')).status, 2);
    const json = await say('--json', 'stat', 'x y');
    assert.equal((JSON.parse(json.stdout) as { readonly path: string }).path, '/x y');
  });

  it('put --stdin NAME stores standard input', async (t) => {
    const { env, folder: cwd } = makeScratch(t);
    const put = await vtftp(['-S', './store', 'put', '--stdin', 'a b'], { env, cwd, input: 'text' });
    assert.equal(put.status, 0, put.report);
    assert.equal((await vtftp(['-S', './store', 'cat', 'a b'], { env, cwd })).stdout, 'text');
    for (const words of [[], ['a', 'b']])
      assert.equal((await vtftp(['-S', './store', 'put', '--stdin', ...words], { env, cwd })).status, 2);
  });

  it('takes bytes that are no UTF-8', async (t) => {
    const scratch = makeScratch(t);
    const line = `"$1" "$2" -S ./store mkdir "$(printf 'a\\377')"; "$1" "$2" -S ./store ls -1`;
    const made = await run('sh', ['-c', line, 'sh', process.execPath, PROGRAM], { env: scratch.env, cwd: scratch.folder });
    assert.ok(made.stdoutBytes.includes(Buffer.from('a\xff\n', 'latin1')), made.report);
  });

  it('is that command, whatever local files there are; beside -c the word is what to open, and so is ./NAME', async (t) => {
    const scratch = makeScratch(t);
    mkdirSync(scratch.path('log'));
    writeFileSync(scratch.path('log/inside'), '');
    const say = async (...words: string[]) =>
      await vtftp(['-S', './store', ...words], { env: scratch.env, cwd: scratch.folder, input: 'ls' });
    assert.equal((await say('-c', 'mkdir one; quit')).status, 0);
    for (const words of [['log'], ['log', '-n', '1'], ['log', '--', '/']]) {
      const history = await say(...words);
      assert.match(history.stdout, /^@1 /, history.report);
    }
    for (const words of [['-c', 'ls', 'log'], ['./log'], ['./log', '-c', 'ls'], ['--', 'log']]) {
      const opened = await say(...words);
      assert.equal(opened.stdout, 'inside\n', opened.report);
    }
    const both = await say('-c', 'ls', 'log', '/');
    assert.deepEqual([both.status, both.stderr], [2, 'vtftp: log: a command cannot follow -c or -b (use another -c)\n']);
  });

  it('an error says as JSON what was typed', async (t) => {
    const scratch = makeScratch(t);
    const failed = await vtftp(['--json', 'stat', '--', 'a b'], { env: scratch.env, cwd: scratch.folder });
    const { where, column } = JSON.parse(failed.stderr) as { readonly where: string; readonly column: number };
    assert.deepEqual([where, column], ["stat -- 'a b'", 1]);
  });
});
