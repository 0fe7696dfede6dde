import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { countingRelay } from '../../support/links/counting-relay.ts';
import { cacheBefore, HTTP_CACHES } from '../../support/links/http-caches.ts';
import { serve } from '../../support/links/served-program.ts';
import { isInstalled } from '../../support/needed-programs.ts';
import { recited, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

for (const cache of HTTP_CACHES) {
  const { name, program, packageName } = cache;
  const skip = isInstalled(program) ? false : `${program} is needed (apt-get install ${packageName})`;
  test(`${name}, as the documentation configures it, keeps what never changes, ranges of it too, and nothing else`, { skip }, async (t) => {
    const scratch = makeScratch(t);
    const { env } = scratch;
    const docs = scratch.mkdir('docs');
    const random = makeRandom(7);
    const data = random.bytes(3_000_000);
    writeFileSync(join(docs, 'data'), data);
    writeFileSync(join(docs, 'empty'), '');
    mkdirSync(join(docs, 'many'));
    for (let i = 0; i < 100; i++) writeFileSync(join(docs, 'many', String(i)), random.bytes(3000));
    const store = scratch.path('store');
    const put = await vtftp(['-S', store, '-c', `put ${docs} /; quit`], { env });
    assert.equal(put.status, 0, put.report);
    const origin = await serve(scratch, store, 'httpd 0');
    const relay = await countingRelay(scratch, new URL(origin.address));
    const url = await cacheBefore(scratch, cache, relay.address);
    const tree = `${url}d/${encodeURIComponent(recited(put))}/docs/`;
    const get = async (at: string, headers: Record<string, string> = {}): Promise<{ status: number; cache: string; body: Buffer }> => {
      const response = await fetch(at, { headers });
      const [said = ''] = /HIT|MISS/.exec(response.headers.get('x-cache') ?? '') ?? [];
      return { status: response.status, cache: said, body: Buffer.from(await response.arrayBuffer()) };
    };

    const part = await get(`${tree}data`, { range: 'bytes=1000000-1999999' });
    assert.deepEqual([part.status, part.cache], [206, 'MISS']);
    assert.ok(part.body.equals(data.subarray(1_000_000, 2_000_000)));
    assert.ok((await get(`${tree}data`)).body.equals(data));
    const again = await get(`${tree}data`, { range: 'bytes=1500000-1500009' });
    assert.deepEqual([again.status, again.cache], [206, 'HIT']);
    assert.ok(again.body.equals(data.subarray(1_500_000, 1_500_010)));
    assert.deepEqual(await get(`${tree}empty`), { status: 200, cache: 'MISS', body: Buffer.alloc(0) });
    assert.match((await get(tree)).body.toString(), /href="\.\/data"/);

    const absent = `${url}h/${'00'.repeat(32)}.sha3-256`;
    for (let i = 0; i < 2; i++) {
      const found = await get(absent);
      assert.deepEqual([found.status, found.cache], [404, 'MISS']);
      assert.ok((await get(`${url}archive/default/docs/data`)).body.equals(data));
    }

    // A further machine has all contents from the cache: the server tells only which state is the newest.
    const pull = async (to: string): Promise<number> => {
      const start = relay.octets();
      const pulled = await vtftp(['-S', scratch.path(to), '-c', `pull --peer ${url}; get docs ${scratch.path(`${to}-got`)}`], { env });
      assert.equal(pulled.status, 0, pulled.report);
      assert.ok(readFileSync(scratch.path(`${to}-got/data`)).equals(data));
      const compared = await run('diff', ['-r', docs, scratch.path(`${to}-got`)]);
      assert.deepEqual([compared.status, compared.stdout], [0, '']);
      return relay.octets() - start;
    };
    const first = await pull('first');
    assert.ok(first > data.length, `${first} octets came first`);
    // On a busy machine one asks for the same Blocks in other groups than the one before: then those are kept too.
    const later: number[] = [];
    while (later.length < 5 && !((later.at(-1) ?? first) < first / 100)) later.push(await pull(`machine-${later.length}`));
    writeFileSync(join(docs, 'data'), 'another');
    const changed = await vtftp(['-S', store, '-c', `put ${docs} /; quit`], { env });
    assert.equal(changed.status, 0, changed.report);
    assert.equal((await get(`${url}archive/default/docs/data`)).body.toString(), 'another');
    assert.ok((later.at(-1) ?? first) < first / 100, `${later.join(', ')} octets of ${first} came through again`);
  });
}
