import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ParseError, VtError } from '../base/errors.ts';
import { accessFor, DEFAULT_SHARED, openStoreFile, replaceStoreFile, SHARED_VALUES, type Shared } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import { MAX_BLOCK_SIZE } from '../block/block-size.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import { HASH_NAMES } from '../block/hash.ts';
import { DEFAULT_DURABILITY, DURABILITIES, type Durability } from '../store/durability.ts';

/** The file with the format and settings of a datadir. @see vt(5), "Datadirs" */
export const FORMAT_FILE = 'vtftp-store';
/** The version of a new datadir. This program also reads version 1, which had another index. */
const FORMAT_VERSION = 2;
/**
 * The version of a datadir that has, or is about to have, data files of several hash functions. Earlier programs would not find their
 * Blocks.
 */
const MIXED_VERSION = 3;
/** The version of a datadir with Zstandard, whose Blocks earlier programs cannot read. */
const ZSTD_VERSION = 4;

/** How a Store compresses: `zlib` compresses each Block by itself, `zstd` adjacent Blocks together. */
export const COMPRESSIONS = ['none', 'zlib', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];
/**
 * Default level of Zstandard. With mail and logs, level 1 takes 0.9 of its CPU time and 1.04 of its space. Level 9 takes 2.5 times as long
 * for 0.95 of the space, for sources 0.89.
 */
export const DEFAULT_LEVEL = 3;
const MAX_LEVEL = 19;
/** All levels, as text. */
export const LEVELS: readonly string[] = Array.from({ length: MAX_LEVEL }, (_, i) => String(i + 1));

/**
 * The edge settings of a Store that compresses each Block by itself. Small Blocks compress badly: 256 MiB of mail and logs in leaves of
 * 2.8,
 * 24, 48 and 96 KB took 104.8, 88.1, 87.1 and 86.2 MB. Such a leaf, compressed, takes about as much as a smaller uncompressed leaf, so an
 * edit
 * costs no more.
 */
const COMPRESSED_EDGES: EdgeSettings = { kernel: 'poly32-1', minSize: 49_152, meanSize: 98_304, maxSize: 262_144 };

/** The edge settings of a new Store. */
export function edgesFor(compression: Compression | undefined): EdgeSettings {
  return compression === 'zlib' ? COMPRESSED_EDGES : DEFAULT_EDGES;
}

/** The contents of a datadir's format file. */
export interface DatadirFormat {
  /** 16 bytes in hex with dashes. */
  readonly storeId: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly compression: Compression;
  /** The level of Zstandard, 1..{@link MAX_LEVEL}; undefined for the default. */
  readonly level?: number;
  /** Increases whenever Blocks may be lost. */
  readonly generation: number;
  readonly durability: Durability;
  /** Who besides its owner may use the Store. Undefined if an earlier version did not record it: then nobody. */
  readonly shared: Shared | undefined;
  /** It may have data files of other hash functions, from before a transition in place. */
  readonly isMixed?: boolean;
  /** The new hash function during a transition in place. If it equals `hashName`, the change has been made. */
  readonly becoming?: HashName;
}

/** Formats the text of a format file, in INI syntax. */
export function formatDatadirFormat(format: DatadirFormat): string {
  const { kernel, minSize, meanSize, maxSize, coarseFrom } = format.edges;
  const coarse = coarseFrom === undefined ? '' : `\ncoarse=${coarseFrom}`;
  const level = format.level === undefined ? '' : `\nlevel=${format.level}`;
  const becoming = format.becoming === undefined ? '' : `becoming=${format.becoming}\n`;
  return `; A vtftp Store. See vt(5), "Datadirs".
format=${versionOf(format)}
id=${format.storeId}
hash=${format.hashName}
kernel=${kernel}
min=${minSize}
mean=${meanSize}
max=${maxSize}${coarse}
compression=${format.compression}${level}
generation=${format.generation}
durability=${format.durability}
shared=${format.shared ?? DEFAULT_SHARED}
${becoming}`;
}

function versionOf({ compression, isMixed, becoming }: DatadirFormat): number {
  if (compression === 'zstd') return ZSTD_VERSION;
  return isMixed === true || becoming !== undefined ? MIXED_VERSION : FORMAT_VERSION;
}

/**
 * Parses a format file. Unknown settings are ignored.
 *
 * @throws {VtError} EUNSUPPORTED for a later version
 * @throws {ParseError} for any other fault
 */
export function parseDatadirFormat(text: string): DatadirFormat {
  const settings = parseSettings(text);
  const version = numberSetting(settings, 'format', 1, 2 ** 31);
  if (version > ZSTD_VERSION) {
    throw new VtError('EUNSUPPORTED', `read Store format: version ${version} is newer than ${ZSTD_VERSION}`, {
      remedy: 'use a later vtftp',
    });
  }
  const storeId = setting(settings, 'id');
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(storeId.value)) throw bad('id', 'a uuid', storeId);
  const hashName = hashSetting('hash', setting(settings, 'hash'));
  const becoming = settings.get('becoming');
  const compression = setting(settings, 'compression');
  const compressed = COMPRESSIONS.find((name) => name === compression.value);
  if (compressed === undefined) throw bad('compression', `one of ${COMPRESSIONS.join(', ')}`, compression);
  const durability = settings.get('durability') ?? { value: DEFAULT_DURABILITY, offset: 0 };
  const known = DURABILITIES.find((name) => name === durability.value);
  if (known === undefined) throw bad('durability', `one of ${DURABILITIES.join(', ')}`, durability);
  const meanSize = numberSetting(settings, 'mean', 64, MAX_BLOCK_SIZE);
  return {
    storeId: storeId.value,
    hashName,
    ...(version === MIXED_VERSION ? { isMixed: true } : {}),
    ...(becoming === undefined ? {} : { becoming: hashSetting('becoming', becoming) }),
    edges: {
      kernel: setting(settings, 'kernel').value,
      minSize: numberSetting(settings, 'min', 1, meanSize),
      meanSize,
      maxSize: numberSetting(settings, 'max', meanSize, MAX_BLOCK_SIZE),
      ...(settings.has('coarse') ? { coarseFrom: numberSetting(settings, 'coarse', 0, Number.MAX_SAFE_INTEGER) } : {}),
    },
    compression: compressed,
    ...(settings.has('level') ? { level: numberSetting(settings, 'level', 1, MAX_LEVEL) } : {}),
    generation: numberSetting(settings, 'generation', 0, Number.MAX_SAFE_INTEGER),
    durability: known,
    shared: sharedSetting(settings),
  };
}

function hashSetting(name: string, found: Setting): HashName {
  const hashName = HASH_NAMES.find((one) => one === found.value);
  if (hashName === undefined) throw bad(name, `one of ${HASH_NAMES.join(', ')}`, found);
  return hashName;
}

function sharedSetting(settings: ReadonlyMap<string, Setting>): Shared | undefined {
  const found = settings.get('shared');
  const shared = SHARED_VALUES.find((name) => name === found?.value);
  if (found !== undefined && shared === undefined) throw bad('shared', `one of ${SHARED_VALUES.join(', ')}`, found);
  return shared;
}

interface Setting {
  readonly value: string;
  readonly offset: number;
}

function parseSettings(text: string): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  let offset = 0;
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed !== '' && !/^[;#]/.test(trimmed)) {
      const equals = trimmed.indexOf('=');
      const name = trimmed.slice(0, Math.max(0, equals)).trim();
      if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new ParseError('read Store format: expected NAME=VALUE', offset);
      if (settings.has(name)) throw new ParseError(`read Store format: "${name}" is given twice`, offset);
      settings.set(name, { value: trimmed.slice(equals + 1).trim(), offset });
    }
    offset += line.length + 1;
  }
  return settings;
}

function setting(settings: ReadonlyMap<string, Setting>, name: string): Setting {
  const found = settings.get(name);
  if (found === undefined) throw new ParseError(`read Store format: "${name}" is missing`, 0);
  return found;
}

function numberSetting(settings: ReadonlyMap<string, Setting>, name: string, min: number, max: number): number {
  const found = setting(settings, name);
  const value = /^[0-9]{1,16}$/.test(found.value) ? Number(found.value) : Number.NaN;
  if (!(value >= min && value <= max)) throw bad(name, `a number, ${min}..${max}`, found);
  return value;
}

function bad(name: string, expected: string, found: Setting): ParseError {
  return new ParseError(`read Store format: expected "${name}" to be ${expected}, got "${found.value}"`, found.offset);
}

/**
 * Reads the format file of a datadir; undefined if there is none.
 *
 * @throws {ParseError} or {VtError} EUNSUPPORTED as {@link parseDatadirFormat}
 */
export function readDatadirFormat(folder: string): DatadirFormat | undefined {
  let fd: number;
  try {
    fd = openStoreFile(join(folder, FORMAT_FILE), 'read');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error instanceof VtError ? error : new VtError('EOPEN', `open Store "${folder}": ${errorReason(error)}`, { cause: error });
  }
  try {
    return parseDatadirFormat(readFileSync(fd, 'utf8'));
  } finally {
    closeSync(fd);
  }
}

/** Writes the format file of a datadir, atomically and durably. */
export function writeDatadirFormat(folder: string, format: DatadirFormat): void {
  replaceStoreFile(join(folder, FORMAT_FILE), Buffer.from(formatDatadirFormat(format)), accessFor(format.shared));
  syncFolder(folder);
}
