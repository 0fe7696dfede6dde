import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import type { Run } from '../../support/program.ts';
import { recited, vtftp } from '../../support/program.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { makeScratch } from '../../support/scratch.ts';

it('a bucket of single Blocks is put to, pushed to, got from, scrubbed and mended, by machines that knew nothing of it', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start({ conditions: 'refused', busy: 1 });
  const store = `s3://bucket/pre?endpoint=${fake.endpoint}&layout=blocks`;
  const run = async (line: string, status = 0, cache = 'cache', where = store): Promise<Run> => {
    const env = { ...scratch.env, ...keysIn(FAKE_KEYS), XDG_CACHE_HOME: scratch.path(cache) };
    const done = await vtftp(['-S', where, '-c', line], { env, cwd: scratch.folder });
    assert.equal(done.status, status, `${line}\n${done.report}`);
    return done;
  };
  scratch.mkdir('docs');
  for (let i = 0; i < 9; i++) writeFileSync(scratch.path(`docs/${i}`), `letter ${i}\n`.repeat(200 + i));
  const dirref = recited(await run('put docs; quit'));
  await run('get docs got; !diff -r docs got', 0, 'second');
  for (const line of [`pull -p '${store}'; quit`, 'mkdir more; quit', `push -p '${store}'; quit`]) await run(line, 0, 'cache', './copy');
  assert.match((await run('ls', 0, 'third')).stdout, /^docs\nmore$/m);
  assert.match((await run('stores')).stdout, /\d PUT, \d+ GET/);
  assert.match((await run('fsck; scrub')).stdout, /clean[\s\S]*Blocks whole; .* read; all verified since/);
  for (const key of fake.keys('pre/blocks/')) {
    const [, hex, hash = ''] = /^pre\/blocks\/([0-9a-f]+)\.(.*)$/.exec(key) ?? [];
    assert.equal(
      createHash(hash)
        .update(fake.objects.get(key)?.body ?? '')
        .digest('hex'),
      hex,
    );
  }

  // One is damaged, one is gone.
  const leaves = fake.keys('pre/blocks/').filter((key) => fake.objects.get(key)?.body.toString().startsWith('letter ') === true);
  const [damaged = '', gone = ''] = leaves;
  const object = fake.objects.get(damaged);
  assert.ok(object !== undefined);
  fake.objects.set(damaged, { ...object, body: Buffer.from(object.body).fill('x', 10, 11) });
  fake.objects.delete(gone);
  assert.match((await run('fsck', 13, 'fourth')).stdout, /the object is missing[\s\S]*"\/docs\/\d": Block .* is missing/);
  assert.match((await run('scrub', 13)).stdout, /bytes there are damaged[\s\S]*"\/docs\/\d": Block/);
  assert.match((await run('repair docs')).stdout, /brought back; every root is complete/);
  assert.match((await run('fsck; !rm -r got; get docs got; !diff -r docs got', 0, 'fifth')).stdout, /clean/);
  assert.match((await run('gc -n; gc --grace 0; gc --grace 0; fsck')).stdout, /removed \d+ objects? \([\s\S]*clean/);
  assert.equal(recited(await run(`open ${dirref}; quit`, 0, 'sixth')), dirref);
  assert.deepEqual(fake.wrong, []);
});

it('httpd sends requests for Blocks to the bucket, and what comes from there is what was asked for', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start();
  const env = { ...scratch.env, ...keysIn(FAKE_KEYS) };
  const store = `s3://bucket?endpoint=${fake.endpoint}&layout=blocks`;
  scratch.mkdir('docs');
  writeFileSync(scratch.path('docs/letter'), 'Dear reader\n'.repeat(500));
  assert.equal((await vtftp(['-S', store, '-c', 'put docs; quit'], { env, cwd: scratch.folder })).status, 0);
  const { address } = await serve({ ...scratch, env }, store, `httpd --blocks-at ${fake.endpoint}/bucket/blocks 0`);
  const [key = ''] = fake.keys('blocks/').filter((one) => fake.objects.get(one)?.body.toString().startsWith('Dear') === true);
  const url = new URL(`h/${key.slice('blocks/'.length)}`, address);
  const first = await fetch(url, { redirect: 'manual' });
  assert.equal(first.status, 302);
  assert.equal(first.headers.get('location'), `${fake.endpoint}/bucket/${key}`);
  assert.equal(await (await fetch(url)).text(), 'Dear reader\n'.repeat(500));
});
