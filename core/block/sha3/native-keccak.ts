import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { NativeFunction } from '../../base/system/libc-native.ts';
import { nativeCode, processorFlags } from '../../base/system/native-code.ts';
import { KECCAK_AVX2 } from './keccak-avx2-code.ts';
import { KECCAK_AVX512 } from './keccak-avx512-code.ts';
import type { KeccakCode } from './keccak-code.ts';

/** Computes the digests of pieces of `bytes`, as HashFunction's digestMany. */
export type DigestMany = (bytes: Uint8Array, ranges: ArrayLike<number>, digests: Uint8Array) => void;

/** The kernels by preference, with their names in VTFTP_NATIVE and the processor feature that each needs. */
const KERNELS: readonly { readonly name: string; readonly flag: string; readonly code: KeccakCode }[] = [
  { name: 'avx512', flag: 'avx512f', code: KECCAK_AVX512 },
  { name: 'avx2', flag: 'avx2', code: KECCAK_AVX2 },
];

const TYPES = ['const void *', 'const void *', 'size_t', 'void *', 'void *'];

const DIGEST_SIZE = 32;

/** Maximum messages per call of the kernel. */
const MAX_JOBS = 4096;
/** The fields of a job: the message's offset, its size, and the index of its digest. */
const JOB_FIELDS = 3;

/** The time of node:crypto for a message, divided by its time on one side of a kernel. Measured: 0.6 to 0.8. */
const ALONE = 0.7;

/** The key of the choice in the environment data that Node passes to new threads. */
const CHOICE = 'vtftp:native-kernel';

/** Chooses the kernel of this thread, and of threads that it starts later: a name, `0` for none, or undefined for the fastest. */
export function useNativeKernel(name: string | undefined): void {
  if (name !== undefined && name !== '') setEnvironmentData(CHOICE, name);
}

/**
 * Loads the fastest machine-code kernel that this processor can run.
 *
 * @param alone - hashes a single message
 * @param name - the kernel to use; by default the choice of {@link useNativeKernel}
 * @returns undefined if there is none, or the system refuses executable memory
 */
export function nativeKeccak(
  alone: (data: Uint8Array) => Uint8Array,
  name = (getEnvironmentData(CHOICE) ?? '') as string,
): DigestMany | undefined {
  const flags = processorFlags();
  const kernel = KERNELS.find((each) => flags.has(each.flag) && (name === '' || name === each.name));
  if (kernel === undefined) return undefined;
  const hash = nativeCode(Buffer.from(kernel.code.code, 'base64'), TYPES);
  return hash === undefined ? undefined : digestManyBy(hash, kernel.code, alone);
}

function digestManyBy(hash: NativeFunction, { sides, scratchSize }: KeccakCode, alone: (data: Uint8Array) => Uint8Array): DigestMany {
  const scratch = new Uint8Array(scratchSize);
  const jobs = new Uint32Array(MAX_JOBS * JOB_FIELDS);
  const jobBytes = new Uint8Array(jobs.buffer);
  return (bytes, ranges, digests) => {
    const count = ranges.length / 2;
    for (let first = 0; first < count; first += MAX_JOBS) {
      const order = longestFirst(ranges, first, Math.min(count, first + MAX_JOBS));
      const lonely = countLonely(order, sides);
      let at = 0;
      order.forEach((key, index) => {
        const number = numberOf(key);
        const start = ranges[number * 2] ?? 0;
        const size = sizeOf(key);
        if (index < lonely) digests.set(alone(bytes.subarray(start, start + size)), number * DIGEST_SIZE);
        else {
          jobs[at++] = start;
          jobs[at++] = size;
          jobs[at++] = number;
        }
      });
      if (at > 0) hash(bytes, jobBytes, at / JOB_FIELDS, digests, scratch);
    }
  };
}

/** Size and index of a message are packed into one number: index - size * NUMBERS. Numbers in ascending order have the largest first. */
const NUMBERS = 2 ** 20;

function sizeOf(key: number): number {
  return Math.ceil(-key / NUMBERS);
}

function numberOf(key: number): number {
  return key + sizeOf(key) * NUMBERS;
}

/** Sorts the messages `first` to `end`, longest first, so that all sides of the kernel end at about the same time. */
function longestFirst(ranges: ArrayLike<number>, first: number, end: number): Float64Array {
  const keys = new Float64Array(end - first);
  for (let number = first; number < end; number++) {
    keys[number - first] = number - ((ranges[number * 2 + 1] ?? 0) - (ranges[number * 2] ?? 0)) * NUMBERS;
  }
  return keys.sort();
}

/** How many of the longest messages are faster alone, because the other sides of the kernel would be idle for long. */
function countLonely(order: Float64Array, sides: number): number {
  let total = order.reduce((sum, key) => sum + sizeOf(key), 0);
  for (let index = 0; ; index++) {
    const [size, next] = [index, index + 1].map((each) => sizeOf(order[each] ?? 0)) as [number, number];
    const together = Math.max(size, total / sides);
    total -= size;
    const apart = size * ALONE + Math.max(next, total / sides);
    if (apart >= together) return index;
  }
}
