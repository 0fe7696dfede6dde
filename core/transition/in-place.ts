import { createHash } from 'node:crypto';
import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { makeStoreFolder } from '../base/system/store-files.ts';
import type { HashName } from '../block/hash.ts';
import { openDatadir } from '../datadir/datadir.ts';
import { readDatadirFormat, writeDatadirFormat } from '../datadir/datadir-format.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import type { Location } from '../datadir/index/index-types.ts';
import { announceEnd, endTransition, revokeEnd, TRANSITION_FOLDER } from '../datadir/transition-end.ts';
import { liveWriters } from '../datadir/writer-presence.ts';
import { notesOf } from '../store/cache-notes.ts';
import { NOTE_SIZE } from '../store/capabilities.ts';
import { capability } from '../store/capability.ts';
import { LeafSweep } from './leaf-sweep.ts';
import { NameMap } from './name-map.ts';

// Changes the hash function of a datadir. Leaves stay in place. Superblocks, Dirs and states with the new function are made in a datadir
// within its folder, which is merged into it at the end. The maintenance lock is held all the time. @see docs/design/transition.md

/** Blocks added to the new index at a time. */
const INDEX_STEP = 65_536;
/** During a sweep, names are saved after this many milliseconds, at the end of a data file. A killed sweep loses no more work. */
const SAVE_MS = 5000;

/** A running transition in place. */
export interface InPlace extends AsyncDisposable {
  /** The datadir for the new Dirs and states. */
  readonly made: Datadir;
  readonly map: NameMap;
  /** Computes the new names of all Blocks in the Store, except those in files that were swept before. */
  sweep(options: OpOptions & { readonly onSwept: (blocks: number, bytes: number) => void }): Promise<void>;
  /** Keeps new sessions out. @throws {VtError} ELOCKED if another session is using the Store; nothing has changed then */
  announce(): void;
  /** Makes the index of the future Store, and closes `made`. After that, close the Store and call {@link InPlace.end}. */
  makeIndex(options: OpOptions): Promise<void>;
  end(): void;
}

/**
 * Begins a transition in place, or continues one that was killed.
 *
 * @throws {VtError} ELOCKED if another session is using the Store; EFAILED if a mount has stored data that is in no root
 */
export async function beginInPlace(datadir: Datadir, hashName: HashName, options: OpOptions = {}): Promise<InPlace> {
  await requireRest(datadir);
  const made = await openMade(datadir, hashName);
  let isMadeOpen = true;
  let map: NameMap;
  try {
    await dropIfChanged(datadir, made, options);
    map = await NameMap.open(made, datadir.hashName, datadir, options);
  } catch (error) {
    await made[Symbol.asyncDispose]();
    throw error;
  }
  const close = async (): Promise<void> => {
    if (!isMadeOpen) return;
    isMadeOpen = false;
    await map[Symbol.asyncDispose]();
    await made[Symbol.asyncDispose]();
  };
  let isAnnounced = false;
  return {
    made,
    map,
    async sweep({ signal, onSwept }) {
      await sweepLeaves(datadir, made, map, onSwept, signal);
    },
    announce() {
      isAnnounced = true;
      announceEnd(datadir.path, hashName);
      requireAlone(datadir);
    },
    async makeIndex({ signal }) {
      await made.flush({ signal });
      await indexLeaves(datadir, made, map, signal);
      await close();
    },
    end() {
      isAnnounced = false;
      endTransition(datadir.path);
    },
    async [Symbol.asyncDispose]() {
      if (isAnnounced) revokeEnd(datadir.path);
      await close();
    },
  };
}

async function requireRest(datadir: Datadir): Promise<void> {
  requireAlone(datadir);
  const journals = capability(datadir, 'journals');
  if (journals?.isEmpty === false && (await journals.hasLeft()))
    throw new VtError('EFAILED', `transition "${datadir.name}": a mount has changes there that no state has yet`, {
      remedy: 'umount it, or open the Store once',
    });
}

function requireAlone(datadir: Datadir): void {
  const others = liveWriters(datadir.path, datadir.internals().ownWriter).length;
  if (others > 0)
    throw new VtError('ELOCKED', `transition "${datadir.name}": another session uses it`, {
      remedy: 'end it: close shells, umount, stop serve and watch',
    });
}

/** Opens the datadir in the Store's folder for a transition to this hash function, or creates it; its states are made again. */
async function openMade({ path, access }: Datadir, hashName: HashName): Promise<Datadir> {
  const folder = join(path, TRANSITION_FOLDER);
  const format = readDatadirFormat(path);
  if (format === undefined) throw new VtError('EOPEN', `open Store "${path}": its format file is gone`);
  const isOurs = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true && readDatadirFormat(folder)?.hashName === hashName;
  rmSync(isOurs ? join(folder, 'archives') : folder, { recursive: true, force: true });
  for (const name of ['', 'data', 'archives']) makeStoreFolder(join(folder, name), access);
  if (!isOurs) writeDatadirFormat(folder, { ...format, hashName });
  return await openDatadir(folder, { durability: () => (format.durability === 'none' ? 'none' : undefined) });
}

/** Discards earlier results if anything was removed from the Store since. */
async function dropIfChanged(datadir: Datadir, made: Datadir, options: OpOptions): Promise<void> {
  const notes = notesOf(made);
  const note = createHash('sha256').update(`generation ${datadir.internals().index.generation}`).digest().subarray(0, NOTE_SIZE);
  if (notes === undefined || (await notes.has(note, options))) return;
  made.internals().index.dropCache();
  await notes.add(note, options);
}

async function sweepLeaves(
  datadir: Datadir,
  made: Datadir,
  map: NameMap,
  onSwept: (blocks: number, bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  await datadir.internals().index.ready(signal);
  let swept: Buffer[] = [];
  let savedMs = performance.now();
  const save = async (): Promise<void> => {
    await map.save(async () => await Promise.resolve(), { signal });
    savedMs = performance.now();
  };
  // Added once the Blocks that it vouches for are durable.
  const note = async (): Promise<void> => {
    await save();
    for (const file of swept) made.cache.put(file, Uint8Array.of(1));
    swept = [];
  };
  await using sweep = new LeafSweep(datadir, made.hashName);
  for (const file of sweep.files()) {
    const isSwept = Buffer.from(`swept ${file.name} ${file.size}`);
    if (made.cache.get(isSwept) !== undefined) continue;
    await sweep.file(
      file,
      async (leaves) => {
        map.addLeaves(leaves, file.name);
        let bytes = 0;
        for (let i = 0; i < leaves.count; i++) bytes += leaves.sizes[i] as number;
        onSwept(leaves.count, bytes);
        if (map.isFull) await save();
      },
      signal,
    );
    swept.push(isSwept);
    if (performance.now() - savedMs > SAVE_MS) await note();
  }
  await note();
}

/** Adds the places of the leaves to the new index, by their new names. */
async function indexLeaves(datadir: Datadir, made: Datadir, map: NameMap, signal: AbortSignal | undefined): Promise<void> {
  const [before, after] = [datadir.internals().index, made.internals().index];
  await before.ready(signal);
  before.refresh();
  await after.commit({ blocks: map.places(), marks: new Map(), cachePuts: [] });
  let blocks: [Uint8Array, Location][] = [];
  for (const [digest, to] of map.unplacedLeaves()) {
    const location = before.get(digest);
    if (location === undefined) continue;
    blocks.push([to, location]);
    if (blocks.length < INDEX_STEP) continue;
    throwIfCancelled(signal);
    await after.commit({ blocks, marks: new Map(), cachePuts: [] });
    blocks = [];
  }
  await after.commit({ blocks, marks: before.marks(), cachePuts: [] });
}
