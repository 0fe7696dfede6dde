import { closeSync, lstatSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Octets } from '../../../core/base/octets.ts';
import type { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import type { IngestedFile, SeenFile } from '../../../core/blockify/ingest/ingested-file.ts';

/** Has a file read that stands at a path. @param seen - as it was seen before; default: as it is */
export async function ingestFile(ingest: Ingest, path: string, seen: SeenFile = lstatSync(path, { bigint: true })): Promise<IngestedFile> {
  const dir = openSync(dirname(path), 'r');
  try {
    return await ingest.file({ dir, name: basename(path) as Octets }, seen);
  } finally {
    closeSync(dir);
  }
}
