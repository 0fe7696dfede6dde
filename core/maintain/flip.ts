import { crc32 } from 'node:zlib';

/** The reversed polynomial of CRC-32. */
const POLYNOMIAL = 0xedb88320;

/**
 * Corrects a single flipped bit: the CRC-32 tells which bit it must be.
 *
 * @param octets - changed in place if the bit is found
 * @param wanted - the CRC-32 that they had
 * @returns whether they have that CRC now
 * @see the table method of RFC 1952, section 8, run backwards: CRC-32 is linear, so the difference of two CRCs depends on the flipped bit
 *   alone
 */
export function unflip(octets: Buffer, wanted: number): boolean {
  const difference = (crc32(octets) ^ wanted) >>> 0;
  if (difference === 0) return true;
  // The change of the CRC by a flip of each bit of the last byte. Each byte further ahead takes one more step.
  const effects = Array.from({ length: 8 }, (_, bit) => step(1 << bit));
  for (let at = octets.length - 1; at >= 0; at--) {
    for (let bit = 0; bit < 8; bit++) {
      const effect = effects[bit] ?? 0;
      if (effect === difference) {
        octets[at] = (octets[at] ?? 0) ^ (1 << bit);
        return true;
      }
      effects[bit] = (STEPS[effect & 0xff] ?? 0) ^ (effect >>> 8);
      effects[bit] = (effects[bit] ?? 0) >>> 0;
    }
  }
  return false;
}

const STEPS: Uint32Array = Uint32Array.from({ length: 256 }, (_, octet) => step(octet));

function step(octet: number): number {
  let value = octet;
  for (let i = 0; i < 8; i++) value = (value & 1) === 1 ? POLYNOMIAL ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
}
