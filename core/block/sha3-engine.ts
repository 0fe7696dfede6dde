import { hash as nodeHash } from 'node:crypto';
import { copyOctets } from '../base/copy-octets.ts';
import { type SharedMemory, sharedMemory } from '../base/system/shared-memory.ts';
import { cryptoWriter, digestEach } from './digest-each.ts';
import { KECCAK_SCRATCH_SIZE, loadKeccakKernel } from './keccak-kernel.ts';
import type { MemoryDigester } from './memory-digester.ts';

// SHA-3-256: one message by node:crypto, many by the kernel, which is 1.3 to 1.6 times as fast.

/**
 * Octets that a thread hashes with node:crypto before it takes the kernel: loading that takes 1 to 3 ms, and V8 runs it
 * at half the speed at first, as it was compiled in haste. Who hashes little does better without.
 */
const BEFORE_KERNEL = 1024 * 1024;

/** Octets of the memory that bytes from elsewhere are copied to. */
const WINDOW_SIZE = 1024 * 1024;

const DIGEST_SIZE = 32;

/** Of one message. */
export function sha3Digest(data: Uint8Array): Buffer {
  return nodeHash('sha3-256', data, 'buffer');
}

const write = cryptoWriter('sha3-256');

function oneByOne(bytes: Uint8Array, ranges: ArrayLike<number>, digests: Uint8Array): void {
  digestEach(write, DIGEST_SIZE, bytes, ranges, digests);
}

function sizeOf(ranges: ArrayLike<number>): number {
  let size = 0;
  for (let i = 0; i < ranges.length; i += 2) size += (ranges[i + 1] ?? 0) - (ranges[i] ?? 0);
  return size;
}

/** Of many messages in a memory. @see HashFunction.digesterOf */
export function sha3DigesterOf(memory: SharedMemory, scratchAt: number): MemoryDigester {
  const bytes = new Uint8Array(memory.buffer);
  let before = BEFORE_KERNEL;
  let kernel: MemoryDigester | undefined;
  return (ranges, digests) => {
    if (before > 0) {
      before -= sizeOf(ranges);
      if (before <= 0) kernel = loadKeccakKernel(memory, scratchAt, sha3Digest);
    }
    if (kernel === undefined) oneByOne(bytes, ranges, digests);
    else kernel(ranges, digests);
  };
}

/** A memory that messages are copied to, since a kernel sees no other: copying costs 1 % of hashing. */
interface Window {
  readonly bytes: Uint8Array;
  readonly digest: MemoryDigester;
}

let window: Window | undefined;
let beforeWindow = BEFORE_KERNEL;

function openWindow(): Window {
  const memory = sharedMemory(WINDOW_SIZE + KECCAK_SCRATCH_SIZE);
  const bytes = new Uint8Array(memory.buffer, 0, WINDOW_SIZE);
  const digest = loadKeccakKernel(memory, WINDOW_SIZE, sha3Digest);
  return { bytes, digest: digest ?? ((ranges, digests) => oneByOne(bytes, ranges, digests)) };
}

/** Of many messages anywhere. @see HashFunction.digestMany */
export function sha3DigestMany(bytes: Uint8Array, ranges: ArrayLike<number>, digests: Uint8Array): void {
  if (ranges.length <= 2) {
    oneByOne(bytes, ranges, digests);
    return;
  }
  if (beforeWindow > 0) {
    beforeWindow -= sizeOf(ranges);
    oneByOne(bytes, ranges, digests);
    return;
  }
  window ??= openWindow();
  const places: number[] = [];
  let filled = 0;
  let first = 0;
  const digest = (end: number): void => {
    if (places.length > 0) window?.digest(places, digests.subarray(first * DIGEST_SIZE, end * DIGEST_SIZE));
    places.length = filled = 0;
    first = end;
  };
  const count = ranges.length / 2;
  for (let i = 0; i < count; i++) {
    const data = bytes.subarray(ranges[i * 2], ranges[i * 2 + 1]);
    if (filled + data.length > WINDOW_SIZE) digest(i);
    if (data.length > WINDOW_SIZE) {
      digests.set(sha3Digest(data), i * DIGEST_SIZE);
      first = i + 1;
      continue;
    }
    copyOctets(window.bytes, filled, data);
    places.push(filled, filled + data.length);
    filled += data.length;
  }
  digest(count);
}
