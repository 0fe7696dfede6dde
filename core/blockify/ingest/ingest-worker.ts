import { parentPort, workerData } from 'node:worker_threads';
import { IngestJobs } from './ingest-jobs.ts';
import type { JobReply, JobRequest, WorkerSetup } from './ingest-protocol.ts';
import { plainError } from './ingest-protocol.ts';

// A thread of the ingest: one job after the other, as they come. @see WorkerPool

const port = parentPort;
if (port === null) throw new Error('ingest worker: not started as a worker thread');

const jobs = new IngestJobs(workerData as WorkerSetup);

port.on('message', ({ id, job }: JobRequest) => {
  let reply: JobReply;
  try {
    reply = { id, result: jobs.run(job) };
  } catch (error) {
    reply = { id, error: plainError(error) };
  }
  port.postMessage(reply);
});
