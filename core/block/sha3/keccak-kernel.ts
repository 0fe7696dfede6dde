import type { SharedMemory } from '../../base/system/shared-memory.ts';
import type { MemoryDigester } from '../memory-digester.ts';
import { KECCAK_KERNEL_WASM } from './keccak-kernel-wasm.ts';

/** Bytes per block of the sponge: the state of 1600 bits less twice the digest's 256 bits. @see FIPS 202, 6.1 */
export const SHA3_256_RATE = 136;

const DIGEST_SIZE = 32;

/** Bytes of scratch memory: the states, the last blocks, and the digests of 472 messages. */
export const KECCAK_SCRATCH_SIZE = 16 * 1024;

/**
 * Without a second message, the kernel takes 1.4 times as long as node:crypto. If at least this part of the message is not yet hashed,
 * node:crypto hashes it anew.
 */
const WORTH_A_RESTART = 0.7;

interface KernelExports {
  readonly digestsAt: WebAssembly.Global;
  readonly prepare: (scratch: number) => void;
  readonly begin: (scratch: number, side: Side, rest: number, size: number) => number;
  readonly absorb: (scratch: number, first: number, second: number, blocks: number) => void;
  readonly finish: (scratch: number, side: Side, number: number) => void;
}

/** One of the two messages that are hashed at once. */
type Side = 0 | 1;

/** A message that the kernel is hashing. */
interface Message {
  /** Its index; -1 for none. */
  number: number;
  /** The address of the next block, and how many are contiguous there. */
  at: number;
  blocks: number;
  /** The address of the last block, with the padding; 0 once it is the next one. */
  last: number;
}

let compiled: WebAssembly.Module | undefined;

/**
 * Loads the SHA-3-256 kernel for a memory. It hashes two messages of any length at once, in place.
 *
 * @param scratchAt - offset of KECCAK_SCRATCH_SIZE bytes for exclusive use, a multiple of 16
 * @param alone - hashes a single message
 * @returns undefined if the platform lacks SIMD, or the memory is a plain buffer
 */
export function loadKeccakKernel(
  memory: SharedMemory,
  scratchAt: number,
  alone: (data: Uint8Array) => Uint8Array,
): MemoryDigester | undefined {
  if (!(memory instanceof WebAssembly.Memory)) return undefined;
  let kernel: KernelExports;
  try {
    compiled ??= new WebAssembly.Module(Buffer.from(KECCAK_KERNEL_WASM, 'base64'));
    kernel = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as KernelExports;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
  kernel.prepare(scratchAt);
  const bytes = new Uint8Array(memory.buffer);
  const digestsAt = scratchAt + (kernel.digestsAt.value as number);
  const most = Math.floor((scratchAt + KECCAK_SCRATCH_SIZE - digestsAt) / DIGEST_SIZE);
  const pair = new MessagePair(kernel, scratchAt);
  return (ranges, digests) => {
    const count = ranges.length / 2;
    for (let first = 0; first < count; first += most) {
      const end = Math.min(count, first + most);
      const given = pair.run(ranges, first, end);
      digests.set(bytes.subarray(digestsAt, digestsAt + (end - first) * DIGEST_SIZE), first * DIGEST_SIZE);
      if (given >= 0) digests.set(alone(bytes.subarray(ranges[given * 2], ranges[given * 2 + 1])), given * DIGEST_SIZE);
    }
  };
}

/** Hashes messages in pairs. When one ends, the next message takes its place. */
class MessagePair {
  readonly #kernel: KernelExports;
  readonly #scratch: number;
  readonly #left: Message = { number: -1, at: 0, blocks: 0, last: 0 };
  readonly #right: Message = { number: -1, at: 0, blocks: 0, last: 0 };
  #ranges: ArrayLike<number> = [];
  #first = 0;
  #next = 0;
  #end = 0;

  constructor(kernel: KernelExports, scratch: number) {
    this.#kernel = kernel;
    this.#scratch = scratch;
  }

  /**
   * Hashes the messages `first` to `end`. Their digests are in the scratch memory. @returns the index of one that remains to be hashed
   * alone, or -1
   */
  run(ranges: ArrayLike<number>, first: number, end: number): number {
    const [left, right] = [this.#left, this.#right];
    this.#ranges = ranges;
    this.#first = this.#next = first;
    this.#end = end;
    this.#begin(left, 0);
    this.#begin(right, 1);
    while (left.number >= 0 && right.number >= 0) {
      const blocks = Math.min(left.blocks, right.blocks);
      this.#kernel.absorb(this.#scratch, left.at, right.at, blocks);
      this.#advance(left, 0, blocks);
      this.#advance(right, 1, blocks);
    }
    if (left.number >= 0) return this.#rest(left, 0);
    return right.number >= 0 ? this.#rest(right, 1) : -1;
  }

  /** Completes the remaining message, unless it is faster to hash it anew with node:crypto. */
  #rest(message: Message, side: Side): number {
    const { number } = message;
    const size = (this.#ranges[number * 2 + 1] ?? 0) - (this.#ranges[number * 2] ?? 0);
    if (message.last !== 0 && message.blocks * SHA3_256_RATE >= size * WORTH_A_RESTART) return number;
    while (message.number >= 0) {
      const { at, blocks } = message;
      this.#kernel.absorb(this.#scratch, at, at, blocks);
      this.#advance(message, side, blocks);
    }
    return -1;
  }

  /** Starts the next message, if there is one, on a side. */
  #begin(message: Message, side: Side): void {
    if (this.#next >= this.#end) {
      message.number = -1;
      return;
    }
    const number = this.#next++;
    const start = this.#ranges[number * 2] ?? 0;
    const size = (this.#ranges[number * 2 + 1] ?? 0) - start;
    const rest = size % SHA3_256_RATE;
    const last = this.#kernel.begin(this.#scratch, side, start + size - rest, rest);
    message.number = number;
    message.blocks = (size - rest) / SHA3_256_RATE;
    message.at = start;
    message.last = last;
    if (message.blocks === 0) lastBlock(message);
  }

  #advance(message: Message, side: Side, blocks: number): void {
    message.at += blocks * SHA3_256_RATE;
    message.blocks -= blocks;
    if (message.blocks > 0) return;
    if (message.last !== 0) {
      lastBlock(message);
      return;
    }
    this.#kernel.finish(this.#scratch, side, message.number - this.#first);
    this.#begin(message, side);
  }
}

function lastBlock(message: Message): void {
  message.at = message.last;
  message.blocks = 1;
  message.last = 0;
}
