import { parentPort, workerData } from 'node:worker_threads';
import { hashByName } from '../block/hash.ts';
import type { MemoryDigester } from '../block/memory-digester.ts';
import { DatafileReaders } from '../datadir/datafiles/datafile-readers.ts';
import type { RehashReply, RehashRequest, RehashSetup } from './record-rehasher.ts';
import { rehashRecords } from './rehash-records.ts';

// A worker thread that verifies records in shared memory and rewrites them with another hash function. @see RecordRehasher

const port = parentPort;
if (port === null) throw new Error('rehash worker: not started as a worker thread');

const { hashNames, memory } = workerData as RehashSetup;
const hashes = { from: hashByName(hashNames.from), to: hashByName(hashNames.to) };
const digesters = { from: hashes.from.digesterOf(memory, 0), to: hashes.to.digesterOf(memory, 0) };

/** Makes a digester for ranges of an image that begins at an offset of the memory. */
function within(digester: MemoryDigester, at: number): MemoryDigester {
  return (ranges, digests) => {
    const places = new Float64Array(ranges);
    for (let i = 0; i < places.length; i++) places[i] = at + (places[i] as number);
    digester(places, digests);
  };
}

/** Readers of data files, by path. */
const readers = new DatafileReaders('/');

port.on('message', ({ at, size, file, to, room }: RehashRequest) => {
  let reply: RehashReply;
  try {
    const buffer = memory.buffer as unknown as ArrayBuffer;
    if (file !== undefined && readers.readInto(file.path, file.offset, new Uint8Array(buffer, at, size)) < size)
      throw new Error('the file is cut short');
    const digestMany = { from: within(digesters.from, at), to: within(digesters.to, at) };
    const { before, batch } = rehashRecords(
      Buffer.from(buffer, at, size),
      hashes,
      room === 0 ? undefined : Buffer.from(buffer, to, room),
      '',
      digestMany,
    );
    const { count, digests, sizes, storedSizes, codecs } = batch;
    reply = { before, count, digests, sizes, storedSizes, codecs, size: batch.image.length };
  } catch {
    reply = undefined;
  }
  port.postMessage(reply);
});
