import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { run, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

const BIG = Buffer.alloc(1_000_000);
for (let at = 0, i = 0; at < BIG.length; at += 64) createHash('sha512').update(`${i++}`).digest().copy(BIG, at);

test('a tree as one file over HTTP is a Store of its own, any part of it too', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.mkdir('docs');
  mkdirSync(join(docs, 'below'));
  writeFileSync(join(docs, 'big.bin'), BIG);
  for (let i = 0; i < 50; i++) writeFileSync(join(docs, 'below', `file ${i}`), `content ${i % 40}\n`.repeat(50));
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${docs} docs; quit`], { env });
  assert.equal(put.status, 0, put.report);
  const { address } = await serve(scratch, store, 'httpd 0');
  const base = `${address}archive/default/docs/`;
  const bytesOf = async (path: string, headers: Record<string, string> = {}): Promise<Buffer> => {
    const response = await fetch(base + path, { headers });
    const body = Buffer.from(await response.arrayBuffer());
    assert.ok(response.ok, `${path}: ${body.toString()}`);
    assert.equal(Number(response.headers.get('content-length')), body.length);
    return body;
  };

  const whole = await bytesOf('?vtd');
  writeFileSync(scratch.path('all.vtd'), whole);
  const verified = await vtftp(['-c', `ar --verify ${scratch.path('all.vtd')}`], { env });
  assert.equal(verified.status, 0, verified.report);
  const got = await vtftp([scratch.path('all.vtd'), '-c', `get . ${scratch.path('got')}`], { env });
  assert.equal(got.status, 0, got.report);
  assert.deepEqual(readFileSync(scratch.path('got/big.bin')), BIG);
  assert.deepEqual(readFileSync(scratch.path('got/below/file 7')), readFileSync(join(docs, 'below/file 7')));

  assert.deepEqual(await bytesOf('?vtd'), whole);
  for (const [start, end] of [
    [0, 1],
    [63, 65],
    [100, 300],
    [5000, 700_000],
    [whole.length - 500, whole.length],
    [whole.length - 1, whole.length],
    [0, whole.length],
  ] as const) {
    const part = await bytesOf('?vtd', { range: `bytes=${start}-${end - 1}` });
    assert.ok(part.equals(whole.subarray(start, end)), `${start} to ${end}`);
  }

  writeFileSync(scratch.path('all.zip'), await bytesOf('?zip'));
  const tested = await run('unzip', ['-tq', scratch.path('all.zip')]);
  assert.equal(tested.status, 0, tested.report);

  const sizes: number[] = [];
  for (const scope of ['block', 'dir', 'all']) sizes.push((await bytesOf(`?vtd&scope=${scope}`)).length);
  assert.ok((sizes[0] ?? 0) <= (sizes[1] ?? 0) && (sizes[1] ?? 0) < 5000 && sizes[2] === whole.length, sizes.join(' '));

  const some = await bytesOf('big.bin?vtd&bytes=-100');
  assert.ok(some.length < 200_000, String(some.length));
  writeFileSync(scratch.path('some.vtd'), some);
  const opened = await vtftp([scratch.path('some.vtd'), '-c', 'tail -c 100 big.bin | sha256sum'], { env });
  assert.equal(opened.stdout.slice(0, 64), createHash('sha256').update(BIG.subarray(-100)).digest('hex'), opened.report);

  for (const query of ['vtd&scope=some', 'vtd&bytes=0-3']) assert.equal((await fetch(`${base}?${query}`)).status, 400);
  assert.equal((await fetch(`${base}big.bin?vtd&bytes=1000000-`)).status, 400);
});
