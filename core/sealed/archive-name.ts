import { createHmac } from 'node:crypto';
import { VtError } from '../base/errors.ts';
import type { SealKeys } from './seal-keys.ts';
import { openValue, sealValue, VALUE_OVERHEAD } from './seal-value.ts';

// Names of archives as the Store below has them: sealed, always to the same, in base32. @see vt(5), "Sealed Stores"

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** Names are filled up to a multiple of this, so that their lengths tell little. */
const STEP = 16;
/** What is longer has no room in the name of a file. */
const MAX_SIZE = 128;
const PLACE = 'archive name';

/**
 * The name by which an archive is kept.
 *
 * @throws {VtError} EOPEN for a name that is too long
 */
export function sealArchiveName({ values }: SealKeys, name: string): string {
  const octets = Buffer.from(name, 'utf8');
  if (octets.length > MAX_SIZE)
    throw new VtError('EOPEN', `open archive "${name}": in a sealed Store its name may have at most ${MAX_SIZE} bytes`, {
      remedy: 'choose a shorter one',
    });
  const padded = Buffer.alloc(Math.ceil(octets.length / STEP) * STEP);
  octets.copy(padded);
  // The nonce depends on all of the name: one nonce has one name.
  const nonce = createHmac('sha3-256', values.archive).update(padded).digest().subarray(0, 12);
  return base32(sealValue(values.archive, PLACE, padded, nonce));
}

/** The name that an archive is kept by, opened; undefined for what is no archive of these keys. */
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
