import { createHmac } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import type { SealKeys } from './seal-keys.ts';
import { openValue, sealValue, VALUE_OVERHEAD } from './seal-value.ts';

// Names of archives in the Store below: sealed deterministically, in base32. @see vt(5), "Sealed Stores"

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** Names are padded to a multiple of this many octets, so that their lengths reveal little. */
const STEP = 16;
/** Maximum octets of a padded name: a longer one would not fit in a file name. */
const MAX_SIZE = 128;
const PLACE = 'archive name';

/**
 * Seals the name of an archive.
 *
 * @throws {VtError} EOPEN if the name is too long
 */
export function sealArchiveName({ values }: SealKeys, name: string): string {
  const octets = Buffer.from(name, 'utf8');
  if (octets.length > MAX_SIZE)
    throw new VtError('EOPEN', `open archive "${name}": in a sealed Store its name may have at most ${MAX_SIZE} bytes`, {
      remedy: 'choose a shorter one',
    });
  const padded = Buffer.alloc(Math.ceil(octets.length / STEP) * STEP);
  octets.copy(padded);
  // The nonce is derived from the whole name, so that no two names share a nonce.
  const nonce = createHmac('sha3-256', values.archive).update(padded).digest().subarray(0, 12);
  return base32(sealValue(values.archive, PLACE, padded, nonce));
}

/** Decrypts the sealed name of an archive; undefined if it was not sealed with these keys. */
export function openArchiveName({ values }: SealKeys, sealed: string): string | undefined {
  const octets = fromBase32(sealed);
  if (octets === undefined || octets.length <= VALUE_OVERHEAD) return undefined;
  return openValue(values.archive, PLACE, octets)?.toString('utf8').replace(/\0+$/, '');
}

function base32(octets: Uint8Array): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const octet of octets) {
    value = ((value << 8) | octet) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) out += ALPHABET[(value >>> (bits - 5)) & 31];
  }
  return bits === 0 ? out : out + ALPHABET[(value << (5 - bits)) & 31];
}

function fromBase32(text: string): Buffer | undefined {
  const out = Buffer.alloc(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const sign of text) {
    const digit = ALPHABET.indexOf(sign);
    if (digit < 0) return undefined;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out[at++] = (value >>> bits) & 255;
  }
  return out;
}
