import { parentPort, workerData } from 'node:worker_threads';
import { hashByName } from '../block/hash.ts';
import { DatafileReaders } from '../datadir/datafiles/datafile-readers.ts';
import type { SweepReply, SweepRequest, SweepSetup } from './sweep-messages.ts';
import { Sweeper } from './sweeper.ts';

// A worker thread that reads data files in large pieces and hashes their Blocks. @see LeafSweep

const port = parentPort;
if (port === null) throw new Error('sweep worker: not started as a worker thread');

const { from, to } = workerData as SweepSetup;
const sweeper = new Sweeper({ from: hashByName(from), to: hashByName(to) }, new DatafileReaders('/'));

port.on('message', (request: SweepRequest) => {
  const reply: SweepReply = sweeper.answer(request);
  port.postMessage(reply);
});
