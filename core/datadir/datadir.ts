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

/** The file in a datadir that fsck, scrub, repair and gc lock. It is made with the Store, so that it exists when the disk is full. */
export const MAINTENANCE_LOCK = 'maintenance.lock';

/** A `.vtd` file of at least this many bytes is not written to any more. */
export const ROLL_OVER_SIZE: number = 2 ** 30;

export interface OpenDatadirOptions {
  /** Make the Store if it does not exist. */
  readonly create?: boolean;
  /** The hash function of a new Store. */
  readonly hashName?: HashName;
  /** The edge settings of a new Store; default depends on its compression. */
  readonly edges?: EdgeSettings;
  /** The compression of a new Store; default `none`. */
  readonly compression?: Compression;
  /** The level of Zstandard of a new Store, 1..19. */
  readonly level?: number;
  /** Who besides its owner may use the Store. Default for a new one: nobody. An existing Store is changed. */
  readonly shared?: Shared;
  /** Write to a Store even if it belongs to another user. */
  readonly isTrusted?: boolean;
  /** Write nothing, not even the index. */
  readonly readOnly?: boolean;
  /** The clock for new data files; default that of the system. */
  readonly clock?: () => Date;
  /** Called with a sentence for each fault that was found and repaired: a damaged index, a torn file. */
  readonly onNotice?: (notice: string) => void;
  readonly ticker?: IndexTickerOptions;
  /** The durability for this session, read at each write. If absent or undefined, the Store's setting is used. */
  readonly durability?: () => Durability | undefined;
  /** A data file of at least this many bytes is not written to any more; default 1 GiB. */
  readonly rollOverSize?: number;
}

/**
 * Opens a datadir. Only its small format file is read. The index is opened when it is first needed.
 *
 * @throws {VtError} EOPEN if there is none and `create` is not set, EUNSUPPORTED for a later version
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
  // A session from before the end of a transition must not continue: it would add Blocks under old names, and index them.
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

/** Zstandard compresses several Blocks together, when records are laid out. zlib compresses each Block when its record is made. */
function packing({ compression, level = DEFAULT_LEVEL, hashName }: DatadirFormat): Pick<DatadirParts, 'compression' | 'layOut'> {
  if (compression !== 'zstd') return { compression, layOut: layOutPlainly };
  return { compression: 'none', layOut: frameLayout(hashByName(hashName).digestSize, level) };
}

// Records the `shared` option, and applies it to existing files. If a Store of an earlier version is readable by others, that is reported
// once.
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
    if (asked === undefined) return format; // for instance a full disk; the next session reports it again
    throw new VtError('EOPEN', `open Store "${folder}": shared=${asked}: ${errorReason(error)}`, { cause: error });
  }
  return next;
}

// A Store on a read-only medium, or of another user, is opened read-only.
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
  // Another process may have made it at the same time. The format file that is there now counts.
  return readDatadirFormat(folder) ?? format;
}
