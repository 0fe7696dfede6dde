import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { FlipReader } from './flip-reader.ts';
import { makeSmallStore } from './small-store.ts';

/** Of the usual small Store: all of its octets take a quarter of an hour. */
const SCALE = 0.03;

/** A bit of each octet of a very small Store, in turn. */
export const flipsTorture: Torture = {
  name: 'flips',
  does: 'one bit of each byte of data, index (intact, and left by a kill), archive and settings is flipped in turn; then every root is read',
  promise: 'each flip is detected or harmless: never wrong bytes, never a crash',
  fullRounds: 1e9,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  const small = await makeSmallStore(limits.folder, limits.seed, SCALE);
  const store = join(limits.folder, 'work');
  using reader = new FlipReader();
  const expected = await reader.read({ store: small.store, recited: small.recited });
  if (!expected.startsWith('whole ')) throw new Error(expected);
  // Octets of all, in an order that spreads few rounds over everything.
  const places = [...placesIn(small.store, () => true).map((place) => ({ ...place, base: small.store, kind: kindOf(place.file) }))];
  const total = places.reduce((sum, { size }) => sum + size, 0);
  const stride = limits.rounds >= total ? 1 : Math.max(1, Math.floor(total / limits.rounds));
  let offset = stride === 1 ? 0 : random.below(stride);
  for (const { file, size, base, kind } of places) {
    for (; offset < size && tally.goesOn; offset += stride) {
      copyStoreFiles(base, store);
      const path = join(store, file);
      const data = readFileSync(path);
      const bit = random.below(8);
      data.writeUInt8(data.readUInt8(offset) ^ (1 << bit), offset);
      writeFileSync(path, data);
      const found = await reader.read({ store, recited: small.recited });
      tally.count(kind);
      if (found === expected) tally.note('did no harm');
      else if (found.startsWith('error ')) tally.note('were told');
      else tally.fault(`${kind}, "${file}", octet ${offset}, bit ${bit}: ${found}`);
    }
    offset -= size;
  }
  return tally.result(`${total} octets, every ${stride === 1 ? '' : `${stride}th `}one`);
}

function kindOf(file: string): string {
  if (file.startsWith('data')) return 'data';
  if (file.startsWith('archives')) return 'archive';
  return file.startsWith('index') ? 'index' : 'settings';
}

interface Place {
  readonly file: string;
  readonly size: number;
}

function placesIn(store: string, wants: (file: string) => boolean): Place[] {
  const found: Place[] = [];
  for (const entry of readdirSync(store, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const file = relative(store, path);
    // Locks, and what nobody needs: a list of sessions, all of them dead.
    if (!entry.isFile() || file.includes('lock') || !wants(file)) continue;
    found.push({ file, size: statSync(path).size });
  }
  return found.sort((a, b) => a.size - b.size);
}

// As few calls as possible: this is done for each octet.
function copyStoreFiles(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      mkdirSync(target);
      for (const name of readdirSync(source, { withFileTypes: true })) {
        if (name.isDirectory()) mkdirSync(join(target, name.name));
        else copyFileSync(join(source, name.name), join(target, name.name));
      }
    } else copyFileSync(source, target);
  }
}
