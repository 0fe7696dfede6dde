import { parentPort, workerData } from 'node:worker_threads';
import { hashByName } from '../../../core/block/hash.ts';
import { BlockWindow } from '../../../core/export/block-window.ts';
import type { ReadAnswer, ReadJob, ReadWorkerData } from './read-part.ts';
import { fillPart, PART_SIZE } from './read-part.ts';

// A worker thread of a mount: reads and verifies parts of contents ahead of need, and puts them into shared memory.

const { hashName, slots } = workerData as ReadWorkerData;
const window = new BlockWindow(hashByName(hashName));

parentPort?.on('message', (job: ReadJob | undefined) => {
  if (job === undefined) {
    window[Symbol.dispose]();
    parentPort?.close();
    return;
  }
  const { slot, segments } = job;
  let answer: ReadAnswer = {};
  try {
    fillPart(window, segments, new Uint8Array(slots, slot * PART_SIZE, PART_SIZE));
  } catch (error) {
    answer = { failure: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(answer);
});
