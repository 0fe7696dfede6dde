import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { EdgeSizes } from '../block/edges-text.ts';
import { areEdgeSizes } from '../block/edges-text.ts';
import type { HashName } from '../block/hash.ts';
import { HASH_NAMES } from '../block/hash.ts';
import { type Durability, readDurability } from '../store/durability.ts';
import type { Json } from './payload.ts';

/** The version of the protocol that this program speaks. The protocol of the Python vt has no version. */
export const PROTOCOL_VERSION = 1;

const NONCE_SIZE = 16;
/** Maximum characters of `lacks`. */
const MAX_LACKS = 200;

/** A server's description of the Store that it serves. */
export interface StoreDescription {
  readonly version: number;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly compression: 'none' | 'zlib' | undefined;
  /** Whether added Blocks survive a power failure, if the Store says so. */
  readonly durability?: Durability | undefined;
  readonly can: { readonly write: boolean; readonly enumerate: boolean; readonly archives: boolean; readonly notes: boolean };
  /** A sentence about the user that the client authenticated as, and the right that this user lacks. */
  readonly lacks?: string | undefined;
  /** Identifies the server process: Blocks added to another process and not flushed may be lost. */
  readonly instance: string;
  /** Names of all named Stores on the server. */
  readonly exports: readonly string[];
  /** The description of the mount whose Store is served; clients may send requests about its tree. */
  readonly mount?: Json | undefined;
}

/** Makes a random number that is used once. */
export function newNonce(): string {
  return randomBytes(NONCE_SIZE).toString('hex');
}

/**
 * Proves that its maker knows the secret, without revealing it.
 *
 * @param role - the side that makes it, so that neither side can reuse the other's proof
 */
export function proofOf(secret: Uint8Array, role: 'client' | 'server', clientNonce: string, serverNonce: string): string {
  return createHmac('sha256', secret).update(`vtftp ${role} ${clientNonce} ${serverNonce}`).digest('hex');
}

/** Identifies the client's secret to a server with several secrets. It is different for each connection. */
export function idOf(secret: Uint8Array, clientNonce: string): string {
  return createHmac('sha256', secret).update(`vtftp id ${clientNonce}`).digest('hex');
}

/** Compares two proofs in constant time. */
export function isSameProof(expected: string, given: unknown): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Encodes a description as JSON. */
export function describeStore(description: StoreDescription): Json {
  const { hashName, ...rest } = description;
  return { ...rest, hash: hashName };
}

/**
 * Decodes a server's description of its Store.
 *
 * @throws {VtError} EUNSUPPORTED if it cannot be understood
 */
export function readDescription(json: Json, name: string): StoreDescription {
  const { version, hash, edges, compression, durability, can, instance, exports, lacks, mount } = json;
  const hashName = HASH_NAMES.find((known) => known === hash);
  const wrong = (what: string): VtError =>
    new VtError('EUNSUPPORTED', `open Store "${name}": ${what}`, { remedy: 'use the same version at both ends' });
  if (typeof version !== 'number' || version < 1 || version > PROTOCOL_VERSION)
    throw wrong(`it speaks version ${String(version)} of the protocol`);
  if (hashName === undefined) throw wrong(`its hash function is ${String(hash)}, which is not known`);
  if (typeof edges !== 'object' || edges === null || typeof can !== 'object' || can === null) throw wrong('it does not tell what it is');
  const { kernel } = edges as Json;
  const sizes = readSizes(edges as Json);
  if (typeof kernel !== 'string' || sizes === undefined) throw wrong('it does not tell how it cuts');
  const { write, enumerate, archives, notes } = can as Json;
  return {
    version,
    hashName,
    edges: { kernel, ...sizes },
    compression: compression === 'none' || compression === 'zlib' ? compression : undefined,
    durability: readDurability(durability),
    can: { write: write === true, enumerate: enumerate === true, archives: archives === true, notes: notes === true },
    instance: typeof instance === 'string' ? instance : '',
    lacks: typeof lacks === 'string' ? lacks.slice(0, MAX_LACKS) : undefined,
    exports: Array.isArray(exports) ? exports.filter((one): one is string => typeof one === 'string') : [],
    ...(typeof mount === 'object' && mount !== null ? { mount: mount as Json } : {}),
  };
}

/** Reads the leaf sizes, in octets, and checks that a chunker supports them: they determine how much memory is allocated. */
function readSizes({ minSize, meanSize, maxSize, coarseFrom }: Json): EdgeSizes | undefined {
  if (typeof minSize !== 'number' || typeof meanSize !== 'number' || typeof maxSize !== 'number') return undefined;
  const sizes = { minSize, meanSize, maxSize, ...(typeof coarseFrom === 'number' && coarseFrom > 0 ? { coarseFrom } : {}) };
  return areEdgeSizes(sizes) ? sizes : undefined;
}
