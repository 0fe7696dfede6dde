import { hash as nodeHash } from 'node:crypto';
import { copyOctets } from '../../base/copy-octets.ts';
import { type SharedMemory, sharedMemory } from '../../base/system/shared-memory.ts';
import { cryptoWriter, digestEach } from '../digest-each.ts';
import type { MemoryDigester } from '../memory-digester.ts';
import { KECCAK_SCRATCH_SIZE, loadKeccakKernel } from './keccak-kernel.ts';
import { type DigestMany, nativeKeccak } from './native-keccak.ts';

// SHA-3-256. node:crypto hashes single messages, a kernel hashes many. A machine-code kernel is 2.5 to 6 times as fast as node:crypto, the
// WebAssembly kernel 1.3 to 1.6 times.

/**
 * Bytes that a thread hashes with node:crypto before it loads a kernel. Loading takes 1 to 6 ms, too long for a thread that hashes little.
 */
const BEFORE_KERNEL = 1024 * 1024;

/** The largest memory for a machine-code kernel, whose offsets have 32 bits. */
const MAX_NATIVE_SIZE = 2 ** 32 - 1;

/** Bytes of the memory to which messages are copied. */
const WINDOW_SIZE = 1024 * 1024;

const DIGEST_SIZE = 32;

/** The SHA-3-256 digest of one message. */
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

let native: DigestMany | undefined;
let triedNative = false;

/** The machine-code kernel of this thread, if there is one for so much memory. */
function nativeFor({ length }: Uint8Array): DigestMany | undefined {
  if (!triedNative) {
    triedNative = true;
    native = nativeKeccak(sha3Digest);
  }
  return length > MAX_NATIVE_SIZE ? undefined : native;
}

/** The digester of many messages in one memory. @see HashFunction.digesterOf */
export function sha3DigesterOf(memory: SharedMemory, scratchAt: number): MemoryDigester {
  const bytes = new Uint8Array(memory.buffer);
  let before = BEFORE_KERNEL;
  let kernel: MemoryDigester | undefined;
  return (ranges, digests) => {
    if (before > 0) {
      before -= sizeOf(ranges);
      if (before <= 0) kernel = kernelOn(memory, bytes, scratchAt);
    }
    if (kernel === undefined) oneByOne(bytes, ranges, digests);
    else kernel(ranges, digests);
  };
}

function kernelOn(memory: SharedMemory, bytes: Uint8Array, scratchAt: number): MemoryDigester | undefined {
  const digestMany = nativeFor(bytes);
  if (digestMany === undefined) return loadKeccakKernel(memory, scratchAt, sha3Digest);
  return (ranges, digests) => digestMany(bytes, ranges, digests);
}

/** A memory to which messages are copied, because the WebAssembly kernel can access no other. Copying costs 1 % of hashing. */
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

/** The digests of many messages in any memory. @see HashFunction.digestMany */
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
  const digestMany = nativeFor(bytes);
  if (digestMany === undefined) digestInWindow(bytes, ranges, digests);
  else digestMany(bytes, ranges, digests);
}

function digestInWindow(bytes: Uint8Array, ranges: ArrayLike<number>, digests: Uint8Array): void {
  window ??= openWindow();
  const { bytes: copies, digest: digestCopies } = window;
  const places: number[] = [];
  let filled = 0;
  let first = 0;
  const digest = (end: number): void => {
    if (places.length > 0) digestCopies(places, digests.subarray(first * DIGEST_SIZE, end * DIGEST_SIZE));
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
    copyOctets(copies, filled, data);
    places.push(filled, filled + data.length);
    filled += data.length;
  }
  digest(count);
}
