import { parentPort, workerData } from 'node:worker_threads';
import type { FuzzCounts } from '../../support/fuzz/fuzz-loop.ts';
import { fuzz } from '../../support/fuzz/fuzz-loop.ts';
import { FUZZ_TARGETS } from '../../support/fuzz/targets.ts';

// The thread of decoder-fuzz.ts: it fuzzes one decoder, and shows each input before it is decoded.

/** What the thread is told. */
export interface FuzzWorkerData {
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
  /** Four 32-bit numbers (count of inputs, size of this one), and the input. */
  readonly shared: SharedArrayBuffer;
}

/** What the thread tells. */
export type FuzzMessage =
  | { readonly kind: 'fault'; readonly what: string; readonly data: Uint8Array }
  | { readonly kind: 'done'; readonly counts: FuzzCounts };

const { name, seed, seconds, shared } = workerData as FuzzWorkerData;
const target = FUZZ_TARGETS.find((known) => known.name === name);
if (target === undefined || parentPort === null) throw new RangeError(`decoder-fuzz-worker: no decoder "${name}"`);
const port = parentPort;
const tell = (message: FuzzMessage): void => port.postMessage(message);
const state = new Int32Array(shared, 0, 4);
const room = new Uint8Array(shared, 16);
const endMs = performance.now() + seconds * 1000;
const counts = await fuzz(target, {
  seed,
  isOver: () => performance.now() >= endMs,
  onInput: (data) => {
    room.set(data.subarray(0, room.length));
    Atomics.store(state, 1, Math.min(data.length, room.length));
    Atomics.add(state, 0, 1);
  },
  onFault: (fault, data, input) => tell({ kind: 'fault', what: `input ${input}: ${fault.stack ?? fault.message}`, data }),
});
tell({ kind: 'done', counts });
