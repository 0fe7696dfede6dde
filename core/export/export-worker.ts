import { parentPort, workerData } from 'node:worker_threads';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { PackedBatch } from './export-batch.ts';
import { BatchWriter } from './export-writer.ts';

// A worker thread of an export. It receives batches and replies with their results, in order. Descriptors in a batch belong to the process.

/** The setup of a worker. */
export interface ExportWorkerData {
  readonly hashName: HashName;
  readonly sparse: boolean;
}

const { hashName, sparse } = workerData as ExportWorkerData;
const writer = new BatchWriter(hashByName(hashName), sparse);

parentPort?.on('message', (batch: PackedBatch | undefined) => {
  if (batch !== undefined) {
    parentPort?.postMessage(writer.run(batch));
    return;
  }
  writer[Symbol.dispose]();
  parentPort?.close();
});
