import type { SharedMemory } from '../base/system/shared-memory.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { EdgeEngine } from './edge-engine.ts';
import type { EdgeThresholds } from './edge-hash.ts';
import { checkEdgeSettings, edgeThresholds, WINDOW_SIZE } from './edge-hash.ts';
import { twinEngine } from './edge-kernel-twin.ts';
import { EDGE_KERNEL_WASM } from './edge-kernel-wasm.ts';

/** Set in a candidate that is strict. */
export const STRICT_FLAG = 0x80000000;

/** The rest of a candidate: bytes from the slice's start to where a Block may end. */
export const POSITION_MASK = 0x7fffffff;

/** Runs of one byte are found from this length on, and become RunBlocks. Part of the kernel's definition. @see vt(5), "Edges" */
export const MIN_RUN_SIZE = 4096;

/** Bytes of scratch memory that a kernel needs for its own, at `scratchAt`. */
export const KERNEL_SCRATCH_SIZE = 64 * 1024;

/** Bytes before a slice that decide with it; readable memory must begin 128 before the slice. */
export const KERNEL_CONTEXT = WINDOW_SIZE - 1;

/** Bytes equal to each other at a slice's end. */
export interface TouchingRun {
  readonly octet: number;
  readonly length: number;
}

/** What the kernel found in a slice of a content. Positions are bytes from the slice's start. Travels between threads. */
export interface SliceScan {
  /** Bytes of the slice. */
  readonly length: number;
  /** Where Blocks may end, ascending: {@link POSITION_MASK} of each, 1..length; {@link STRICT_FLAG} if strict. */
  readonly candidates: Uint32Array;
  /** Runs of at least MIN_RUN_SIZE that touch neither end: triples of start, end and byte, ascending. */
  readonly runs: Uint32Array;
  /** The run that the slice begins with, and the one it ends with, of 1 byte or more; both are the same if it is all one run. Undefined for an empty slice. */
  readonly head: TouchingRun | undefined;
  readonly tail: TouchingRun | undefined;
}

/** Finds candidates and runs in memory that it was loaded with. */
export interface EdgeKernel {
  /** Whether WebAssembly does the work. */
  readonly isNative: boolean;
  /**
   * Scans bytes `start` to `end` of the memory, in place.
   *
   * @param start - 128 or more
   * @param context - bytes of the same content right before `start`, as many as there are; more than 63 count as 63
   */
  scan(start: number, end: number, context: number): SliceScan;
  /** Copies bytes within the memory: several times as fast as a Uint8Array of shared memory does. */
  copy(to: number, from: number, size: number): void;
}

interface KernelExports {
  readonly candidates: (
    from: number,
    end: number,
    origin: number,
    out: number,
    most: number,
    width: number,
    lax: number,
    strict: number,
  ) => number;
  readonly stopped: WebAssembly.Global;
  readonly runEnd: (at: number, end: number) => number;
  readonly runStart: (at: number, start: number) => number;
  readonly copy: (to: number, from: number, size: number) => void;
}

export interface KernelOptions {
  /** Offset of KERNEL_SCRATCH_SIZE bytes of the memory that only this kernel uses; default 0. A multiple of 4. */
  readonly scratchAt?: number;
  /** False for the plain TypeScript; default true, where the platform can. */
  readonly native?: boolean;
}

/**
 * Loads the edge kernel of a Store's settings on a memory: the WebAssembly, or the twin where SIMD is missing or the memory is a plain buffer.
 *
 * @param memory - slices to scan are in it
 * @throws {VtError} EUNSUPPORTED if the settings name another kernel, {RangeError} if they contradict themselves
 */
export function loadEdgeKernel(settings: EdgeSettings, memory: SharedMemory, options: KernelOptions = {}): EdgeKernel {
  checkEdgeSettings(settings);
  const { scratchAt = 0, native = true } = options;
  const thresholds = edgeThresholds(settings);
  const octets = new Uint8Array(memory.buffer);
  const engine = native ? nativeEngine(memory, thresholds, scratchAt) : undefined;
  const used = engine ?? twinEngine(octets, thresholds);
  return {
    isNative: engine !== undefined,
    scan: (start, end, context) => scanSlice(used, octets, start, end, context),
    copy: (to, from, size) => used.copy(to, from, size),
  };
}

let compiled: WebAssembly.Module | undefined;

function nativeEngine(memory: SharedMemory, thresholds: EdgeThresholds, scratchAt: number): EdgeEngine | undefined {
  if (!(memory instanceof WebAssembly.Memory)) return undefined;
  const { filterWidth, laxLimit, strictLimit } = thresholds;
  let kernel: KernelExports;
  try {
    // Compiling takes 2 ms: once a thread.
    compiled ??= new WebAssembly.Module(Buffer.from(EDGE_KERNEL_WASM, 'base64'));
    kernel = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as KernelExports;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
  const most = KERNEL_SCRATCH_SIZE / 4;
  const scratch = new Uint32Array(memory.buffer, scratchAt, most);
  return {
    candidates(from, end, origin) {
      const parts: Uint32Array[] = [];
      for (let at = from; at < end; at = kernel.stopped.value as number) {
        const count = kernel.candidates(at, end, origin, scratchAt, most, filterWidth, laxLimit, strictLimit);
        parts.push(scratch.slice(0, count));
      }
      return joined(parts);
    },
    runEnd: (at, end) => kernel.runEnd(at, end),
    runStart: (at, start) => kernel.runStart(at, start),
    copy: (to, from, size) => kernel.copy(to, from, size),
  };
}

/** Any run of MIN_RUN_SIZE has one of these probes well inside: a look at 16 bytes in 2,048 finds them all. */
const PROBE_DISTANCE = 2048;
const PROBE_SIZE = 16;

function scanSlice(engine: EdgeEngine, octets: Uint8Array, start: number, end: number, context: number): SliceScan {
  const length = end - start;
  if (length <= 0) return { length: 0, candidates: new Uint32Array(0), runs: new Uint32Array(0), head: undefined, tail: undefined };
  const headEnd = engine.runEnd(start, end);
  const tailStart = headEnd === end ? start : engine.runStart(end - 1, start);
  const runs: number[] = [];
  const parts: Uint32Array[] = [];
  // Nothing is looked for inside runs: Blocks cannot end there. What is next to be scanned for candidates:
  let from = start + Math.max(0, KERNEL_CONTEXT - context);
  const skip = (runStart: number, runEnd: number): void => {
    if (runEnd - runStart < MIN_RUN_SIZE) return;
    if (from < runStart) parts.push(engine.candidates(from, runStart, start));
    // A position needs its window within the content, so it may not start earlier than it would have without the run.
    from = Math.max(from, runEnd);
  };
  skip(start, headEnd);
  for (let at = headEnd + PROBE_DISTANCE; at + PROBE_SIZE <= tailStart; ) {
    if (!isUniform(octets, at)) {
      at += PROBE_DISTANCE;
      continue;
    }
    const runStart = engine.runStart(at, start);
    const runEnd = engine.runEnd(at, end);
    if (runEnd - runStart >= MIN_RUN_SIZE) {
      runs.push(runStart - start, runEnd - start, octets[at] as number);
      skip(runStart, runEnd);
    }
    at = runEnd + PROBE_DISTANCE;
  }
  skip(tailStart, end);
  if (from < end) parts.push(engine.candidates(from, end, start));
  return {
    length,
    candidates: joined(parts),
    runs: Uint32Array.from(runs),
    head: { octet: octets[start] as number, length: headEnd - start },
    tail: { octet: octets[end - 1] as number, length: end - tailStart },
  };
}

function isUniform(octets: Uint8Array, at: number): boolean {
  const octet = octets[at];
  if (octets[at + 1] !== octet || octets[at + PROBE_SIZE - 1] !== octet) return false;
  for (let i = 2; i < PROBE_SIZE - 1; i++) if (octets[at + i] !== octet) return false;
  return true;
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const out = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
