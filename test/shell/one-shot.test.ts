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

  it('takes bytes that are no UTF-8', async (t) => {
    const scratch = makeScratch(t);
    const line = `"$1" "$2" -S ./store mkdir "$(printf 'a\\377')"; "$1" "$2" -S ./store ls -1`;
    const made = await run('sh', ['-c', line, 'sh', process.execPath, PROGRAM], { env: scratch.env, cwd: scratch.folder });
    assert.ok(made.stdoutBytes.includes(Buffer.from('a\xff\n', 'latin1')), made.report);
  });

  it('a local file of the name is what to open, unless words or -- follow', async (t) => {
    const scratch = makeScratch(t);
    mkdirSync(scratch.path('log'));
    writeFileSync(scratch.path('log/inside'), '');
    const opened = await vtftp(['log', '-c', 'ls'], { env: scratch.env, cwd: scratch.folder, input: '' });
    assert.equal(opened.stdout, 'inside\n', opened.report);
    const source = await vtftp(['-c', 'ls', 'log'], { env: scratch.env, cwd: scratch.folder });
    assert.equal(source.stdout, 'inside\n', source.report);
    const history = await vtftp(['log', '--', '/nowhere'], { env: scratch.env, cwd: scratch.folder });
    assert.match(history.stderr, /^log: /, history.report);
    const command = await vtftp(['pwd'], { env: scratch.env, cwd: scratch.folder });
    assert.equal(command.stdout, '/\n', command.report);
  });
});
