import { ParseError } from '../base/errors.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import { readEdgeSizes } from '../block/edges-text.ts';
import type { HashName } from '../block/hash.ts';
import { HASH_NAMES } from '../block/hash.ts';
import { type Durability, readDurability } from '../store/durability.ts';

/** Bytes of a description, at most. */
export const MAX_DESCRIPTION_SIZE = 1024 * 1024;

/** The answer of `/store`: a description of the Store. */
export interface StoreDescription {
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  /** Whether `/r/` gives many Blocks at once. */
  readonly givesRecords: boolean;
  /** Whether `/r/…?has` tells which of many Blocks exist. */
  readonly tellsMany: boolean;
  /** The durability of added Blocks in a power failure, if the Store tells. */
  readonly durability?: Durability | undefined;
  /** The names of its archives. */
  readonly archives: readonly string[];
  /** Set if this client may add Blocks and states. It names the process: Blocks added to an earlier process may be lost. */
  readonly instance?: string | undefined;
}

/** Formats a description as one line of JSON. */
export function formatDescription({ hashName, edges, givesRecords, tellsMany, ...rest }: StoreDescription): string {
  const { minSize, meanSize, maxSize, coarseFrom } = edges;
  const sizes = [minSize, meanSize, maxSize, coarseFrom ?? 0].join(':');
  return `${JSON.stringify({ vtftp: 1, hash: hashName, edges: sizes, records: givesRecords, has: tellsMany, ...rest })}\n`;
}

/** Parses a description. @throws {ParseError} if it is not from vtftp */
export function parseDescription(text: string): StoreDescription {
  const found = parseJson(text);
  const hashName = HASH_NAMES.find((name) => name === found['hash']);
  if (found['vtftp'] !== 1 || hashName === undefined) throw new ParseError('read the description of a Store: it is not from vtftp', 0);
  const sizes = readEdgeSizes(String(found['edges']).replace(/:0$/, ''));
  const archives = found['archives'];
  return {
    hashName,
    edges: sizes === undefined ? DEFAULT_EDGES : { ...sizes, kernel: DEFAULT_EDGES.kernel },
    givesRecords: found['records'] === true,
    tellsMany: found['has'] === true,
    durability: readDurability(found['durability']),
    instance: typeof found['instance'] === 'string' ? found['instance'] : undefined,
    archives: Array.isArray(archives) ? archives.filter((name): name is string => typeof name === 'string') : [],
  };
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
  } catch (error) {
    throw new ParseError('read the description of a Store: it is not JSON', 0, { cause: error });
  }
}
