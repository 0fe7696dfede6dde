import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { countingRelay } from '../../support/links/counting-relay.ts';
import { cacheBefore, PACK_CACHES } from '../../support/links/http-caches.ts';
import { isInstalled } from '../../support/needed-programs.ts';
import type { Run } from '../../support/program.ts';
import { run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { makeScratch } from '../../support/scratch.ts';

for (const cache of PACK_CACHES) {
  const { name, program, packageName } = cache;
  const skip = isInstalled(program) ? false : `${program} is needed (apt-get install ${packageName})`;
  test(`${name}, as the documentation configures it, keeps the packs of a bucket, and nothing that changes`, { skip }, async (t) => {
    const scratch = makeScratch(t);
    await using fake = await FakeS3.start();
    const docs = scratch.mkdir('docs');
    const random = makeRandom(11);
    for (let i = 0; i < 40; i++) writeFileSync(`${docs}/${i}`, random.bytes(150_000));
    const session = async (machine: string, store: string, line: string): Promise<Run> => {
      const env = { ...scratch.env, ...keysIn(FAKE_KEYS), XDG_CACHE_HOME: scratch.path(machine) };
      const done = await vtftp(['-S', store, '-c', line], { env, cwd: scratch.folder });
      assert.equal(done.status, 0, done.report);
      return done;
    };
    const writing = `s3://bucket/site?endpoint=${fake.endpoint}`;
    await session('writer', writing, 'put docs; quit');

    const relay = await countingRelay(scratch, new URL(fake.endpoint));
    const reading = `s3://bucket/site?endpoint=${await cacheBefore(scratch, cache, relay.address)}&keys=none`;
    /** Octets that came from the bucket while a machine that knew nothing got all. */
    const got = async (machine: string): Promise<number> => {
      const start = relay.octets();
      await session(machine, reading, `get docs ${machine}-got`);
      const compared = await run('diff', ['-r', docs, scratch.path(`${machine}-got`)]);
      assert.deepEqual([compared.status, compared.stdout], [0, '']);
      return relay.octets() - start;
    };
    const first = await got('first');
    assert.ok(first > 6_000_000, `${first} octets came first`);
    const second = await got('second');
    t.diagnostic(`${name}: of ${first} octets ${second} came from the bucket again: hit ratio ${(1 - second / first).toFixed(4)}`);
    assert.ok(second < first / 20, `${second} octets of ${first} came from the bucket again`);

    // What is new is seen at once, and what was kept is still right.
    writeFileSync(`${docs}/new`, random.bytes(200_000));
    await session('writer', writing, 'put docs; quit');
    const third = await got('third');
    assert.ok(third < first, `${third} octets of ${first}`);
  });
}
