import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { readLocatedBlock } from '../datadir/datafiles/located-block.ts';
import { dataFileNames } from '../datadir/index/index-catch-up.ts';
import type { Location } from '../datadir/index/index-types.ts';
import { decodeRecordHeader, RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';
import type { Store } from '../store/store.ts';
import type { Finding } from './findings.ts';
import { unflip } from './flip.ts';
import { walkHarm } from './harm-walk.ts';
import { NeededStore } from './needed-store.ts';
import { walkRecords } from './record-walk.ts';
import type { StoreView } from './store-view.ts';
import { viewOf } from './store-view.ts';

export interface RepairOptions {
  /** The Store whose Blocks lie in the datadir; default: the datadir itself. */
  readonly view?: StoreView;
  readonly signal?: AbortSignal | undefined;
  /** Other Stores that may have what is missing. */
  readonly sources: readonly Store[];
  /** Local files and directories that may still hold it. */
  readonly files: readonly Octets[];
  readonly moreArchives?: readonly string[];
  /** Told of what is harmed after all. */
  readonly onFinding: (finding: Finding) => void;
  /** Told of each Block that was brought back, and from where. */
  readonly onRepaired: (hashcode: HashCode, from: string) => void;
  /** A source that could not be read. */
  readonly onFailure: (where: string, error: unknown) => void;
  readonly onProgress?: (state: { readonly doing: string; readonly done: number }) => void;
}

/** What repair came to. */
export interface RepairCounts {
  readonly repaired: number;
  /** Paths still harmed, once for each Block. */
  readonly harmed: number;
  /** Blocks still missing or damaged, as far as is known: what those would lead to is not. */
  readonly missing: number;
}

/**
 * Brings back Blocks that roots need and that are missing or damaged. It takes them from another record of the Store, from a
 * record with one flipped bit, from other Stores, or from local files with the same bytes. Each is verified and appended anew;
 * the index then names the good copy. What an inner Block leads to is looked for in its turn.
 */
export async function repair(datadir: Datadir, options: RepairOptions): Promise<RepairCounts> {
  const { index } = datadir.internals();
  const { signal, view = viewOf(datadir) } = options;
  await datadir.flush();
  await index.ready(signal);
  let repaired = 0;
  for (;;) {
    throwIfCancelled(signal);
    const findings: Finding[] = [];
    const needed = await findNeeded(datadir, findings, options);
    const before = needed.size;
    if (before > 0) {
      setAside(datadir, view, needed);
      const found = (hashcode: HashCode, from: string): void => {
        if (!needed.delete(digestKey(hashcode.digest))) return;
        repaired++;
        options.onRepaired(hashcode, from);
      };
      await fromOwnRecords(datadir, view, needed, found, options);
      for (const source of options.sources) await fromStore(view.store, source, needed, found, options);
      if (needed.size > 0) await fromFiles(view.store, needed, found, options);
      await datadir.flush();
    }
    if (needed.size < before) continue;
    for (const finding of findings) options.onFinding(finding);
    return { repaired, harmed: findings.filter(({ kind }) => kind === 'harm').length, missing: before };
  }
}

async function findNeeded(datadir: Datadir, findings: Finding[], options: RepairOptions): Promise<Map<string, HashCode>> {
  const needed = new Map<string, HashCode>();
  await walkHarm(datadir, {
    signal: options.signal,
    view: options.view,
    ...(options.moreArchives === undefined ? {} : { moreArchives: options.moreArchives }),
    onFinding(finding) {
      findings.push(finding);
      if (finding.kind === 'harm' && finding.hashcode?.hashName === (options.view?.store ?? datadir).hashName)
        needed.set(digestKey(finding.hashcode.digest), finding.hashcode);
    },
    onProgress: ({ entries }) => options.onProgress?.({ doing: 'roots', done: entries }),
  });
  return needed;
}

/** What is damaged counts as absent from now on, so that it is stored when it is added. */
function setAside(datadir: Datadir, { nameOf }: StoreView, needed: ReadonlyMap<string, HashCode>): void {
  const { index } = datadir.internals();
  const changes = [...needed.values()].flatMap((hashcode) => {
    const digest = nameOf(hashcode.digest);
    const from = index.get(digest);
    return from === undefined || from.isDamaged === true ? [] : [{ digest, from, to: { ...from, isDamaged: true } }];
  });
  if (changes.length > 0) index.rewrite(changes, new Map());
  index.beginGeneration();
}

type Needed = ReadonlyMap<string, HashCode>;
type Found = (hashcode: HashCode, from: string) => void;

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
  // A record whose header is damaged is known to the index alone.
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
  if (codec !== 'none' && codec !== 'zlib') return undefined;
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  const record = Buffer.alloc(headerSize + storedSize);
  const fd = openSync(file, 'r');
  try {
    if (readSync(fd, record, 0, record.length, offset - headerSize) < record.length) return undefined;
  } finally {
    closeSync(fd);
  }
  const header = decodeRecordHeader(record, 0, digestSize);
  const stored = record.subarray(headerSize);
  if (header === undefined || !unflip(stored, header.payloadCrc)) return undefined;
  const data = decodeStored(stored, codec, size);
  return data !== undefined && Buffer.compare(hash.digest(data), digest) === 0 ? data : undefined;
}

async function fromStore(store: Store, source: Store, needed: Needed, found: Found, options: RepairOptions): Promise<void> {
  const { signal } = options;
  let done = 0;
  for (const hashcode of [...needed.values()]) {
    throwIfCancelled(signal);
    let data: Uint8Array | undefined;
    try {
      data = await source.get(hashcode, { signal });
    } catch (error) {
      if (error instanceof VtError && error.code === 'ECANCELLED') throw error;
      if (!(error instanceof VtError) || error.code !== 'ECORRUPT') options.onFailure(source.name, error);
      continue;
    }
    if (data === undefined) continue;
    await store.addBatch([{ digest: hashcode.digest, data }], { signal });
    found(hashcode, source.name);
    options.onProgress?.({ doing: source.name, done: ++done });
  }
}

async function fromFiles(store: Store, needed: Needed, found: Found, options: RepairOptions): Promise<void> {
  if (options.files.length === 0) return;
  const { importLocal } = await import('../import/import.ts');
  const { octetsToText } = await import('../base/octets.ts');
  for (const path of options.files) {
    const sieve = new NeededStore(store, needed, (digest) => {
      const hashcode = needed.get(digestKey(digest));
      if (hashcode !== undefined) found(hashcode, octetsToText(path));
    });
    try {
      await importLocal(sieve, path, {
        signal: options.signal,
        reread: true,
        onFailure: (failed, error) => options.onFailure(octetsToText(failed), error),
        onProgress: ({ bytes }) => options.onProgress?.({ doing: 'local files', done: bytes }),
      });
    } catch (error) {
      if (error instanceof VtError && error.code === 'ECANCELLED') throw error;
      options.onFailure(octetsToText(path), error);
    }
  }
}
