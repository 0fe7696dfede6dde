import { randomBytes, scrypt } from 'node:crypto';
import { ParseError, VtError } from '../base/errors.ts';
import type { HashName } from '../block/hash.ts';
import { CONTENT_HASH_NAMES } from '../block/hash.ts';
import { newKey } from './key-text.ts';
import { KEY_SIZE } from './keyed-digests.ts';
import { derivedKey } from './seal-keys.ts';
import { openValue, sealValue } from './seal-value.ts';

// The key slots of a sealed Store: each contains the master key, wrapped by one key or passphrase. @see vt(5), "Sealed Stores"

/** A key or passphrase that opens a Store. */
export type Credential = { readonly kind: 'key'; readonly key: Uint8Array } | { readonly kind: 'passphrase'; readonly passphrase: string };

/** The master key, wrapped by one key or passphrase. */
export interface KeySlot {
  /** 16 hex digits: for a key file derived from the key, for a passphrase random. */
  readonly id: string;
  readonly kind: Credential['kind'];
  /** When it was added, in seconds since 1970. */
  readonly since: number;
  /** For a passphrase: the parameters of scrypt (RFC 7914). */
  readonly salt?: string;
  readonly cost?: number;
  /** The wrapped master key, in base64. */
  readonly wrapped: string;
}

/** All key slots of a Store. */
export interface KeySlots {
  /** The hash function of the Store's contents. */
  readonly hashName: HashName;
  readonly slots: readonly KeySlot[];
}

const VERSION = 1;
/** Default scrypt cost parameter N: takes 128 MiB and a third of a second. */
const COST = 2 ** 17;
/** Maximum N that a Store may request: it may be on an untrusted machine. */
const MAX_COST = 2 ** 20;
const SCRYPT_R = 8;
const SALT_SIZE = 16;
const MAX_SLOTS = 64;

/** The slot id of a key from a file. */
export function keyIdOf(key: Uint8Array): string {
  return derivedKey(key, 'slot').toString('hex').slice(0, 16);
}

/** Wraps a master key into a new slot. @param cost - scrypt's N, for a passphrase */
export async function wrapMaster(
  master: Uint8Array,
  credential: Credential,
  hashName: HashName,
  { nowSeconds, cost = COST }: { readonly nowSeconds: number; readonly cost?: number },
): Promise<KeySlot> {
  const id = credential.kind === 'key' ? keyIdOf(credential.key) : randomBytes(8).toString('hex');
  const stretched = credential.kind === 'key' ? {} : { salt: randomBytes(SALT_SIZE).toString('base64'), cost };
  const slot = { id, kind: credential.kind, since: nowSeconds, ...stretched };
  const key = await wrappingKey(credential, slot);
  return { ...slot, wrapped: sealValue(key, placeOf(id, hashName), master).toString('base64') };
}

/** Associated data: the slot's id and the hash function, which thus cannot be changed. */
function placeOf(id: string, hashName: HashName): string {
  return `master key, ${id}, ${hashName}`;
}

async function wrappingKey(credential: Credential, { salt = '', cost = COST }: Pick<KeySlot, 'salt' | 'cost'>): Promise<Buffer> {
  if (credential.kind === 'key') return derivedKey(credential.key, 'wrap');
  const stretched = await new Promise<Buffer>((resolve, reject) =>
    scrypt(
      credential.passphrase.normalize('NFC'),
      Buffer.from(salt, 'base64'),
      KEY_SIZE,
      { N: cost, r: SCRYPT_R, p: 1, maxmem: 256 * cost * SCRYPT_R },
      (error, key) => (error === null ? resolve(key) : reject(error)),
    ),
  );
  return derivedKey(stretched, 'wrap');
}

/** Makes the key slots of a new Store. @param options - `master`: its master key; default: a new one */
export async function newSlots(
  credential: Credential,
  hashName: HashName,
  options: { readonly nowSeconds: number; readonly cost?: number; readonly master?: Uint8Array },
): Promise<KeySlots> {
  return { hashName, slots: [await wrapMaster(options.master ?? newKey(), credential, hashName, options)] };
}

/**
 * Unwraps the master key.
 *
 * @returns undefined if no slot belongs to the credential
 * @throws {VtError} ECORRUPT if the key's slot is damaged
 */
export async function unwrapMaster({ hashName, slots }: KeySlots, credential: Credential): Promise<Buffer | undefined> {
  const own = credential.kind === 'key' ? keyIdOf(credential.key) : undefined;
  for (const slot of slots) {
    if (slot.kind !== credential.kind || (own !== undefined && slot.id !== own)) continue;
    const master = openValue(await wrappingKey(credential, slot), placeOf(slot.id, hashName), Buffer.from(slot.wrapped, 'base64'));
    if (master?.length === KEY_SIZE) return master;
    if (own !== undefined) throw new VtError('ECORRUPT', `unwrap key ${own}: what the Store says of it is damaged`);
  }
  return undefined;
}

/** Formats slots for {@link parseSlots}. */
export function formatSlots({ hashName, slots }: KeySlots): string {
  return JSON.stringify({ version: VERSION, hash: hashName, keys: slots });
}

/**
 * Parses the key slots of a Store.
 *
 * @throws {ParseError} if the text is malformed, {VtError} EUNSUPPORTED for a later version
 */
export function parseSlots(text: string): KeySlots {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new ParseError('read keys of a sealed Store: no JSON', 0, { cause: error });
  }
  const { version, hash, keys } = fieldsOf(found);
  if (typeof version === 'number' && version > VERSION)
    throw new VtError('EUNSUPPORTED', `read keys of a sealed Store: version ${version} is newer than this program`, {
      remedy: 'use a later vtftp',
    });
  const hashName = CONTENT_HASH_NAMES.find((name) => name === hash);
  if (version !== VERSION || hashName === undefined || !Array.isArray(keys) || keys.length > MAX_SLOTS) throw malformed();
  return { hashName, slots: keys.map(parseSlot) };
}

function parseSlot(found: unknown): KeySlot {
  const { id, kind, since, salt, cost, wrapped } = fieldsOf(found);
  if (typeof id !== 'string' || !/^[\da-f]{16}$/.test(id) || typeof since !== 'number' || typeof wrapped !== 'string') throw malformed();
  if (kind === 'key') return { id, kind, since, wrapped };
  const isCost = typeof cost === 'number' && Number.isInteger(Math.log2(cost)) && cost >= 2 && cost <= MAX_COST;
  if (kind !== 'passphrase' || typeof salt !== 'string' || !isCost) throw malformed();
  return { id, kind, since, salt, cost, wrapped };
}

function fieldsOf(found: unknown): Readonly<Record<string, unknown>> {
  if (typeof found !== 'object' || found === null) throw malformed();
  return found as Readonly<Record<string, unknown>>;
}

function malformed(): ParseError {
  return new ParseError('read keys of a sealed Store: they are malformed', 0);
}
