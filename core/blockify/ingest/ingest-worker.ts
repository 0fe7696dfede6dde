import { parentPort, workerData } from 'node:worker_threads';
import { IngestJobs } from './ingest-jobs.ts';
import type { Job, JobReply, WorkerSetup } from './ingest-protocol.ts';
import { plainError } from './ingest-protocol.ts';

// A worker thread of the ingest. It executes jobs in order. @see WorkerPool

const port = parentPort;
if (port === null) throw new Error('ingest worker: not started as a worker thread');

const jobs = new IngestJobs(workerData as WorkerSetup);

port.on('message', (job: Job) => {
  let reply: JobReply;
  try {
    reply = { result: jobs.run(job) };
  } catch (error) {
    reply = { error: plainError(error) };
  }
  port.postMessage(reply);
});
