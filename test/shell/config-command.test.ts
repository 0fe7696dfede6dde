import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

test('config shows what the session goes by, and who said so', async (t) => {
  const scratch = makeScratch(t);
  const conf = scratch.path('my.conf');
  writeFileSync(conf, '[default]\ntype = datadir\npath = ./one\n[other]\ntype = memory\n', { mode: 0o600 });
  const rows = async (env: Record<string, string>, ...words: string[]): Promise<string[][]> => {
    const shown = await vtftp(['--json', ...words], { env: { ...scratch.env, ...env }, cwd: scratch.folder });
    assert.equal(shown.status, 0, shown.report);
    const records = shown.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return records.map(({ name, value, from, absent }) => [name, value, from, absent].map(String));
  };
  const plain = await rows({}, 'config');
  assert.deepEqual(
    plain.find(([name]) => name === 'glob'),
    ['glob', 'on', 'default', 'undefined'],
  );
  assert.deepEqual(plain.find(([name]) => name === 'configuration')?.slice(3), ['true']);
  const told = await rows({ VTFTP_CONFIG: conf }, '-c', 'set glob off; config');
  assert.deepEqual(told.slice(0, 4), [
    ['store', '[default]', conf, 'undefined'],
    ['configuration', conf, 'VTFTP_CONFIG', 'undefined'],
    ['clause', '[default]', conf, 'undefined'],
    ['clause', '[other]', conf, 'undefined'],
  ]);
  assert.deepEqual(
    told.find(([name]) => name === 'glob'),
    ['glob', 'off', 'set', 'undefined'],
  );
  assert.deepEqual((await rows({ VTFTP_STORE: 'memory:' }, '--config', conf, 'config')).slice(0, 2), [
    ['store', 'memory:', 'VTFTP_STORE', 'undefined'],
    ['configuration', conf, '--config', 'undefined'],
  ]);
  assert.deepEqual((await rows({ VTFTP_STORE: 'memory:' }, '-S', './two', 'config'))[0], ['store', './two', '-S', 'undefined']);
  const text = await vtftp(['-S', 'memory:', 'config'], { env: scratch.env, cwd: scratch.folder });
  assert.match(text.stdout, /^store +memory: {2}\(-S\)\n/, text.report);
});
