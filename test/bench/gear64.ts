import type { EdgeSettings } from '../../core/block/edge-settings.ts';
import { edgeThresholds } from '../../core/blockify/edge-hash.ts';
import type { SliceScan } from '../../core/blockify/edge-kernel.ts';
import { STRICT_FLAG } from '../../core/blockify/edge-kernel.ts';
import { makeRandom } from '../support/random.ts';

// The conservative choice that the edge kernel is measured against: a gear hash of 64 bits, which is h = 2h + table[octet],
// judged by its upper half. Its candidates go through the same picker with the same probabilities. Plain, and slow.

const random = makeRandom(64);
const LOW = Uint32Array.from({ length: 256 }, () => random.below(2 ** 32));
const HIGH = Uint32Array.from({ length: 256 }, () => random.below(2 ** 32));

/** A whole content as one slice: gear's candidates, and the kernel's runs. */
export function gearScan(data: Uint8Array, settings: EdgeSettings, runs: SliceScan): SliceScan {
  const lax = 2 ** 33 / settings.meanSize;
  const strict = lax / 4;
  let low = 0;
  let high = 0;
  const found: number[] = [];
  for (let i = 0; i < data.length; i++) {
    const octet = data[i] as number;
    const sum = ((low << 1) >>> 0) + (LOW[octet] as number);
    high = (((high << 1) | (low >>> 31)) + (HIGH[octet] as number) + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    low = sum >>> 0;
    if (high < lax) found.push(i + 1 + (high < strict ? STRICT_FLAG : 0));
  }
  return { ...runs, candidates: Uint32Array.from(found) };
}

/** The 32-bit gear hash as a plain loop, for its speed: how many positions have their upper `bits` 0. */
export function gearLoop(data: Uint8Array, meanSize: number): number {
  const { filterWidth } = edgeThresholds({ minSize: 1, meanSize });
  const limit = filterWidth << 16;
  let h = 0;
  let found = 0;
  for (let i = 0; i < data.length; i++) {
    h = ((h << 1) + (LOW[data[i] as number] as number)) | 0;
    if (h >>> 0 < limit) found++;
  }
  return found;
}
