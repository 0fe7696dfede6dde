import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { hashByName } from '../../../core/block/hash.ts';
import { encodeSegment } from '../../../core/s3/index-segment.ts';
import { packName } from '../../../core/s3/pack-names.ts';
import { DatafileIndex } from '../../../core/store/records/datafile-index.ts';
import { countingRelay } from '../../support/links/counting-relay.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { makeScratch } from '../../support/scratch.ts';

const DAY_MS = 86_400_000;
const HASH = hashByName('sha3-256');
/** Octets of an entry of a segment. */
const ENTRY_SIZE = HASH.digestSize + 16;

/** A segment as sessions put them, which tells of Blocks that nobody looks for. */
function segmentOf(kind: 'd' | 'm', count: number): Buffer {
  const entries = makeRandom(count).bytes(count * ENTRY_SIZE);
  // The two sizes of an entry, below 64 KiB.
  for (let at = HASH.digestSize + 8; at < entries.length; at += ENTRY_SIZE) for (const byte of [2, 3, 6, 7]) entries[at + byte] = 0;
  return encodeSegment(
    kind,
    [{ name: packName(kind, randomUUID()), size: 20 * 2 ** 20, index: new DatafileIndex(HASH.digestSize, [entries]) }],
    HASH,
  );
}

it('ls in a bucket of 1 TiB gets less than 20 MB, on a machine that knew nothing of it', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start();
  const session = async (machine: string, endpoint: string, line: string): Promise<string> => {
    const env = { ...scratch.env, ...keysIn(FAKE_KEYS), XDG_CACHE_HOME: scratch.path(machine) };
    const done = await vtftp(['-S', `s3://bucket/pre?endpoint=${endpoint}`, '-c', line], { env, cwd: scratch.folder });
    assert.equal(done.status, 0, done.report);
    return done.stdout;
  };
  for (let i = 0; i < 20; i++) {
    mkdirSync(scratch.path(`docs/${i}`), { recursive: true });
    for (let j = 0; j < 20; j++) writeFileSync(scratch.path(`docs/${i}/${j}`), `letter ${i} ${j}\n`);
  }
  await session('writer', fake.endpoint, 'put docs; quit');
  // Later sessions changed little.
  for (let i = 0; i < 5; i++) await session('writer', fake.endpoint, `mkdir new${i}; quit`);
  assert.ok(fake.keys('pre/index/m/').length >= 6);
  // 134 million leaves of 8 KiB, and a superblock for some 15 of them, all put before.
  const put = (kind: 'd' | 'm', count: number, body: Buffer): void => {
    for (let i = 0; i < count; i++)
      fake.objects.set(`pre/index/${kind}/${randomUUID()}`, { body, modifiedMs: Date.now() - DAY_MS, request: 0 });
  };
  put('d', 384, segmentOf('d', 350_000));
  put('m', 128, segmentOf('m', 70_000));

  const relay = await countingRelay(scratch, new URL(fake.endpoint));
  const startMs = performance.now();
  const listed = await session('reader', `http://${relay.address}`, 'ls; ls docs/7');
  t.diagnostic(`${((performance.now() - startMs) / 1000).toFixed(2)} s, ${(relay.octets() / 1e6).toFixed(2)} MB`);
  assert.match(listed, /^docs\nnew0\n/);
  assert.match(listed, /\n19\n/);
  assert.ok(relay.octets() < 20e6, `${relay.octets()} octets`);
});
