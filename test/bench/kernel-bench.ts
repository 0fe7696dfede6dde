import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { EdgeSettings } from '../../core/block/edge-settings.ts';
import type { EdgeKernel, SliceScan } from '../../core/blockify/edge-kernel.ts';
import { loadEdgeKernel } from '../../core/blockify/edge-kernel.ts';
import { EdgePicker } from '../../core/blockify/edge-picker.ts';
import { kernelMemory } from '../support/contents/kernel-memory.ts';
import { makeRandom } from '../support/random.ts';
import { gearLoop, gearScan } from './gear64.ts';

// The edge kernel's speed, and what its edges are worth: how much of a content is found again after 200 small edits, and
// how its Blocks' sizes are spread, against a 64-bit gear hash.
//
//   node dist/test/bench/kernel-bench.js [FILE...]     random octets, and the first 64 MiB of each file

const MIB = 1 << 20;
const CORPUS_SIZE = 64 * MIB;
const MEANS = [8192, 12_288, 16_384] as const;
const EDITS = 200;

function settingsOf(meanSize: number): EdgeSettings {
  return { kernel: 'poly32-1', minSize: meanSize / 4, meanSize, maxSize: meanSize * 4 };
}

function readCorpus(path: string): Buffer {
  const fd = openSync(path, 'r');
  const out = Buffer.alloc(Math.min(CORPUS_SIZE, fstatSync(fd).size));
  const size = readSync(fd, out, 0, out.length, 0);
  closeSync(fd);
  return out.subarray(0, size);
}

/** Insertions, deletions and replacements of 1 to 100 octets. */
function edited(data: Buffer, seed: number): Buffer {
  const random = makeRandom(seed);
  const places = Array.from({ length: EDITS }, () => random.below(data.length)).sort((a, b) => a - b);
  const parts: Buffer[] = [];
  let from = 0;
  for (const place of places) {
    if (place < from) continue;
    const size = 1 + random.below(100);
    const kind = random.below(3);
    parts.push(data.subarray(from, place));
    if (kind !== 0) parts.push(random.bytes(size));
    from = kind === 1 ? place : Math.min(data.length, place + size);
  }
  parts.push(data.subarray(from));
  return Buffer.concat(parts);
}

type Scanner = (data: Buffer, settings: EdgeSettings) => SliceScan;

const byKernel: Scanner = (data, settings) => {
  const { memory, octets, at } = kernelMemory(data.length);
  octets.set(data, at);
  return loadEdgeKernel(settings, memory).scan(at, at + data.length, 0);
};

const byGear: Scanner = (data, settings) => gearScan(data, settings, byKernel(data, settings));

interface Cut {
  readonly sizes: readonly number[];
  /** Digest and size of each leaf that is no run. */
  readonly leaves: readonly (readonly [string, number])[];
}

function cut(data: Buffer, settings: EdgeSettings, scanner: Scanner): Cut {
  const picker = new EdgePicker(settings);
  const spans = [...picker.push(data.length, scanner(data, settings)), ...picker.finish()];
  const leaves: [string, number][] = [];
  let at = 0;
  for (const { size, octet } of spans) {
    if (octet === undefined) leaves.push([hash('sha1', data.subarray(at, at + size), 'base64'), size]);
    at += size;
  }
  return { sizes: leaves.map(([, size]) => size), leaves };
}

function quality(name: string, data: Buffer): void {
  const later = edited(data, 99);
  for (const meanSize of MEANS) {
    const settings = settingsOf(meanSize);
    const cells = [byKernel, byGear].map((scanner) => {
      const first = cut(data, settings, scanner);
      const known = new Set(first.leaves.map(([digest]) => digest));
      const second = cut(later, settings, scanner);
      let found = later.length;
      for (const [digest, size] of second.leaves) if (!known.has(digest)) found -= size;
      const { sizes } = first;
      const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
      const deviation = Math.sqrt(sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / sizes.length);
      const share = (test: (size: number) => boolean): string => ((100 * sizes.filter(test).length) / sizes.length).toFixed(1);
      return [
        ((100 * found) / later.length).toFixed(2),
        mean.toFixed(0),
        deviation.toFixed(0),
        share((size) => size < settings.minSize),
        share((size) => size === settings.maxSize),
      ].join(' / ');
    });
    console.log(`| ${name} | ${meanSize} | ${cells.join(' | ')} |`);
  }
}

function speed(name: string, data: Buffer, work: (data: Buffer) => void): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 25; round++) {
    const start = performance.now();
    work(data);
    best = Math.min(best, performance.now() - start);
  }
  console.log(`| ${name} | ${(data.length / best / 1000).toFixed(0)} |`);
}

function speeds(): void {
  const data = makeRandom(5).bytes(4 * MIB);
  const { memory, octets, at } = kernelMemory(data.length);
  octets.set(data, at);
  const scan = (kernel: EdgeKernel) => () => {
    for (let from = 0; from < data.length; from += MIB / 4) kernel.scan(at + from, at + from + MIB / 4, 63);
  };
  const blocks = (hashName: string) => () => {
    for (let from = 0; from < data.length; from += 8192) hash(hashName, data.subarray(from, from + 8192), 'buffer');
  };
  console.log('| | MB/s, one core, best of 25 |\n|---|---|');
  speed('edge kernel, WebAssembly', data, scan(loadEdgeKernel(settingsOf(8192), memory)));
  speed('edge kernel, plain TypeScript', data, scan(loadEdgeKernel(settingsOf(8192), memory, { native: false })));
  speed('gear hash of 32 bits, plain loop', data, () => gearLoop(data, 8192));
  speed('sha256 of 8 KiB Blocks, node:crypto', data, blocks('sha256'));
  speed('sha3-256 of 8 KiB Blocks, node:crypto', data, blocks('sha3-256'));
}

speeds();
console.log(
  `\nAfter ${EDITS} edits of 1 to 100 octets: found again, %; mean size, deviation; Blocks below the minimum and at the maximum, %\n`,
);
console.log('| data | mean | poly32-1 | gear64 |\n|---|---|---|---|');
quality('random', makeRandom(6).bytes(CORPUS_SIZE));
for (const path of process.argv.slice(2)) quality(basename(path), readCorpus(path));
