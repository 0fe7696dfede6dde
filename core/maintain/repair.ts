import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { openStoreFile } from '../base/system/store-files.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { readLocatedBlock } from '../datadir/datafiles/located-block.ts';
import { readAtOf } from '../datadir/datafiles/read-at.ts';
import { dataFileNames } from '../datadir/index/index-catch-up.ts';
import type { Location } from '../datadir/index/index-types.ts';
import { decodeRecordHeader, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import { unpackFrame } from '../store/records/frame.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';
import type { ReadAt } from '../store/records/trailer.ts';
import { unflip } from './flip.ts';
import { walkHarm } from './harm-walk.ts';
import { walkRecords } from './record-walk.ts';
import type { Found, Needed, RepairCounts, RepairOptions } from './repair-store.ts';
import { repairStore } from './repair-store.ts';
import type { StoreView } from './store-view.ts';
import { viewOf } from './store-view.ts';

/**
 * Restores missing or damaged Blocks that the roots of a datadir need. Sources are other records of the Store, records with one flipped
 * bit, other Stores, and local files with the same bytes. Each Block is verified and appended again; the index then points to the good
 * copy.
 */
export async function repair(datadir: Datadir, options: RepairOptions): Promise<RepairCounts> {
  const { index } = datadir.internals();
  const { signal, onProgress, view = viewOf(datadir) } = options;
  await datadir.flush();
  await index.ready(signal);
  return await repairStore(
    {
      view,
      walk: async (onFinding) =>
        await walkHarm(datadir, {
          signal,
          view,
          ...(options.moreArchives === undefined ? {} : { moreArchives: options.moreArchives }),
          onFinding,
          onProgress: ({ entries }) => onProgress?.({ doing: 'roots', done: entries }),
        }),
      setAside: async (needed) => await Promise.resolve(setAside(datadir, view, needed)),
      fromOwn: async (needed, found) => await fromOwnRecords(datadir, view, needed, found, options),
      flush: async () => await datadir.flush(),
    },
    options,
  );
}

/** Makes damaged Blocks count as absent, so that they are stored when they are added. */
function setAside(datadir: Datadir, { nameOf }: StoreView, needed: Needed): void {
  const { index } = datadir.internals();
  const changes = [...needed.values()].flatMap((hashcode) => {
    const digest = nameOf(hashcode.digest);
    const from = index.get(digest);
    return from === undefined || from.isDamaged === true ? [] : [{ digest, from, to: { ...from, isDamaged: true } }];
  });
  if (changes.length > 0) index.rewrite(changes, new Map());
  index.beginGeneration();
}

async function fromOwnRecords(
  datadir: Datadir,
  { nameOf }: StoreView,
  needed: Needed,
  found: Found,
  { signal, onProgress }: RepairOptions,
): Promise<void> {
  const byName = new Map([...needed.values()].map((hashcode) => [digestKey(nameOf(hashcode.digest)), hashcode]));
  const { path, hash, readers, names, index } = datadir.internals();
  const folder = join(path, 'data');
  for (const name of dataFileNames(folder)) {
    const copies: (readonly [HashCode, Location])[] = [];
    await walkRecords(
      folder,
      name,
      { names, hash },
      ({ digest, codec, offset, storedSize, size }) => {
        const hashcode = byName.get(digestKey(digest));
        if (hashcode !== undefined) copies.push([hashcode, { file: name, offset, storedSize, size, codec }]);
      },
      signal,
    );
    for (const [hashcode, location] of copies) {
      const digest = nameOf(hashcode.digest);
      const read = readLocatedBlock(readers, location, digest, hash);
      const data = read.kind === 'block' ? read.data : unflipped(join(folder, name), location, digest, datadir);
      if (data === undefined || !needed.has(digestKey(hashcode.digest))) continue;
      await datadir.addBatch([{ digest, data }], { signal });
      found(hashcode, read.kind === 'block' ? 'another record of this Store' : 'its own record, of which one bit had flipped');
    }
    onProgress?.({ doing: 'data files', done: copies.length });
  }
  // Only the index knows a record with a damaged header.
  for (const hashcode of [...needed.values()]) {
    const digest = nameOf(hashcode.digest);
    const location = index.get(digest);
    if (location === undefined) continue;
    const read = readLocatedBlock(readers, location, digest, hash);
    if (read.kind !== 'block') continue;
    await datadir.addBatch([{ digest, data: read.data }], { signal });
    found(hashcode, 'its own record');
  }
}

function unflipped(file: string, location: Location, digest: Uint8Array, datadir: Datadir): Uint8Array | undefined {
  const { hash, readers } = datadir.internals();
  const { digestSize } = readers.hashOf(location.file, hash);
  const { codec, offset, storedSize, size } = location;
  const fd = openStoreFile(file, 'read');
  try {
    const read = readAtOf(fd);
    const stored = unflippedPayload(read, offset, storedSize, digestSize);
    const data =
      stored &&
      decodeStored(stored, codec, size, (back, frameSize) => {
        const frame = unflippedPayload(read, offset - back, frameSize, digestSize);
        return frame && unpackFrame(frame);
      });
    return data !== undefined && Buffer.compare(hash.digest(data), digest) === 0 ? data : undefined;
  } finally {
    closeSync(fd);
  }
}

/** The stored bytes of a record or frame, with one flipped bit corrected; undefined if more is wrong. */
function unflippedPayload(read: ReadAt, offset: number, size: number, digestSize: number): Buffer | undefined {
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  if (offset < headerSize) return undefined;
  const record = read(offset - headerSize, headerSize + size);
  const header = decodeRecordHeader(record, 0, digestSize);
  const stored = record.subarray(headerSize);
  return header !== undefined && stored.length === size && unflip(stored, header.payloadCrc) ? stored : undefined;
}
