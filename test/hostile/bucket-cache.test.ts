import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { assertInGoodOrder, HARMS } from '../support/hostile-files.ts';
import { vtftp } from '../support/program.ts';
import { makeRandom } from '../support/random.ts';
import { FakeS3 } from '../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../support/s3/s3-stores.ts';
import { makeScratch } from '../support/scratch.ts';

it('what a machine keeps of a bucket, replaced by what should not be there: no crash, no wrong bytes, nothing written elsewhere', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start();
  const cache = join(scratch.env['XDG_CACHE_HOME'] ?? '', 'vtftp');
  const whole = scratch.path('whole');
  const env = { ...scratch.env, ...keysIn(FAKE_KEYS) };
  const store = `s3://bucket/prefix?endpoint=${fake.endpoint}`;
  const use = async (lines: string) =>
    await vtftp(['-S', store], { env, cwd: scratch.folder, input: `set onerror continue\n${lines}quit\n` });
  scratch.mkdir('docs');
  const content = makeRandom(1).bytes(300_000);
  writeFileSync(scratch.path('docs/large'), content);
  writeFileSync(scratch.path('docs/small'), 'small');
  const made = await use('put docs\nsync\nls -R\n');
  assert.equal(made.status, 0, made.report);
  cpSync(cache, whole, { recursive: true });
  const files = (readdirSync(whole, { recursive: true }) as string[]).filter((name) => statSync(join(whole, name)).isFile()).sort();
  assert.ok(files.length >= 3, files.join(' '));
  const outside = scratch.mkdir('outside');
  mkdirSync(join(outside, 'folder'));
  writeFileSync(join(outside, 'victim'), 'victim');
  const cases = files.flatMap((file) => Object.entries(HARMS).map(([harm, doHarm]) => ({ file, harm, doHarm })));
  // A quarter of them in each run: which goes by the clock.
  const part = Date.now() % 4;
  for (const [i, { file, harm, doHarm }] of cases.entries()) {
    if (process.env['VTFTP_ATTACK'] !== 'all' && i % 4 !== part) continue;
    rmSync(cache, { recursive: true, force: true });
    cpSync(whole, cache, { recursive: true });
    doHarm(join(cache, file), outside);
    const what = `${file} as ${harm}`;
    rmSync(scratch.path('back'), { recursive: true, force: true });
    const got = await use('get docs back\nput docs/small more\n');
    assertInGoodOrder(what, got);
    if (got.status === 0) assert.ok(readFileSync(scratch.path('back/large')).equals(content), `${what}: ${got.report}`);
    assert.equal(readFileSync(join(outside, 'victim'), 'latin1'), 'victim', what);
    assert.deepEqual([readdirSync(outside).sort(), readdirSync(join(outside, 'folder'))], [['folder', 'victim'], []], what);
  }
  // Without a cache everything is there.
  rmSync(cache, { recursive: true, force: true });
  rmSync(scratch.path('back'), { recursive: true, force: true });
  const again = await use('get docs back\nfsck\n');
  assert.equal(again.status, 0, again.report);
  assert.ok(readFileSync(scratch.path('back/large')).equals(content));
});
