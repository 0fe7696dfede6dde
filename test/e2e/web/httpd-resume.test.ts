import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Cuts of one download. */
const CUTS = 20;

/** A relay that ends each of the first connections somewhere in the answer. */
async function cuttingRelay(
  t: TestContext,
  to: URL,
  seed: number,
): Promise<{ readonly url: string; again(): void; readonly cuts: () => number }> {
  const random = makeRandom(seed);
  let cuts = 0;
  const server = createServer((client) => {
    let left = cuts < CUTS ? 1000 + random.below(200_000) : Number.POSITIVE_INFINITY;
    const origin = connect(Number(to.port), to.hostname);
    client.on('error', () => origin.destroy()).on('close', () => origin.destroy());
    origin.on('error', () => client.destroy()).on('close', () => client.end());
    client.pipe(origin);
    origin.on('data', (data) => {
      if (data.length < left) {
        left -= data.length;
        client.write(data);
        return;
      }
      cuts++;
      client.write(data.subarray(0, left), () => client.destroy());
      origin.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    again: () => {
      cuts = 0;
    },
    cuts: () => cuts,
  };
}

/** Shell lines that download `$URL` to the file `got`. They go on where they were cut. */
const CLIENTS: readonly (readonly [name: string, line: string])[] = [
  ['curl', 'for i in $(seq 100); do curl -sf -C - -o got "$URL" && exit 0; done; exit 1'],
  ['wget', 'wget -q -c -t 100 --waitretry=0 --retry-connrefused -O got "$URL"'],
  [
    'aria2c',
    'for i in $(seq 20); do aria2c -q -c -x4 -s4 -k 1M -m 100 --retry-wait=0 --allow-overwrite=true -o got "$URL" && exit 0; done; exit 1',
  ],
];

test('downloads that are cut again and again are what they would have been at once', async (t) => {
  const scratch = makeScratch(t);
  const docs = scratch.mkdir('docs');
  mkdirSync(join(docs, 'below'));
  const random = makeRandom(3);
  writeFileSync(join(docs, 'data'), random.bytes(3_500_000));
  for (let i = 0; i < 40; i++) writeFileSync(join(docs, 'below', `file ${i}`), random.bytes(random.below(20_000)));
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${docs} /; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  const origin = await serve(scratch, store, 'httpd 0');
  const seed = Date.now() % 1_000_000;
  const relay = await cuttingRelay(t, new URL(origin.address), seed);
  for (const path of ['archive/default/docs/data', 'archive/default/docs/?tar', 'archive/default/docs/?zip', 'archive/default/docs/?vtd']) {
    const whole = Buffer.from(await (await fetch(origin.address + path)).arrayBuffer());
    for (const [name, line] of CLIENTS) {
      relay.again();
      const got = await run('sh', ['-c', `cd ${scratch.folder} && URL='${relay.url}${path}' && ${line}`], { env: scratch.env });
      const label = `${name} ${path}, seed ${seed}`;
      assert.equal(got.status, 0, `${label}: ${got.report}`);
      assert.ok(relay.cuts() >= 10, `${label}: cut ${relay.cuts()} times`);
      assert.equal(digestOf(readFileSync(scratch.path('got'))), digestOf(whole), label);
      rmSync(scratch.path('got'));
    }
  }
});

function digestOf(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
