import { parentPort, workerData } from 'node:worker_threads';
import { hashByName } from '../../block/hash.ts';
import { checkRecords, readRecords } from './check-records.ts';
import type { CheckReply, CheckRequest, CheckSetup } from './record-checker.ts';

// A worker thread that verifies records in shared memory. @see RecordChecker

const port = parentPort;
if (port === null) throw new Error('check worker: not started as a worker thread');

const { hashName, memory } = workerData as CheckSetup;
const hash = hashByName(hashName);
const digest = hash.digesterOf(memory, 0);

port.on('message', ({ at, size, most }: CheckRequest) => {
  let reply: CheckReply;
  try {
    const image = Buffer.from(memory.buffer as unknown as ArrayBuffer, at, size);
    const batch = readRecords(image, hash, most);
    const digestMany = (ranges: ArrayLike<number>, digests: Uint8Array): void => {
      const places = new Float64Array(ranges);
      for (let i = 0; i < places.length; i++) places[i] = at + (places[i] as number);
      digest(places, digests);
    };
    checkRecords(batch, hash, '', { digestMany, isRead: true });
    const { count, digests, sizes, storedSizes, codecs } = batch;
    reply = { count, digests, sizes, storedSizes, codecs };
  } catch {
    reply = undefined;
  }
  port.postMessage(reply);
});
