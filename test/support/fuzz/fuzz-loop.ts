import { makeRandom } from '../random.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { FuzzFault } from './fuzz-target.ts';
import { dictionary, mutate } from './mutate.ts';

/** Milliseconds of processor time that an input may take, and then for each MiB: far above what any needs, far below what a loop takes. */
const GRACE_MS = 600;
const MS_PER_MIB = 1000;
/** Octets of memory that no input of these sizes has a use for. */
const MAX_GROWTH = 192 * 1024 * 1024;
/** Inputs that showed something new, at most. */
const MAX_CORPUS = 4000;

/** What a run of the fuzzer came to. */
export interface FuzzCounts {
  readonly inputs: number;
  readonly octets: number;
  /** Kinds of inputs that the decoder told apart. */
  readonly kinds: number;
  readonly faults: number;
}

/** How long a run goes on, and who is told of it. */
export interface FuzzRun {
  /** 0 <= seed < 2^32 */
  readonly seed: number;
  isOver(inputs: number): boolean;
  /** Told of each input before it is decoded, so that one that never ends can be named. */
  readonly onInput?: (data: Buffer) => void;
  /** Told of each fault once by its kind, with the input at fault. */
  onFault(fault: Error, data: Buffer, input: number): void;
}

/**
 * Gives a decoder inputs until the run is over: its seeds, and then mutations of them and of inputs that showed something new.
 */
export async function fuzz(target: FuzzTarget, run: FuzzRun): Promise<FuzzCounts> {
  const random = makeRandom(run.seed);
  const maxSize = target.maxSize ?? 65_536;
  const seeds = await target.seeds();
  const corpus: Buffer[] = [...seeds];
  const words = dictionary(seeds, target.tokens ?? []);
  const kinds = new Set<string>();
  const faults = new Set<string>();
  let inputs = 0;
  let octets = 0;
  for (; inputs < seeds.length || !run.isOver(inputs); inputs++) {
    let data = seeds[inputs] ?? mutate(random, corpus, words, maxSize);
    if (inputs >= seeds.length && target.mend !== undefined && random.chance(70)) data = target.mend(data, random);
    run.onInput?.(data);
    octets += data.length;
    try {
      const kind = await measured(target, data, run.seed + inputs);
      if (!kinds.has(kind)) {
        kinds.add(kind);
        if (corpus.length >= MAX_CORPUS) corpus[seeds.length + random.below(corpus.length - seeds.length)] = data;
        else if (inputs >= seeds.length) corpus.push(data);
      }
    } catch (error) {
      const fault = error instanceof Error ? error : new FuzzFault(String(error));
      const key = fault.message.slice(0, 40).replace(/\d+/g, '#');
      if (faults.has(key)) continue;
      faults.add(key);
      run.onFault(fault, data, inputs);
    }
  }
  return { inputs, octets, kinds: kinds.size, faults: faults.size };
}

/** Checks one input, and the time and memory that it takes; a second time where other work may have been what took it. */
async function measured(target: FuzzTarget, data: Buffer, seed: number): Promise<string> {
  const allowedMs = GRACE_MS + (MS_PER_MIB * data.length) / 2 ** 20;
  for (let again = false; ; again = true) {
    const heapBefore = process.memoryUsage.rss();
    const before = process.cpuUsage();
    const kind = await target.check(data, makeRandom(seed));
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1000;
    const growth = process.memoryUsage.rss() - heapBefore;
    if (tookMs <= allowedMs && growth <= MAX_GROWTH) return kind;
    if (!again) continue;
    throw new FuzzFault(`${Math.round(tookMs)} ms of processor time and ${growth} octets more memory for ${data.length} octets`);
  }
}
