import type { SharedMemory } from '../base/system/shared-memory.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { EdgeEngine } from './edge-engine.ts';
import type { EdgeThresholds } from './edge-hash.ts';
import { checkEdgeSettings, edgeThresholds, WINDOW_SIZE } from './edge-hash.ts';
import { twinEngine } from './edge-kernel-twin.ts';
import { EDGE_KERNEL_WASM } from './edge-kernel-wasm.ts';

/** The bit that marks a strict candidate. */
export const STRICT_FLAG = 0x80000000;

/** The other bits of a candidate: the offset in the slice at which a Block may end. */
export const POSITION_MASK = 0x7fffffff;

/** Minimum bytes of a run of one byte, which becomes a RunBlock. Part of the kernel's definition. @see vt(5), "Edges" */
export const MIN_RUN_SIZE = 4096;

/** Bytes of scratch memory that a kernel needs at `scratchAt`. */
export const KERNEL_SCRATCH_SIZE = 64 * 1024;

/** Bytes before a slice that affect its edges. The memory must begin at least 128 bytes before the slice. */
export const KERNEL_CONTEXT = WINDOW_SIZE - 1;

/** Equal bytes at the start or end of a slice. */
export interface TouchingRun {
  readonly octet: number;
  readonly length: number;
}

/** The kernel's result for a slice of a content. Positions are offsets in the slice. It can be sent between threads. */
export interface SliceScan {
  /** Bytes of the slice. */
  readonly length: number;
  /** Offsets at which Blocks may end, ascending, 1..length, in {@link POSITION_MASK}; with {@link STRICT_FLAG} if strict. */
  readonly candidates: Uint32Array;
  /** Runs of at least MIN_RUN_SIZE that touch neither end of the slice: triples of start, end and byte, ascending. */
  readonly runs: Uint32Array;
  /**
   * The runs at the start and end of the slice, of 1 byte or more. Both are the whole slice if all its bytes are equal. Undefined if it is
   * empty.
   */
  readonly head: TouchingRun | undefined;
  readonly tail: TouchingRun | undefined;
}

/** Finds candidates and runs in the memory for which it was loaded. */
export interface EdgeKernel {
  /** Whether it is the WebAssembly. */
  readonly isNative: boolean;
  /**
   * Scans bytes `start` to `end` of the memory, in place.
   *
   * @param start - 128 or more
   * @param context - how many bytes of the same content are right before `start`; more than 63 count as 63
   */
  scan(start: number, end: number, context: number): SliceScan;
  /** Copies bytes within the memory, several times as fast as a Uint8Array of shared memory. */
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
  /** Offset in the memory of KERNEL_SCRATCH_SIZE bytes for exclusive use, a multiple of 4; default 0. */
  readonly scratchAt?: number;
  /** False for the TypeScript kernel; default true. */
  readonly native?: boolean;
}

/**
 * Loads the edge kernel for a Store's settings and a memory: the WebAssembly, or its twin if SIMD is missing or the memory is a plain
 * buffer.
 *
 * @param memory - contains the slices to scan
 * @throws {VtError} EUNSUPPORTED if the settings name another kernel, {RangeError} if they are invalid
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
    // Compiling takes 2 ms, so it is done once per thread.
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

/** Every run of MIN_RUN_SIZE contains one of these probes, so comparing 16 of every 2,048 bytes finds all runs. */
const PROBE_DISTANCE = 2048;
const PROBE_SIZE = 16;

function scanSlice(engine: EdgeEngine, octets: Uint8Array, start: number, end: number, context: number): SliceScan {
  const length = end - start;
  if (length <= 0) return { length: 0, candidates: new Uint32Array(0), runs: new Uint32Array(0), head: undefined, tail: undefined };
  const headEnd = engine.runEnd(start, end);
  const tailStart = headEnd === end ? start : engine.runStart(end - 1, start);
  const runs: number[] = [];
  const parts: Uint32Array[] = [];
  // Blocks cannot end inside runs, so these are not scanned. `from` is the next position to scan for candidates.
  let from = start + Math.max(0, KERNEL_CONTEXT - context);
  const skip = (runStart: number, runEnd: number): void => {
    if (runEnd - runStart < MIN_RUN_SIZE) return;
    if (from < runStart) parts.push(engine.candidates(from, runStart, start));
    // Each position needs a whole window of content, so `from` must not decrease.
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
