import type { EdgeEngine } from './edge-engine.ts';
import type { EdgeThresholds } from './edge-hash.ts';
import { CHECK_BASE, FILTER_BASE, FILTER_START, power, WINDOW_SIZE } from './edge-hash.ts';

// Below 2^31, so that the loop stays within small integers.
const FILTER_LAST = power(FILTER_BASE, WINDOW_SIZE) & 0xffff;

/**
 * The edge kernel in TypeScript, for platforms without SIMD, and as reference for tests of the WebAssembly. It has about an eighth of its
 * speed.
 *
 * @param octets - the memory; positions are offsets in it
 */
export function twinEngine(octets: Uint8Array, { filterWidth, laxLimit, strictLimit }: EdgeThresholds): EdgeEngine {
  return {
    candidates(from, end, origin) {
      const found: number[] = [];
      for (const at of filterHits(octets, from, end, filterWidth)) {
        const g = polynomial(octets, at, CHECK_BASE) >>> 0;
        if (g <= laxLimit) found.push((at + 1 - origin) | (g < strictLimit ? STRICT : 0));
      }
      return Uint32Array.from(found);
    },
    runEnd(at, end) {
      const octet = octets[at];
      let i = at;
      while (i < end && octets[i] === octet) i++;
      return i;
    },
    runStart(at, start) {
      const octet = octets[at];
      let i = at;
      while (i > start && octets[i - 1] === octet) i--;
      return i;
    },
    copy(to, from, size) {
      octets.copyWithin(to, from, from + size);
    },
  };
}

const STRICT = 0x80000000 | 0;

/** Positions that pass the filter. A separate function, so that the compiler uses small integers, which doubles the speed. */
function filterHits(octets: Uint8Array, from: number, end: number, filterWidth: number): number[] {
  const hits: number[] = [];
  let h = from < end ? polynomial(octets, from, FILTER_BASE) : 0;
  for (let at = from; at < end; ) {
    if (((h - FILTER_START) & 0xffff) < filterWidth) hits.push(at);
    at++;
    if (at === end) break;
    h = (Math.imul(h, FILTER_BASE) + (octets[at] as number) - Math.imul(FILTER_LAST, octets[at - WINDOW_SIZE] as number)) | 0;
  }
  return hits;
}

/** The polynomial of `base` over the window up to and including `at`, modulo 2^32. */
function polynomial(octets: Uint8Array, at: number, base: number): number {
  let sum = 0;
  for (let i = at - WINDOW_SIZE + 1; i <= at; i++) sum = (Math.imul(sum, base) + (octets[i] as number)) | 0;
  return sum;
}
