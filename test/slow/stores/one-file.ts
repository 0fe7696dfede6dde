import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeRandom } from '../../support/random.ts';
import { oneFileOf, oneFileTree, readOneFile } from '../../support/stores/one-file.ts';
import type { Torture } from '../torture-kind.ts';
import { TortureTally } from '../torture-kind.ts';

/** Rounds with one tree. */
const ROUNDS_OF_A_TREE = 500;

/** One-file Stores that were cut off, or of which a bit is another. */
export const oneFileTorture: Torture = {
  name: 'one-file',
  does: 'a one-file Store is truncated at a random byte, or a random bit of it is flipped',
  promise: 'everything readable is unchanged; the rest is named, and a truncation loses no content before it',
  fullRounds: 20_000,
  async run(limits) {
    const tally = new TortureTally(limits);
    const random = makeRandom(limits.seed);
    const path = join(limits.folder, 'damaged.vtd');
    while (tally.goesOn) {
      const store = new MemoryStore();
      const dirent = await oneFileTree(store, random.below(2 ** 32));
      const data = await oneFileOf(store, dirent, random.chance(50));
      writeFileSync(path, data);
      const whole = await readOneFile(path);
      if (whole.failed.length > 0 || whole.contents.size === 0) tally.fault('a whole one cannot be read');
      // What a longer part gave: at least as much as a shorter one.
      const seen: { readonly cut: number; readonly count: number }[] = [];
      for (let round = 0; round < ROUNDS_OF_A_TREE && tally.goesOn; round++) {
        const place = random.below(data.length);
        const isCut = random.chance(50);
        const damaged = isCut ? data.subarray(0, place) : flipped(data, place, random.below(8));
        writeFileSync(path, damaged);
        const { contents, isToldOf } = await readOneFile(path);
        const what = `${isCut ? 'cut at' : 'a bit flipped in'} octet ${place} of ${data.length}`;
        for (const [name, content] of contents) if (content !== whole.contents.get(name)) tally.fault(`${what}: ${name} is another`);
        if (!isToldOf && (isCut || contents.size < whole.contents.size)) tally.fault(`${what}: nothing is told of it`);
        if (isCut) {
          if (seen.some(({ cut, count }) => cut < place && count > contents.size)) tally.fault(`${what}: a shorter part gave more`);
          seen.push({ cut: place, count: contents.size });
        }
        tally.count(isCut ? 'cuts' : 'flips');
      }
    }
    return tally.result();
  },
};

function flipped(data: Buffer, place: number, bit: number): Buffer {
  const out = Buffer.from(data);
  out[place] = (out[place] ?? 0) ^ (1 << bit);
  return out;
}
