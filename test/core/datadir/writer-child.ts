import { writeSync } from 'node:fs';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { makeRandom } from '../../support/random.ts';

// A process that adds Blocks to a Store and tells, a line each, the digests of those that a flush has made durable.
// Arguments: the Store's path, a seed, how many rounds (0: until it is killed).

const [path = '', seed = '1', rounds = '0'] = process.argv.slice(2);
const random = makeRandom(Number(seed));
const store = await openDatadir(path, { create: true, ticker: { maxBlocks: 64 } });
for (let round = 0; rounds === '0' || round < Number(rounds); round++) {
  const digests: string[] = [];
  for (let i = 0; i < 20; i++) {
    const blocks = Array.from({ length: 1 + random.below(20) }, () => random.bytes(random.below(3000))).map((data) => ({
      digest: hashcodeOf(store.hashName, data).digest,
      data,
    }));
    await store.addBatch(blocks);
    for (const { digest } of blocks) digests.push(Buffer.from(digest).toString('hex'));
  }
  await store.flush();
  writeSync(1, `${digests.join('\n')}\n`);
}
await store[Symbol.asyncDispose]();
