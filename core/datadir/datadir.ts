import { randomUUID } from 'node:crypto';
import { accessSync, closeSync, constants, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { ParseError, VtError } from '../base/errors.ts';
import { accessFor, DEFAULT_SHARED, makeStoreFolder, openOrCreateStoreFile, type Shared } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import { errorReason } from '../base/system/system-error.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import { DEFAULT_HASH_NAME, hashByName } from '../block/hash.ts';
import { DEFAULT_DURABILITY, type Durability } from '../store/durability.ts';
import { frameLayout } from '../store/records/frame-layout.ts';
import { layOutPlainly } from '../store/records/record-layout.ts';
import type { Compression, DatadirFormat } from './datadir-format.ts';
import { DEFAULT_LEVEL, edgesFor, FORMAT_FILE, readDatadirFormat, writeDatadirFormat } from './datadir-format.ts';
import { DatadirIndex } from './datadir-index.ts';
import type { DatadirParts } from './datadir-parts.ts';
import { recoverDatadirFormat } from './datadir-recovery.ts';
import { Datadir } from './datadir-store.ts';
import { DatadirWriter } from './datadir-writer.ts';
import { catchUp } from './index/index-catch-up.ts';
import type { IndexTickerOptions } from './index/index-ticker.ts';
import { StoreNames } from './names/store-names.ts';
import { foreignOwner, giveAccess, hasAccess, isOpenToOthers, mayWriteForeign } from './store-owner.ts';
import { StoreReserve } from './store-reserve.ts';
import { settleTransition } from './transition-end.ts';
import { WriterPresence } from './writer-presence.ts';

/** In a datadir: locked by fsck, scrub, repair and gc. It is made with the Store, so that it is there when the disk is full. */
export const MAINTENANCE_LOCK = 'maintenance.lock';

/** A `.vtd` of this many bytes is not written to any more. */
export const ROLL_OVER_SIZE: number = 2 ** 30;

export interface OpenDatadirOptions {
  /** Make the Store where there is none. */
  readonly create?: boolean;
  /** Of a new Store. */
  readonly hashName?: HashName;
  /** Of a new Store; default: what suits its compression. */
  readonly edges?: EdgeSettings;
  /** Of a new Store; default `none`. */
  readonly compression?: Compression;
  /** Of a new Store that compresses by Zstandard, 1..19. */
  readonly level?: number;
  /** Who besides its owner may use the Store. Of a new one, default nobody; one that is there is changed. */
  readonly shared?: Shared;
  /** Write to it though it belongs to another user. */
  readonly isTrusted?: boolean;
  /** Write nothing, not even the index. */
  readonly readOnly?: boolean;
  /** Default: the system's. */
  readonly clock?: () => Date;
  /** Called with a sentence for each thing that was found amiss and put right: a damaged index, a torn file. */
  readonly onNotice?: (notice: string) => void;
  readonly ticker?: IndexTickerOptions;
  /** The session's wish, asked for at each write; where it gives undefined, and by default, what the Store's settings say. */
  readonly durability?: () => Durability | undefined;
  /** A data file this large is not written to any more; default 1 GiB. */
  readonly rollOverSize?: number;
}

/**
 * Opens a datadir. Only its small format file is read; the index is opened when it is first needed.
 *
 * @throws {VtError} EOPEN where there is none and `create` is not set, EUNSUPPORTED for one of a later version
 */
export async function openDatadir(path: string, options: OpenDatadirOptions = {}): Promise<Datadir> {
  const folder = resolve(path);
  const foreign = foreignOwner(folder);
  const barred = foreign !== undefined && options.isTrusted !== true;
  let format = readFormat(folder, { ...options, readOnly: options.readOnly === true || barred }) ?? makeDatadir(folder, options);
  const dataFolder = join(folder, 'data');
  const mayWrite = foreign === undefined || mayWriteForeign(format.shared, options.isTrusted === true);
  const readOnly = options.readOnly === true || !isWritable(folder) || !mayWrite;
  if (options.readOnly !== true && !mayWrite && isWritable(folder)) {
    options.onNotice?.(`Store "${folder}": it belongs to user ${foreign}, and is opened read-only; datadir:PATH,trust=yes writes to it`);
  }
  format = settleTransition(folder, format, readOnly);
  if (!readOnly) format = useSharing(folder, format, options);
  const access = accessFor(format.shared);
  const generation = (): number => readDatadirFormat(folder)?.generation ?? format.generation;
  const { hashName } = format;
  // A session that began before a transition ended must not continue: it would add Blocks under names of before, and make an index of them.
  const requireOwn = (): void => {
    const now = readDatadirFormat(folder);
    if (now !== undefined && (now.hashName !== hashName || now.becoming !== undefined))
      throw new VtError('ELOCKED', `use Store "${folder}": a transition is changing its hash function`, { remedy: 'open it again' });
  };
  const generationOfOwn = (): number => {
    requireOwn();
    return generation();
  };
  const owner = { storeId: format.storeId, hashName: format.hashName };
  const names = new StoreNames(folder);
  const index = new DatadirIndex({
    dataFolder,
    indexFolder: join(folder, 'index'),
    owner,
    access,
    readOnly,
    shared: true,
    catchUp: (behind, sink, catchUpOptions) => catchUp(dataFolder, { ...owner, names }, behind, sink, catchUpOptions),
    ownFiles: () => writer?.fileNames() ?? [],
    generation,
    requireOwn,
    onLoss() {
      format = { ...(readDatadirFormat(folder) ?? format) };
      format = { ...format, generation: format.generation + 1 };
      writeDatadirFormat(folder, format);
    },
    announceFirst: true,
    onNotice: options.onNotice ?? (() => undefined),
    monotonicMs: () => performance.now(),
  });
  const writer: DatadirWriter | undefined = readOnly
    ? undefined
    : new DatadirWriter({
        dataFolder,
        ...owner,
        access,
        rollOverSize: options.rollOverSize ?? ROLL_OVER_SIZE,
        clock: options.clock ?? (() => new Date()),
        marks: () => index.indexMarks(),
        isDurable: () => durability() !== 'none',
      });
  const durability = (): Durability => options.durability?.() ?? format.durability;
  const { edges } = format;
  const ticker = options.ticker === undefined ? {} : { ticker: options.ticker };
  return Promise.resolve(
    new Datadir({
      path: folder,
      name: `datadir:${path}`,
      hashName,
      edges,
      ...packing(format),
      access,
      storeId: format.storeId,
      index,
      writer,
      hasDigests: true,
      names,
      durability,
      ...(readOnly ? {} : { presence: new WriterPresence(folder, access, generationOfOwn), reserve: new StoreReserve(folder, access) }),
      ...ticker,
    }),
  );
}

/** Zstandard compresses Blocks as they are laid out, since it takes several together; zlib, in whatever makes the record. */
function packing({ compression, level = DEFAULT_LEVEL, hashName }: DatadirFormat): Pick<DatadirParts, 'compression' | 'layOut'> {
  if (compression !== 'zstd') return { compression, layOut: layOutPlainly };
  return { compression: 'none', layOut: frameLayout(hashByName(hashName).digestSize, level) };
}

// What `shared` asks for is recorded, and given to what is there. A Store of an earlier version is reported once, if others can read it.
function useSharing(folder: string, format: DatadirFormat, options: OpenDatadirOptions): DatadirFormat {
  const asked = options.shared;
  if (asked === undefined && format.shared !== undefined) return format;
  const next = { ...format, shared: asked ?? DEFAULT_SHARED };
  const access = accessFor(next.shared);
  try {
    if (asked !== undefined && !(asked === format.shared && hasAccess(folder, access))) giveAccess(folder, access);
    if (asked === undefined && isOpenToOthers(folder)) {
      options.onNotice?.(
        `Store "${folder}": other users can read it; close it with: vtftp -S 'datadir:"${folder}",shared=no' -c pwd (or keep it so with shared=group or shared=all)`,
      );
    }
    if (next.shared !== format.shared) writeDatadirFormat(folder, next);
  } catch (error) {
    if (asked === undefined) return format; // on a full disk, say: it is reported again
    throw new VtError('EOPEN', `open Store "${folder}": shared=${asked}: ${errorReason(error)}`, { cause: error });
  }
  return next;
}

// A Store on a read-only medium, or of another user, is read.
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readFormat(folder: string, options: OpenDatadirOptions): DatadirFormat | undefined {
  let problem = 'it was missing';
  try {
    const format = readDatadirFormat(folder);
    if (format !== undefined) return format;
  } catch (error) {
    if (!(error instanceof ParseError) || options.readOnly === true) throw error;
    problem = error.message;
  }
  if (options.readOnly === true) return undefined;
  const recovered = recoverDatadirFormat(folder);
  if (recovered !== undefined) options.onNotice?.(`Store "${folder}": ${FORMAT_FILE} was rebuilt from the data files (${problem})`);
  else if (problem !== 'it was missing') throw new VtError('EOPEN', `open Store "${folder}": ${FORMAT_FILE} is damaged (${problem})`);
  return recovered;
}

function makeDatadir(folder: string, options: OpenDatadirOptions): DatadirFormat {
  if (options.create !== true || options.readOnly === true) {
    throw new VtError('EOPEN', `open Store "${folder}": ${existsSync(folder) ? 'not a Store' : 'no such folder'}`);
  }
  const format: DatadirFormat = {
    storeId: randomUUID(),
    hashName: options.hashName ?? DEFAULT_HASH_NAME,
    edges: options.edges ?? edgesFor(options.compression),
    compression: options.compression ?? 'none',
    ...(options.level === undefined ? {} : { level: options.level }),
    generation: 0,
    durability: options.durability?.() ?? DEFAULT_DURABILITY,
    shared: options.shared ?? DEFAULT_SHARED,
  };
  const access = accessFor(format.shared);
  try {
    makeStoreFolder(folder, access);
    makeStoreFolder(join(folder, 'data'), access);
    makeStoreFolder(join(folder, 'archives'), access);
  } catch (error) {
    throw new VtError('EOPEN', `make Store "${folder}": ${errorReason(error)}`, { cause: error });
  }
  closeSync(openOrCreateStoreFile(join(folder, MAINTENANCE_LOCK), access));
  new StoreReserve(folder, access).fill();
  writeDatadirFormat(folder, format);
  syncFolder(dirname(folder));
  // Another process may have made it at the same time: the one whose file is there is the Store's.
  return readDatadirFormat(folder) ?? format;
}
